/** The frontend before a broker that is newer than it. */
import test from 'ava'
import type { RunState } from '../../common/protocol/answers.ts'
import { PROTOCOL_VERSION } from '../../common/protocol/limits.ts'
import { accepted, refusal, RUN_ID, runView } from './fake-broker.ts'
import { withFrontend } from './with-frontend.ts'

const NEW_END = 'skipped' as RunState

test('a run in a state that is not known is shown as it is, and is over when it has an end', async (t) => {
  const over = runView({ state: NEW_END, finished_at: '2024-03-01T06:01:00.000Z', tasks: [] })
  const { ask, broker } = await withFrontend(t, ({ kind }) =>
    kind === 'trigger'
      ? { result: [accepted({ state: 'pondering', shard: 3 })] }
      : { result: { ...over, shard: 3 } },
  )
  const started = await ask('/job_start?job_name=load')
  t.is(started.status, 202)
  t.like(started.json, { state: 'pondering', shard: 3 })
  const waited = await ask('/job_start?job_name=load&wait=1h')
  t.is(waited.status, 424)
  t.is(waited.json.state, 'skipped')
  const followed = await ask('/job_start?job_name=load&follow=1')
  t.is(followed.text, `jobz: run ${RUN_ID} skipped\n`)
  t.like((await ask(`/api/runs/${RUN_ID}`)).json, { state: 'skipped', shard: 3 })
  for (const { protocol } of broker.seen) t.is(protocol, PROTOCOL_VERSION)
})

test('an answer that cannot be read is an answer: nobody waits for it', async (t) => {
  const { ask } = await withFrontend(t, () => refusal(299, 'odd'), { patience_ms: 600_000 })
  const answer = await ask('/job_start?job_name=load')
  t.is(answer.status, 502)
  t.like(answer.json.error, { code: 'bad_reply' })
  t.regex(answer.json.error.message, /the broker's answer cannot be read: reply: error\.status/)
  t.regex(answer.json.error.hint, /update the older one/)
})

test('a broker that is too far ahead is heard', async (t) => {
  const { ask } = await withFrontend(t, () => refusal(503, 'bad_protocol'))
  for (const path of ['/job_start?job_name=load', '/readyz', `/api/runs/${RUN_ID}`]) {
    const answer = await ask(path)
    t.is(answer.status, 503, path)
    t.is(answer.json.error.code, 'bad_protocol', path)
  }
})

test('events of kinds that are not known pass, and move the place on', async (t) => {
  const { ask, broker } = await withFrontend(t, () => ({ result: {} }))
  broker.note({ topic: 'lane.full.media.' })
  broker.note({ topic: 'run.skipped.load.', run_id: RUN_ID, state: NEW_END })
  const leaving = new AbortController()
  const came = Promise.withResolvers<void>()
  let text = ''
  const onData = (piece: string): void => {
    text += piece
    if (text.includes('id: 0-2')) came.resolve()
  }
  const stream = ask('/api/events?after=oldest', { signal: leaving.signal, onData })
  await came.promise
  t.regex(text, /event: lane\ndata: .*lane\.full\.media/)
  t.regex(text, /event: run\ndata: .*"state":"skipped"/)
  leaving.abort()
  await stream.catch(() => undefined)
})
