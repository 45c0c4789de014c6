import test from 'ava'
import type { FromClient, Trigger } from '../../common/protocol/client-door.ts'
import { accepted, refusal, RUN_ID, runView } from './fake-broker.ts'
import type { Script } from './fake-broker.ts'
import { withFrontend } from './with-frontend.ts'
import { until } from '../worker/until.ts'

const acceptAll: Script = (request) =>
  request.kind === 'trigger'
    ? { result: request.triggers.map(({ job }) => accepted({ job })) }
    : { result: runView({ state: 'running' }) }

const triggersOf = (seen: readonly FromClient[]): Trigger[] =>
  seen.flatMap((request) => (request.kind === 'trigger' ? request.triggers : []))

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const JSON_TYPE = { 'content-type': 'application/json' }

test('a GET starts a job, and says where to look', async (t) => {
  const { ask, broker, url } = await withFrontend(t, acceptAll)
  const path = '/job_start?job_name=load&date=2024_03_01&shop=a%20b+c%2F&priority=3&delay=90s'
  const answer = await ask(path)
  t.is(answer.status, 202)
  t.is(answer.headers.location, `/api/runs/${RUN_ID}`)
  t.is(answer.headers['cache-control'], 'no-store')
  t.is(answer.headers['x-powered-by'], undefined)
  t.deepEqual(answer.json, {
    ...accepted({ job: 'load' }),
    status_url: `${url}/api/runs/${RUN_ID}`,
  })
  const [trigger] = triggersOf(broker.seen)
  t.is(trigger?.job, 'load')
  t.deepEqual(trigger?.params, { date: '2024_03_01', shop: 'a b c/' })
  t.is(trigger?.priority, 3)
  t.is(trigger?.delay_ms, 90_000)
  t.regex(trigger?.request_id ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/)
})

test('a POST takes the same fields from a form or from flat JSON, beside the query string', async (t) => {
  const { ask, broker } = await withFrontend(t, acceptAll)
  const form = { method: 'POST', headers: FORM, body: 'job_name=load&date=1%262' }
  t.is((await ask('/job_start', form)).status, 202)
  const body = JSON.stringify({ date: '2', count: 3, dry: true, request_id: 'r1' })
  const flat = { method: 'POST', headers: JSON_TYPE, body }
  t.is((await ask('/job_start?job_name=load', flat)).status, 202)
  const [one, other] = triggersOf(broker.seen)
  t.deepEqual(one?.params, { date: '1&2' })
  t.deepEqual(other?.params, { date: '2', count: 3, dry: true })
  t.is(other?.request_id, 'r1')
})

test('format=id answers with nothing but the run_id', async (t) => {
  const { ask } = await withFrontend(t, acceptAll)
  const answer = await ask('/job_start?job_name=load&format=id')
  t.is(answer.status, 202)
  t.is(answer.text, `${RUN_ID}\n`)
  t.regex(answer.headers['content-type'] ?? '', /^text\/plain/)
})

test('a Host header that is not ours does not end up in an answer', async (t) => {
  const { ask, broker } = await withFrontend(t, acceptAll)
  const answer = await ask('/job_start?job_name=load', { headers: { host: 'a"><script>' } })
  t.is(answer.status, 421)
  t.notRegex(answer.text, /script/)
  t.deepEqual(broker.seen, [])
})

