import test from 'ava'
import type { ExecutionContext } from 'ava'
import { cursorOf } from '../../common/protocol/cursor.ts'
import { withFrontend } from './with-frontend.ts'
import type { Fixture } from './with-frontend.ts'

type Stream = {
  /** Fulfilled when the text so far matches. */
  has(pattern: RegExp): Promise<string>
  leave(): Promise<void>
}

function openStream({ ask }: Fixture, path: string, headers: Record<string, string> = {}): Stream {
  const leaving = new AbortController()
  const waiting = new Set<() => void>()
  let text = ''
  const answered = ask(path, {
    headers,
    signal: leaving.signal,
    onData: (piece) => {
      text += piece
      for (const look of waiting) look()
    },
  })
  return {
    has: (pattern) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!pattern.test(text)) return
          waiting.delete(look)
          resolve(text)
        }
        waiting.add(look)
        look()
      }),
    leave: async () => {
      leaving.abort()
      await answered.catch(() => undefined)
    },
  }
}

const ended = (job: string, n: number) => ({
  topic: `run.succeeded.${job}.`,
  job,
  run_id: `r${n}`,
  flow_id: `r${n}`,
  state: 'succeeded' as const,
})

const setUp = (t: ExecutionContext): Promise<Fixture> => withFrontend(t, () => ({ result: {} }))

test('events come as they happen, each with its place', async (t) => {
  const frontend = await setUp(t)
  frontend.broker.note(ended('before', 1))
  const stream = openStream(frontend, '/api/events')
  await stream.has(/retry: 1000/)
  frontend.broker.note({ ...ended('load', 2), params: { secret: 's' }, output: { o: '1' } })
  frontend.broker.note({ topic: 'gate.open.ready.', semaphore: 'ready', key: 'k', generation: 1 })
  const text = await stream.has(/gate\.open[^\n]*\n\n/)
  t.regex(text, /id: 0-2\nevent: run\ndata: \{"at":.*"topic":"run.succeeded.load.".*\}\n\n/)
  t.regex(text, /id: 0-3\nevent: gate\ndata: .*"key":"k"/)
  t.notRegex(text, /before|secret|"o"/)
  await stream.leave()
})

test('a client that comes back goes on where it was, and misses nothing', async (t) => {
  const frontend = await setUp(t)
  for (const n of [1, 2, 3]) frontend.broker.note(ended('load', n))
  const last = { 'last-event-id': cursorOf(1) }
  const stream = openStream(frontend, '/api/events', last)
  const text = await stream.has(/"r3"/)
  t.notRegex(text, /"r1"/)
  t.regex(text, /"r2"/)
  await stream.leave()
  const all = openStream(frontend, '/api/events?after=oldest')
  t.regex(await all.has(/"r3"/), /"r1"/)
  await all.leave()
})

test('topics choose, and the place moves on over what was not wanted', async (t) => {
  const frontend = await setUp(t)
  const stream = openStream(frontend, '/api/events?topics=run.failed,gate&after=oldest')
  await stream.has(/retry/)
  frontend.broker.note(ended('load', 1))
  const text = await stream.has(/id: 0-1\n\n/)
  t.notRegex(text, /"r1"/)
  frontend.broker.note({ ...ended('load', 2), topic: 'run.failed.load.', state: 'failed' })
  await stream.has(/"r2"/)
  await stream.leave()
})

test('many events are sent page by page', async (t) => {
  const frontend = await setUp(t)
  for (let n = 1; n <= 1500; n += 1) frontend.broker.note(ended('load', n), { wake: false })
  const stream = openStream(frontend, '/api/events?after=oldest')
  const text = await stream.has(/"r1500"/)
  t.is(text.match(/event: run/g)?.length, 1500)
  await stream.leave()
})

test('a stream outlives a restart of the broker', async (t) => {
  const frontend = await setUp(t)
  const stream = openStream(frontend, '/api/events')
  await stream.has(/retry/)
  await frontend.broker.stop()
  frontend.broker.note(ended('load', 1), { wake: false })
  await frontend.broker.start()
  await stream.has(/"r1"/)
  await stream.leave()
  t.pass()
})

test('a reader that does not read costs no memory of the broker, and others go on', async (t) => {
  const frontend = await setUp(t)
  const { connect } = await import('node:net')
  const { port } = new URL(frontend.url)
  const idle = connect(Number(port), '127.0.0.1')
  idle.pause()
  idle.write('GET /api/events?after=oldest HTTP/1.1\r\nHost: a\r\n\r\n')
  const long = 'x'.repeat(100_000)
  for (let n = 1; n <= 300; n += 1)
    frontend.broker.note({ ...ended('load', n), reason: long }, { wake: false })
  const replays = (): number => frontend.broker.seen.filter(({ kind }) => kind === 'replay').length
  frontend.broker.head()
  const other = openStream(frontend, `/api/events?after=${cursorOf(299)}`)
  await other.has(/"r300"/)
  t.true(replays() < 20)
  await other.leave()
  idle.destroy()
})

test('wrong places and topics are refused', async (t) => {
  const { ask } = await setUp(t)
  t.is(
    (await ask('/api/events?topics=rum')).json.error.hint,
    'they begin with run, flow, gate, worker',
  )
  t.is((await ask('/api/events?topics=workers')).json.error.hint, 'did you mean worker?')
  t.is((await ask('/api/events?after=yesterday')).status, 400)
  t.is((await ask('/api/events', { headers: { 'last-event-id': 'x'.repeat(100) } })).status, 400)
  t.is((await ask('/api/events', { method: 'HEAD' })).status, 405)
})

test('streams end when the frontend stops', async (t) => {
  const frontend = await setUp(t)
  const answered = frontend.ask('/api/events')
  await frontend.broker.request(({ kind }) => kind === 'replay')
  await frontend.stop()
  const answer = await answered
  t.true([200, 503].includes(answer.status))
})
