/** `jobz up` before anything is started: what it refuses, and with which words. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { startUp } from '../../cli/commands/up.ts'
import { logLines } from '../../cli/supervisor/log-lines.ts'
import { dialled, readPlace, whyTaken } from '../../cli/supervisor/ports.ts'
import { jsonLine } from '../../common/daemon/log-line.ts'
import { ACTS, HOSTILE } from './views.ts'

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const { signal } = new AbortController()

function settings(t: ExecutionContext, differs: object = {}) {
  const jobs = mkdtempSync(join(tmpdir(), 'jobz-up-'))
  t.teardown(() => rmSync(jobs, { recursive: true }))
  const places = { listen: '127.0.0.1:6769', bind: 'tcp://127.0.0.1:6770' }
  return { jobs, data: join(jobs, '.data'), slots: 4, ...places, ...differs }
}

async function takenPort(t: ExecutionContext): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

const BAD: readonly [object, RegExp][] = [
  [{ jobs: '/nowhere/at/all' }, /there is no folder \/nowhere\/at\/all: make one .*--jobs/],
  [{ listen: '6769' }, /--listen 6769: expected HOST:PORT/],
  [{ listen: '127.0.0.1:0' }, /--listen/],
  [{ bind: '127.0.0.1:6770' }, /--bind 127\.0\.0\.1:6770: expected tcp:\/\/HOST:PORT/],
  [{ bind: 'tcp://127.0.0.1:65535' }, /--bind/],
]
for (const [differs, said] of BAD)
  test(`refuses ${JSON.stringify(differs)}`, async (t) => {
    const refused = await startUp(settings(t, differs), silent, signal)
    if (!('kind' in refused)) return t.fail('it started')
    t.is(refused.exit_code, 2)
    t.regex(refused.message, said)
  })

test('a port that is taken is named, with how to choose another', async (t) => {
  const port = await takenPort(t)
  const listen = await startUp(settings(t, { listen: `127.0.0.1:${port}` }), silent, signal)
  t.like(listen, { kind: 'refused', exit_code: 1 })
  t.regex((listen as { message: string }).message, /is in use, perhaps by another.*--listen 127/)
})

test("the broker's second and third port count too", async (t) => {
  const [port, listen] = [await takenPort(t), await takenPort(t)]
  t.is(await whyTaken({ host: '127.0.0.1', port }), 'EADDRINUSE')
  t.is(await whyTaken({ host: '*', port }), 'EADDRINUSE')
  const differs = { bind: `tcp://127.0.0.1:${port - 1}`, listen: `127.0.0.1:${listen}` }
  const refused = await startUp(settings(t, differs), silent, signal)
  t.like(refused, { kind: 'refused', exit_code: 1 })
})

test('places', (t) => {
  t.deepEqual(readPlace('*:80'), { host: '*', port: 80 })
  t.deepEqual(readPlace('[::1]:80'), { host: '[::1]', port: 80 })
  for (const bad of ['', ':80', 'h:', 'h:0', 'h:65536', 'a b:80', 'h:80/x'])
    t.is(readPlace(bad), null)
  t.deepEqual(['*', '0.0.0.0', '[::]', 'h'].map(dialled), ['127.0.0.1', '127.0.0.1', '[::1]', 'h'])
})

test("the daemons' logs are passed on: JSON into a pipe, harmless text on a terminal", (t) => {
  const entry = {
    time: '2026-11-23T08:00:00.000Z',
    level: 'error',
    daemon: 'broker',
    message: 'failed',
    facts: { error: { message: `no disk ${HOSTILE}` } },
  } as const
  const pipe = new PassThrough()
  const lines = logLines(pipe)
  lines.take('broker', jsonLine(entry))
  lines.take('worker', `a crash ${HOSTILE}`)
  const [first = '', second = ''] = String(pipe.read()).split('\n')
  t.is(first, jsonLine(entry))
  t.like(JSON.parse(second), { daemon: 'worker', level: 'warn', message: `a crash ${HOSTILE}` })
  t.regex(lines.lastError('broker'), /^: failed: no disk/)
  t.is(lines.lastError('worker'), '')

  const terminal = Object.assign(new PassThrough(), { isTTY: true })
  logLines(terminal).take('broker', jsonLine(entry))
  const text = stripVTControlCharacters(String(terminal.read()))
  t.regex(text, /error broker +failed/)
  t.notRegex(text, ACTS)
})