const HOSTILE: readonly [why: string, query: string, status: number, says: RegExp][] = [
  ['no job', 'date=1', 400, /job_name is missing/],
  ['an empty job', 'job_name=', 400, /job_name is missing/],
  ['a repeated key', 'job_name=a&date=1&date=2', 400, /date.*comes twice/],
  ['a repeated job_name', 'job_name=a&job_name=b', 400, /job_name.*comes twice/],
  ['a repeated key, encoded otherwise', 'job_name=a&date=1&d%61te=2', 400, /date.*comes twice/],
  ['a nested key', 'job_name=a&x[y]=1', 400, /x\[y\].*one plain value/],
  ['a nested key, encoded', 'job_name=a&x%5By%5D=1', 400, /x\[y\].*one plain value/],
  ['a list', 'job_name=a&x[]=1', 400, /x\[\].*one plain value/],
  ['a broken escape', 'job_name=a&date=%zz', 400, /date.*percent-encoded UTF-8/],
  ['a lonely percent', 'job_name=a&date=100%', 400, /date.*percent-encoded UTF-8/],
  ['bytes that are not UTF-8', 'job_name=a&date=%ff%fe', 400, /date.*percent-encoded UTF-8/],
  ['half a surrogate pair', 'job_name=a&date=%ed%a0%80', 400, /date.*percent-encoded UTF-8/],
  ['no name', 'job_name=a&=1', 400, /without a name/],
  ['__proto__', 'job_name=a&__proto__=1', 400, /__proto__.*cannot be a name/],
  ['a dunder', 'job_name=a&__x=1', 400, /__x.*cannot be a name/],
  ['NUL in a name', 'job_name=a&x%00=1', 400, /cannot be a name/],
  ['a name of 300 characters', `job_name=a&${'n'.repeat(300)}=1`, 400, /cannot be a name/],
  ['a job of 300 characters', `job_name=${'n'.repeat(300)}`, 400, /at most 128/],
  ['a name that is no name', 'job_name=a&../x=1', 400, /cannot be a name/],
  ['priority', 'job_name=a&priority=high', 400, /priority: a whole number/],
  ['a negative priority', 'job_name=a&priority=-1', 400, /priority: a whole number/],
  ['too much priority', 'job_name=a&priority=4294967296', 400, /priority: a whole number/],
  ['delay', 'job_name=a&delay=soon', 400, /delay: a duration/],
  ['wait', 'job_name=a&wait=x', 400, /wait: a duration/],
  ['a long wait', 'job_name=a&wait=2h', 400, /wait: a duration of at most 1h/],
  ['format', 'job_name=a&format=xml', 400, /format: id or json/],
  ['of', 'job_name=a&wait=1s&of=all', 400, /of: flow or run/],
  ['of alone', 'job_name=a&of=flow', 400, /say how to wait/],
  ['strict alone', 'job_name=a&strict=1', 400, /say how to wait/],
  ['strict', 'job_name=a&wait=1s&strict=yes', 400, /strict: 1 or 0/],
  ['follow and wait', 'job_name=a&follow=1&wait=1s', 400, /output alone/],
  ['a long request_id', `job_name=a&request_id=${'r'.repeat(257)}`, 400, /at most 256/],
  ['a long parent', `job_name=a&parent_run_id=${'r'.repeat(65)}`, 400, /run_id/],
]

test('hostile queries are refused by name, and reach no broker', async (t) => {
  const { ask, broker } = await withFrontend(t, acceptAll)
  for (const [why, query, status, says] of HOSTILE) {
    const answer = await ask(`/job_start?${query}`)
    t.is(answer.status, status, why)
    t.regex(answer.json.error.message, says, why)
    t.deepEqual(Object.keys(answer.json.error), ['code', 'message', 'hint'], why)
  }
  t.deepEqual(broker.seen, [])
})

const some = (count: number): string => Array.from({ length: count }, (_, i) => `p${i}=1`).join('&')

test('parameters that are many or large are refused', async (t) => {
  const { ask, broker } = await withFrontend(t, acceptAll)
  t.is((await ask(`/job_start?job_name=a&${some(64)}`)).status, 202)
  t.regex((await ask(`/job_start?job_name=a&${some(65)}`)).json.error.message, /more than 64/)
  t.regex((await ask(`/job_start?job_name=a&${some(5000)}`)).json.error.message, /more than 100/)
  t.is((await ask(`/job_start?job_name=a&x=${'y'.repeat(70_000)}`)).status, 414)
  t.is((await ask(`/job_start?job_name=a&x=${'y'.repeat(140_000)}`)).status, 431)
  const large = { method: 'POST', headers: FORM, body: `job_name=a&x=${'y'.repeat(1024 * 1024)}` }
  const answer = await ask('/job_start', large)
  t.is(answer.status, 413)
  t.is(answer.json.error.code, 'too_large')
  // Within the body's bound, but not within a frame once it is JSON.
  const escaped = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`p${i}`, '\u0001'.repeat(2800)]),
  )
  const body = JSON.stringify({ job_name: 'a', ...escaped })
  t.is((await ask('/job_start', { method: 'POST', headers: JSON_TYPE, body })).status, 413)
  t.is(triggersOf(broker.seen).length, 1)
})

