import test from 'ava'
import type { FromClient, Trigger } from '../../common/protocol/client-door.ts'
import { accepted, refusal, RUN_ID } from './fake-broker.ts'
import type { Script } from './fake-broker.ts'
import { withFrontend } from './with-frontend.ts'
import type { Answered, Fixture } from './with-frontend.ts'

/** Answers each trigger with its own `n`, and refuses the job called `no`. */
const script: Script = (request) =>
  request.kind === 'trigger'
    ? {
        result: request.triggers.map(({ job, params }) =>
          job === 'no'
            ? refusal(404, 'unknown_job')
            : accepted({ job, run_id: `r${String(params['n'])}` }),
        ),
      }
    : { result: {} }

const post = ({ ask }: Fixture, body: unknown, type = 'application/json'): Promise<Answered> =>
  ask('/api/runs', {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

const requestsOf = (seen: readonly FromClient[]): Trigger[][] =>
  seen.flatMap((request) => (request.kind === 'trigger' ? [request.triggers] : []))

test('one object is answered like /job_start', async (t) => {
  const frontend = await withFrontend(t, script)
  const one = { job: 'load', params: { n: 1 }, request_id: 'r', priority: 1, delay: '2m' }
  const answer = await post(frontend, one)
  t.is(answer.status, 202)
  t.is(answer.headers.location, '/api/runs/r1')
  t.is(answer.json.status_url, `${frontend.url}/api/runs/r1`)
  t.like(requestsOf(frontend.broker.seen)[0]?.[0], { ...one, delay: undefined, delay_ms: 120_000 })
  t.is((await post(frontend, { job: 'no' })).status, 404)
  t.is((await post(frontend, { job: 'load', delay: 30 })).status, 202)
})

test('an array is answered in order, good and bad side by side', async (t) => {
  const frontend = await withFrontend(t, script)
  const answer = await post(frontend, [
    { job: 'load', params: { n: 0 } },
    { job: 'no', params: { n: 1 } },
    { job: 'load', params: { n: 2 } },
    { job: 'load', parms: {} },
    { job: 'load', params: { n: 4, nested: { x: 1 } } },
    { job: 'load', params: [1] },
    { params: {} },
    'load',
    null,
    { job: 'load', params: { n: 9 }, request_id: { x: 1 } },
    { job: 'load', params: { n: 10 } },
  ])
  t.is(answer.status, 202)
  const told = answer.json.map((item: any) => item.run_id ?? item.error.code)
  const bad = 'bad_request'
  t.deepEqual(told, [
    'r0',
    'unknown_job',
    'r2',
    bad,
    'bad_parameter',
    bad,
    bad,
    bad,
    bad,
    bad,
    'r10',
  ])
  t.is(answer.json[3].error.hint, 'did you mean params?')
})

test('ten thousand go out in frames that fit, and come back in order', async (t) => {
  const frontend = await withFrontend(t, script)
  const many = Array.from({ length: 10_000 }, (_, n) => ({
    job: 'load',
    params: { n, text: 'x'.repeat(n % 7 === 0 ? 4000 : 10) },
  }))
  const answer = await post(frontend, many)
  t.is(answer.status, 202)
  t.deepEqual(
    answer.json.map(({ run_id }: { run_id: string }) => run_id),
    many.map((_, n) => `r${n}`),
  )
  const requests = requestsOf(frontend.broker.seen)
  t.true(requests.length > 10)
  t.true(requests.every((triggers) => JSON.stringify(triggers).length < 1_000_000))
  t.is(new Set(requests.flat().map(({ request_id }) => request_id)).size, 10_000)
})

test('too many, too large, or no JSON is refused as a whole', async (t) => {
  const frontend = await withFrontend(t, script)
  const many = Array.from({ length: 10_001 }, () => ({ job: 'load' }))
  t.is((await post(frontend, many)).status, 413)
  t.is((await post(frontend, `[${' '.repeat(17 * 1024 * 1024)}]`)).status, 413)
  t.is((await post(frontend, '[{"job":')).json.error.code, 'bad_json')
  t.is((await post(frontend, '[]')).status, 400)
  t.is((await post(frontend, '"load"')).status, 400)
  t.is((await post(frontend, '')).json.error.code, 'bad_json')
  t.is((await post(frontend, 'job=load', 'application/x-www-form-urlencoded')).status, 415)
  t.deepEqual(frontend.broker.seen, [])
})

test('deep nesting and odd names do no harm', async (t) => {
  const frontend = await withFrontend(t, script)
  const deep = '['.repeat(200_000) + ']'.repeat(200_000)
  t.is((await post(frontend, deep)).status, 200)
  const own = '[{"job":"load","params":{"__proto__":"x"}},{"job":"load","__proto__":{"x":1}}]'
  const answer = await post(frontend, own)
  t.is(answer.status, 200)
  t.deepEqual(
    answer.json.map((item: any) => item.error.code),
    ['bad_parameter', 'bad_request'],
  )
  t.is(({} as Record<string, unknown>)['x'], undefined)
  t.deepEqual(frontend.broker.seen, [])
})

test('when the broker gives no answer, the whole is 503', async (t) => {
  const frontend = await withFrontend(t, () => 'drop', { patience_ms: 100 })
  const answer = await post(frontend, [{ job: 'load' }, { job: 'load' }])
  t.is(answer.status, 503)
  t.truthy(answer.headers['retry-after'])
})

test('when a part gets no answer, the others keep theirs', async (t) => {
  const frontend = await withFrontend(
    t,
    (request) => {
      if (request.kind !== 'trigger') return 'drop'
      const { triggers } = request
      return triggers.length > 1 ? { result: triggers.map(() => accepted()) } : 'drop'
    },
    { patience_ms: 2_000 },
  )
  const many = Array.from({ length: 501 }, () => ({ job: 'load' }))
  const answer = await post(frontend, many)
  t.is(answer.status, 202)
  t.is(answer.json[0].run_id, RUN_ID)
  t.is(answer.json[500].error.code, 'unreachable')
})
