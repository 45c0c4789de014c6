/** Server-Sent Events, however the network cuts them. */
import test from 'ava'
import * as fc from 'fast-check'
import { readEvents } from '../../../cli/api/events.ts'
import type { ServerEvent } from '../../../cli/api/events.ts'

async function read(pieces: readonly Uint8Array[]): Promise<ServerEvent[]> {
  const events: ServerEvent[] = []
  const body = (async function* () {
    yield* pieces
  })()
  for await (const event of readEvents(body)) events.push(event)
  return events
}

const STREAM = Buffer.from(
  ': heartbeat\n\nid: 7\nevent: run\ndata: {"a":"ü"}\n\ndata: two\ndata:lines\n\nid: 8\n\nevent: cut\nda',
)
const EVENTS = [
  { id: '7', event: 'run', data: '{"a":"ü"}' },
  { id: '7', event: '', data: 'two\nlines' },
]

test('events are read, comments and what is cut are not', async (t) => {
  t.deepEqual(await read([STREAM]), EVENTS)
})

test('lines may end by return and newline', async (t) => {
  const crlf = Buffer.from(STREAM.toString().replaceAll('\n', '\r\n'))
  t.deepEqual(await read([crlf]), EVENTS)
})

test('it does not matter where the pieces are cut', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(STREAM.length)), async (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), STREAM.length]
      const pieces = places.slice(1).map((end, index) => STREAM.subarray(places[index], end))
      t.deepEqual(await read(pieces), EVENTS)
    }),
  )
})

test('a line without an end is given up', async (t) => {
  const endless = Array.from({ length: 64 }, () => Buffer.alloc(64 * 1024, 'x'))
  t.deepEqual(await read([...endless, Buffer.from('\ndata: x\n\n')]), [])
})
