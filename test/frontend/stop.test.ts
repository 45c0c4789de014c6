/** A frontend that is told to stop: it finishes what it has begun, says goodbye on every connection, and cuts nobody off. */
import { Agent, get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import test from 'ava'
import type { RunView } from '../../common/protocol/answers.ts'
import type { FromClient } from '../../common/protocol/client-door.ts'
import { listen } from '../../frontend/server.ts'
import { createStanding } from '../../frontend/standing.ts'
import { accepted, RUN_ID, runView } from './fake-broker.ts'
import { withFrontend } from './with-frontend.ts'

/** So long that no test sees the force behind it. */
const GRACE_MS = 600_000

type Held = { readonly begun: Promise<void>; readonly go: () => void }

/** Requests of `/held` wait to be let go; `/stream` has begun its answer by then. */
async function serve() {
  const begun = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const server = await listen(
    (req, res) => {
      if (req.url === '/stream') res.write('begun, ')
      begun.resolve()
      void go.promise.then(() => res.end('ended'))
    },
    { host: '127.0.0.1', port: 0 },
    createStanding(),
    { grace_ms: GRACE_MS },
  )
  const held: Held = { begun: begun.promise, go: go.resolve }
  return { server, held }
}

function ask(url: string, agent: Agent): Promise<{ response: IncomingMessage; text: string }> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
      response.on('end', () => resolve({ response, text }))
    }).on('error', reject)
  })
}

for (const path of ['/held', '/stream'])
  test(`${path}: what is under way is finished, and its connection ends with it`, async (t) => {
    const { server, held } = await serve()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const asked = ask(server.url + path, agent)
    await held.begun
    const stopped = server.stop()
    held.go()
    const { response, text } = await asked
    t.is(text, path === '/held' ? 'ended' : 'begun, ended')
    t.is(response.headers.connection, path === '/held' ? 'close' : 'keep-alive')
    await stopped
    await t.throwsAsync(ask(server.url + path, new Agent()), { code: 'ECONNREFUSED' })
  })

const trigger = (request: FromClient): boolean => request.kind === 'trigger'
const asks =
  (what: string) =>
  (request: FromClient): boolean =>
    request.kind === 'query' && request.question.what === what

test('a wait is answered with what is known, also when the broker is away', async (t) => {
  const {
    ask: askHere,
    broker,
    stop,
  } = await withFrontend(t, (request) => (trigger(request) ? { result: [accepted()] } : 'drop'))
  const answered = askHere('/job_start?job_name=load&wait=1h')
  await broker.request(asks('run'))
  await stop()
  const answer = await answered
  t.is(answer.status, 202)
  t.like(answer.json, { run_id: RUN_ID, state: 'queued' })
})

test('a followed run says that it goes on, also when the broker is away', async (t) => {
  const {
    ask: askHere,
    broker,
    stop,
  } = await withFrontend(t, (request) => (trigger(request) ? { result: [accepted()] } : 'drop'))
  const answered = askHere('/job_start?job_name=load&follow=1')
  await broker.request(asks('run'))
  await stop()
  const { text, whole } = await answered
  t.regex(text, /^jobz: this frontend is stopping; run \S+ goes on/)
  t.false(whole)
})

test('output that is read only in part does not look whole', async (t) => {
  const task = { task_id: `${RUN_ID}.0`, worker: 'web1', state: 'succeeded', attempt: 1 }
  const view = runView({ state: 'succeeded', tasks: [task] as RunView['tasks'] & object })
  const piece = { stream: 'stdout', attempt: 1, data: 'Ym9vIQ==', size: 12, cut_bytes: 0 }
  const stopping = Promise.withResolvers<void>()
  const {
    ask: askHere,
    broker,
    stop,
  } = await withFrontend(t, async (request) => {
    if (asks('run')(request)) return { result: view }
    const pieces = broker.seen.filter(asks('output')).length
    if (pieces > 1) await stopping.promise
    return { result: { ...piece, next_offset: 4 * pieces, complete: pieces === 3 } }
  })
  const first = Promise.withResolvers<void>()
  const onData = (): void => first.resolve()
  const answered = askHere(`/api/runs/${RUN_ID}/output`, { onData })
  await first.promise
  const stopped = stop()
  stopping.resolve()
  await stopped
  const { text, whole } = await answered
  t.true(text.length < 12)
  t.false(whole)
})