test('bodies that are not what they say are refused', async (t) => {
  const { ask } = await withFrontend(t, acceptAll)
  const post = async (type: string | null, body: string | Uint8Array): Promise<string> => {
    const headers: Record<string, string> = type === null ? {} : { 'content-type': type }
    const answer = await ask('/job_start?job_name=a', { method: 'POST', headers, body })
    return `${answer.status} ${answer.json.error?.code}`
  }
  t.is(await post('text/plain', 'x=1'), '415 unsupported_type')
  t.is(await post(null, 'x=1'), '415 unsupported_type')
  t.is(await post('multipart/form-data; boundary=x', '--x--'), '415 unsupported_type')
  t.is(await post('application/json', '{"x":'), '400 bad_json')
  t.is(await post('application/json', '[1]'), '400 bad_request')
  t.is(await post('application/json', '"text"'), '400 bad_request')
  t.is(await post('application/json', '{"x":{"y":1}}'), '400 bad_request')
  t.is(await post('application/json', '{"x":["y"]}'), '400 bad_request')
  t.is(await post('application/json', '{"x":null}'), '400 bad_request')
  t.is(await post('application/json', '{"x":1e999}'), '400 bad_request')
  t.is(await post('application/json', '{"x":"\\ud800"}'), '400 bad_request')
  t.is(await post('application/json', '{"__proto__":"1"}'), '400 bad_parameter')
  t.is(await post('application/json', '{"job_name":"b"}'), '400 bad_request')
  t.is(await post('application/json', Uint8Array.of(0x7b, 0xff, 0x7d)), '400 bad_request')
  t.is(await post('application/x-www-form-urlencoded', 'x=1&x=2'), '400 bad_request')
  t.is(await post('application/x-www-form-urlencoded', 'x[y]=2'), '400 bad_request')
  const headers = { ...JSON_TYPE, 'content-encoding': 'gzip' }
  const zipped = await ask('/job_start', { method: 'POST', headers, body: 'x' })
  t.is(zipped.status, 415)
})

test('a trigger by HEAD or by another method is refused, and starts nothing', async (t) => {
  const { ask, broker } = await withFrontend(t, acceptAll)
  for (const method of ['HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
    const answer = await ask('/job_start?job_name=load', { method })
    t.is(answer.status, 405, method)
    t.is(answer.headers.allow, 'GET, POST', method)
  }
  t.deepEqual(broker.seen, [])
})

test("the broker's refusals come through as they are", async (t) => {
  const errors = [
    refusal(404, 'unknown_job'),
    refusal(409, 'request_id_taken'),
    refusal(503, 'no_workers', 5),
    refusal(429, 'full', 2.5),
  ]
  const { ask } = await withFrontend(t, () => ({ result: [errors.shift()] }))
  for (const [status, code, retry_after] of [
    [404, 'unknown_job', undefined],
    [409, 'request_id_taken', undefined],
    [503, 'no_workers', '5'],
    [429, 'full', '3'],
  ] as const) {
    const answer = await ask('/job_start?job_name=load')
    t.is(answer.status, status)
    t.is(answer.headers['retry-after'], retry_after)
    t.deepEqual(answer.json, { error: { code, message: `scripted: ${code}`, hint: 'a hint' } })
  }
})

test('a lost reply is asked for again under the same id, and is no duplicate to the client', async (t) => {
  let lost = 0
  const { ask, broker } = await withFrontend(
    t,
    () => (lost++ === 0 ? 'drop' : { result: [accepted({ duplicate: true })] }),
    { patience_ms: 500 },
  )
  const answer = await ask('/job_start?job_name=load')
  t.is(answer.status, 202)
  t.is(answer.json.duplicate, undefined)
  const [one, again] = triggersOf(broker.seen)
  t.truthy(one?.request_id)
  t.deepEqual(one, again)
})

test("a client's own repetition is a duplicate", async (t) => {
  const { ask } = await withFrontend(t, () => ({ result: [accepted({ duplicate: true })] }))
  t.true((await ask('/job_start?job_name=load&request_id=r1')).json.duplicate)
})

test('without a broker the answer is 503 with Retry-After', async (t) => {
  const { ask, broker } = await withFrontend(t, () => 'drop', { patience_ms: 100 })
  const answer = await ask('/job_start?job_name=load')
  t.is(answer.status, 503)
  t.is(answer.json.error.code, 'unreachable')
  t.is(answer.headers['retry-after'], '2')
  // The last of its questions may still be on its way.
  await until('the broker was asked twice', () => (broker.seen.length >= 2 ? true : undefined))
  t.is(broker.seen.length, 2)
})

test('a parent may be named by the end of its id', async (t) => {
  const { ask, broker } = await withFrontend(t, acceptAll)
  t.is((await ask('/job_start?job_name=load&parent_run_id=456789ab')).status, 202)
  t.is(triggersOf(broker.seen)[0]?.parent_run_id, RUN_ID)
})
