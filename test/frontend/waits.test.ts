import test from 'ava'
import type { RunView } from '../../common/protocol/answers.ts'
import type { FromClient } from '../../common/protocol/client-door.ts'
import { accepted, refusal, RUN_ID, runView } from './fake-broker.ts'
import type { Script, Scripted } from './fake-broker.ts'
import { withFrontend } from './with-frontend.ts'

/** Answers triggers, and questions about the run as it stands in `run`. */
const brokerOf =
  (run: { view: RunView; flow?: object }): Script =>
  (request): Scripted => {
    if (request.kind === 'trigger') return { result: [accepted()] }
    if (request.kind !== 'query') return { result: {} }
    return { result: request.question.what === 'flow' ? run.flow : run.view }
  }
const asksFor =
  (what: string) =>
  (request: FromClient): boolean =>
    request.kind === 'query' && request.question.what === what
const over = (state: RunView['state'], reason: string | null = null): RunView =>
  runView({ state, reason, finished_at: '2024-03-01T06:01:00.000Z' })

const done = (state: RunView['state']) => ({
  topic: `run.${state}.load.`,
  run_id: RUN_ID,
  flow_id: RUN_ID,
  job: 'load',
  state,
})

for (const [state, status] of [
  ['succeeded', 200],
  ['failed', 424],
  ['canceled', 424],
  ['expired', 424],
] as const)
  test(`wait answers ${status} when the run has ${state}`, async (t) => {
    const run = { view: runView({ state: 'running' }) }
    const { ask, broker } = await withFrontend(t, brokerOf(run))
    const answered = ask('/job_start?job_name=load&wait=1h')
    await broker.request(asksFor('run'))
    run.view = over(state, 'exit code 3')
    broker.note(done(state))
    const answer = await answered
    t.is(answer.status, status)
    t.like(answer.json, { run_id: RUN_ID, state, reason: 'exit code 3' })
    t.is(answer.headers.location, `/api/runs/${RUN_ID}`)
  })

test('a run that is over already is answered at once', async (t) => {
  const { ask } = await withFrontend(t, brokerOf({ view: over('succeeded') }))
  t.is((await ask('/job_start?job_name=load&wait=1h')).status, 200)
  const bare = await ask('/job_start?job_name=load&wait=1h&format=id')
  t.is(bare.text, `${RUN_ID}\n`)
  t.is(bare.status, 200)
})

test('a wait that runs out is 202, and 424 when it is strict', async (t) => {
  const { ask } = await withFrontend(t, brokerOf({ view: runView({ state: 'running' }) }))
  const answer = await ask('/job_start?job_name=load&wait=100ms')
  t.is(answer.status, 202)
  t.is(answer.json.state, 'running')
  t.is((await ask('/job_start?job_name=load&wait=100ms&strict=1')).status, 424)
  t.is((await ask('/job_start?job_name=load&wait=0s')).status, 202)
})

test('of=flow waits until the flow is settled', async (t) => {
  const flow = { flow_id: RUN_ID, state: 'running', settled: false, runs: [over('succeeded')] }
  const run = { view: over('succeeded'), flow }
  const { ask, broker } = await withFrontend(t, brokerOf(run))
  const answered = ask('/job_start?job_name=load&wait=1h&of=flow')
  await broker.request(asksFor('flow'))
  run.flow = { ...flow, state: 'failed', settled: true }
  broker.note({ topic: 'flow.settled.', flow_id: RUN_ID })
  const answer = await answered
  t.is(answer.status, 424)
  t.like(answer.json, { state: 'succeeded', flow_state: 'failed', flow_settled: true })
  run.flow = { ...flow, state: 'succeeded', settled: true }
  t.is((await ask('/job_start?job_name=load&wait=1h&of=flow')).status, 200)
})

test('a lost wake is made up for by the next head', async (t) => {
  const run = { view: runView({ state: 'running' }) }
  const { ask, broker } = await withFrontend(t, brokerOf(run))
  const answered = ask('/job_start?job_name=load&wait=1h')
  await broker.request(asksFor('run'))
  await broker.request((request) => request.kind === 'replay')
  run.view = over('succeeded')
  broker.note(done('succeeded'), { wake: false })
  broker.head()
  t.is((await answered).status, 200)
})

test('a wait outlives a restart of the broker', async (t) => {
  const run = { view: runView({ state: 'running' }) }
  const { ask, broker } = await withFrontend(t, brokerOf(run), { patience_ms: 500 })
  const answered = ask('/job_start?job_name=load&wait=1h')
  await broker.request(asksFor('run'))
  await broker.stop()
  run.view = over('succeeded')
  // Noted while nobody could be woken.
  broker.note(done('succeeded'), { wake: false })
  await broker.start()
  t.is((await answered).status, 200)
})

test('a broker that forgot the run ends the wait with what was last known', async (t) => {
  const { ask } = await withFrontend(t, (request) =>
    request.kind === 'trigger' ? { result: [accepted()] } : refusal(404, 'unknown_run'),
  )
  const answer = await ask('/job_start?job_name=load&wait=1h')
  t.is(answer.status, 202)
  t.is(answer.json.state, 'queued')
})

test('a stopping frontend answers those who wait, and lets nobody in', async (t) => {
  const run = { view: runView({ state: 'running' }) }
  const { ask, broker, stop } = await withFrontend(t, brokerOf(run))
  const answered = ask('/job_start?job_name=load&wait=1h')
  await broker.request(asksFor('run'))
  await Promise.all([stop(), answered])
  t.is((await answered).status, 202)
})

test('too many waits are refused before anything is started', async (t) => {
  const run = { view: runView({ state: 'running' }) }
  const { ask, broker } = await withFrontend(t, brokerOf(run), { standing: 1 })
  const leaving = new AbortController()
  const first = ask('/job_start?job_name=load&wait=1h', { signal: leaving.signal })
  await broker.request(asksFor('run'))
  const answer = await ask('/job_start?job_name=load&wait=1h')
  t.is(answer.status, 503)
  t.is(answer.json.error.code, 'busy')
  t.is(answer.headers['retry-after'], '5')
  t.is(broker.seen.filter(({ kind }) => kind === 'trigger').length, 1)
  t.is((await ask('/job_start?job_name=load')).status, 202)
  leaving.abort()
  await t.throwsAsync(first, { name: 'AbortError' })
})
