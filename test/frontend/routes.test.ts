import test from 'ava'
import type { FromClient } from '../../common/protocol/client-door.ts'
import { refusal, RUN_ID, runView } from './fake-broker.ts'
import type { Script } from './fake-broker.ts'
import { withFrontend } from './with-frontend.ts'

const LISTS = new Set(['jobs', 'workers', 'semaphores', 'lanes', 'refusals'])

/** Answers every question with something that shows which it was. */
const echo: Script = (request) => {
  if (request.kind !== 'query') return { result: { did: request.kind } }
  const { what } = request.question
  if (what === 'run') return { result: runView() }
  if (what === 'flow')
    return { result: { flow_id: RUN_ID, state: 'running', settled: false, runs: [] } }
  return { result: LISTS.has(what) ? [{ of: what }] : { of: what } }
}

const asked = (seen: readonly FromClient[]): object[] =>
  seen.map(({ id: _id, protocol: _protocol, ...request }) =>
    request.kind === 'query' ? request.question : (request as object),
  )

const WHOLE = RUN_ID
const SHORT = RUN_ID.slice(-8)
const TABLE: readonly [request: string, status: number, body: unknown, asks: object[]][] = [
  [`GET /job_status?run_id=${WHOLE}`, 200, runView(), [{ what: 'run', run_id: WHOLE }]],
  [
    `GET /job_status?run_id=${SHORT}&message=half%20way&progress=50.5`,
    200,
    runView(),
    [
      { what: 'run', run_id: SHORT },
      { kind: 'report', run_id: WHOLE, message: 'half way', progress: 50.5 },
      { what: 'run', run_id: WHOLE },
    ],
  ],
  [`GET /api/runs/${SHORT}`, 200, runView(), [{ what: 'run', run_id: SHORT }]],
  [`GET /api/runs/${SHORT}/explain`, 200, { of: 'explain' }, [{ what: 'explain', run_id: SHORT }]],
  [`POST /api/runs/${WHOLE}/cancel`, 202, { did: 'cancel' }, [{ kind: 'cancel', run_id: WHOLE }]],
  [
    `POST /api/runs/${SHORT}/cancel`,
    202,
    { did: 'cancel' },
    [
      { what: 'run', run_id: SHORT },
      { kind: 'cancel', run_id: WHOLE },
    ],
  ],
  [
    `POST /api/runs/${WHOLE}/retry?worker=web17`,
    202,
    { did: 'retry' },
    [{ kind: 'retry', run_id: WHOLE, worker: 'web17' }],
  ],
  [
    `GET /api/flows/${WHOLE}`,
    200,
    { flow_id: WHOLE, state: 'running', settled: false, runs: [] },
    [{ what: 'flow', flow_id: WHOLE }],
  ],
  [`POST /api/flows/${WHOLE}/cancel`, 202, { did: 'cancel' }, [{ kind: 'cancel', flow_id: WHOLE }]],
  [
    `POST /api/flows/${SHORT}/retry`,
    202,
    { did: 'retry' },
    [
      { what: 'flow', flow_id: SHORT },
      { kind: 'retry', flow_id: WHOLE, worker: null },
    ],
  ],
  ['GET /api/jobs', 200, { jobs: [{ of: 'jobs' }] }, [{ what: 'jobs' }]],
  [
    'GET /api/jobs/load/explain?date=1&job_name=x',
    200,
    { of: 'explain_job' },
    [{ what: 'explain_job', job: 'load', params: { date: '1', job_name: 'x' } }],
  ],
  ['GET /api/workers', 200, { workers: [{ of: 'workers' }] }, [{ what: 'workers' }]],
  ['GET /api/semaphores', 200, { semaphores: [{ of: 'semaphores' }] }, [{ what: 'semaphores' }]],
  ['GET /api/lanes', 200, { lanes: [{ of: 'lanes' }] }, [{ what: 'lanes' }]],
  [
    'GET /api/refusals?job=load',
    200,
    { refusals: [{ of: 'refusals' }] },
    [{ what: 'refusals', job: 'load', limit: 100 }],
  ],
  [
    'POST /api/workers/web17/drain',
    200,
    { did: 'worker' },
    [{ kind: 'worker', worker: 'web17', action: 'drain' }],
  ],
  [
    'POST /api/workers/web17/drain?off=1',
    200,
    { did: 'worker' },
    [{ kind: 'worker', worker: 'web17', action: 'resume' }],
  ],
  [
    'POST /api/workers/web17/forget',
    200,
    { did: 'worker' },
    [{ kind: 'worker', worker: 'web17', action: 'forget' }],
  ],
  [
    'POST /api/semaphores/ready/shop%2Feu%20%25/open?reason=late',
    200,
    { did: 'open' },
    [{ kind: 'open', semaphore: 'ready', key: 'shop/eu %', generation: null, reason: 'late' }],
  ],
  [
    'POST /api/semaphores/ready/k/reset',
    200,
    { did: 'reset' },
    [{ kind: 'reset', semaphore: 'ready', key: 'k' }],
  ],
  ['GET /healthz', 200, { ok: true }, []],
  ['GET /readyz', 200, { ok: true }, [{ what: 'health' }]],
]

for (const [request, status, body, asks] of TABLE)
  test(`${request} is ${status}`, async (t) => {
    const { ask, broker } = await withFrontend(t, echo)
    const [method = '', path = ''] = request.split(' ')
    const answer = await ask(path, { method })
    t.is(answer.status, status)
    t.deepEqual(answer.json, body)
    t.deepEqual(asked(broker.seen), asks)
    t.is(answer.headers['x-content-type-options'], 'nosniff')
  })

test('fields of a POST may stand in its body', async (t) => {
  const { ask, broker } = await withFrontend(t, echo)
  const headers = { 'content-type': 'application/json' }
  const path = '/api/semaphores/ready/k/open'
  const body = JSON.stringify({ reason: 'by hand' })
  t.is((await ask(path, { method: 'POST', headers, body })).status, 200)
  t.like(asked(broker.seen)[0], { reason: 'by hand' })
  const odd = JSON.stringify({ reson: 'x' })
  const answer = await ask(path, { method: 'POST', headers, body: odd })
  t.is(answer.status, 400)
  t.is(answer.json.error.hint, 'did you mean reason?')
})

test('runs are filtered', async (t) => {
  const { ask, broker } = await withFrontend(t, echo)
  const path =
    '/api/runs?job=load&state=failed&flow=f&worker=web17&param.shop=a+b&since=2024-03-01T06:00:00Z&limit=7&before=0-1042'
  t.is((await ask(path)).status, 200)
  t.deepEqual(asked(broker.seen)[0], {
    what: 'runs',
    filter: {
      job: 'load',
      state: 'failed',
      flow: 'f',
      worker: 'web17',
      params: { shop: 'a b' },
      since_ms: Date.UTC(2024, 2, 1, 6),
      limit: 7,
      before: '0-1042',
    },
  })
  await ask('/api/runs?since=1h')
  const [, later] = broker.seen
  if (later?.kind !== 'query' || later.question.what !== 'runs') return t.fail()
  t.true(Math.abs(Date.now() - 3_600_000 - Number(later.question.filter.since_ms)) < 60_000)
  t.is(later.question.filter.limit, 50)
})

const BAD: readonly [path: string, says: RegExp][] = [
  ['/api/runs?stat=failed', /unknown filter "stat"/],
  ['/api/runs?state=faild', /state: there is no "faild"/],
  ['/api/runs?state=failed&state=queued', /"state" comes twice/],
  ['/api/runs?param.__proto__=1', /unknown filter/],
  ['/api/runs?param.x[y]=1', /one plain value/],
  ['/api/runs?limit=0', /limit: a whole number from 1 to 1000/],
  ['/api/runs?limit=1e3', /limit/],
  ['/api/runs?since=tomorrow', /since: a time/],
  ['/api/runs?since=2024-99-99', /since: a time/],
  [`/api/runs?job=${'j'.repeat(300)}`, /job/],
  [`/api/runs/${'r'.repeat(100)}`, /run_id/],
  ['/api/refusals?limit=9999', /limit/],
  ['/api/lanes?x=1', /unknown parameter "x"/],
  ['/job_status', /run_id is missing/],
  [`/job_status?run_id=${WHOLE}&progress=101`, /progress: a number from 0 to 100/],
  [`/job_status?run_id=${WHOLE}&progress=-1`, /progress/],
  [`/job_status?run_id=${WHOLE}&progress=0x10`, /progress/],
  [`/job_status?run_id=${WHOLE}&message=${'m'.repeat(5000)}`, /message/],
  ['/api/runs/%zz', /percent-encoded/],
  ['/api/runs/%ff', /percent-encoded/],
]

test('what is wrong is refused by name', async (t) => {
  const { ask, broker } = await withFrontend(t, echo)
  for (const [path, says] of BAD) {
    const answer = await ask(path)
    t.is(answer.status, 400, path)
    t.regex(answer.json.error.message, says, path)
  }
  t.deepEqual(broker.seen, [])
  t.is((await ask('/api/runs?stat=failed')).json.error.hint, 'did you mean state?')
  t.is((await ask('/api/runs?state=faild')).json.error.hint, 'did you mean failed?')
})

test('the refusals of the broker keep their status', async (t) => {
  const { ask } = await withFrontend(t, (request) =>
    request.kind === 'query' ? refusal(404, 'unknown_run') : refusal(409, 'already_over'),
  )
  t.is((await ask(`/api/runs/${WHOLE}`)).status, 404)
  t.is((await ask(`/api/runs/${SHORT}/cancel`, { method: 'POST' })).status, 404)
  t.is((await ask(`/api/runs/${WHOLE}/cancel`, { method: 'POST' })).json.error.code, 'already_over')
  t.is((await ask(`/api/flows/${SHORT}/cancel`, { method: 'POST' })).status, 404)
  t.is((await ask(`/api/workers/w/forget`, { method: 'POST' })).status, 409)
})

test('what acts is not repeated when no answer comes', async (t) => {
  const { ask, broker } = await withFrontend(t, () => 'drop', { patience_ms: 100 })
  const answer = await ask(`/api/runs/${WHOLE}/retry`, { method: 'POST' })
  t.is(answer.status, 503)
  t.regex(answer.json.error.hint, /may have happened or not/)
  t.is(broker.seen.length, 1)
})

test('other methods get 405 and the methods that there are', async (t) => {
  const { ask } = await withFrontend(t, echo)
  const allowed = async (method: string, path: string): Promise<unknown> => {
    const answer = await ask(path, { method })
    t.is(answer.status, 405, `${method} ${path}`)
    return answer.headers.allow
  }
  t.is(await allowed('DELETE', '/api/runs'), 'POST, GET, HEAD')
  t.is(await allowed('GET', `/api/runs/${WHOLE}/cancel`), 'POST')
  t.is(await allowed('HEAD', '/job_status?run_id=x'), 'GET')
  t.is(await allowed('POST', '/job_status?run_id=x'), 'GET')
  t.is(await allowed('PUT', '/api/semaphores/a/b/open'), 'POST')
  t.is((await ask('/healthz', { method: 'HEAD' })).status, 200)
})

test('an unknown path is 404 with the near one, and says nothing of itself', async (t) => {
  const { ask } = await withFrontend(t, echo)
  const answer = await ask('/api/worker?<script>')
  t.is(answer.status, 404)
  t.is(answer.json.error.hint, 'did you mean /api/workers?')
  t.regex(answer.headers['content-type'] ?? '', /^application\/json/)
  t.notRegex((await ask('/<script>')).text, /script/)
  t.is((await ask('/API/RUNS')).status, 404)
  t.is((await ask('/__proto__')).status, 404)
  t.is((await ask('/api/runs/a/b/c/d')).status, 404)
})

test('what comes later says so', async (t) => {
  const { ask } = await withFrontend(t, echo)
  for (const path of ['/schedule', '/receive_block', '/receive_noblock', '/jobs']) {
    const answer = await ask(path)
    t.is(answer.status, 404)
    t.is(answer.json.error.code, 'not_yet')
  }
})

test('a browser is told where things are', async (t) => {
  const { ask } = await withFrontend(t, echo)
  const answer = await ask('/')
  t.is(answer.status, 200)
  t.regex(answer.headers['content-type'] ?? '', /^text\/html/)
  t.regex(String(answer.headers['content-security-policy']), /default-src 'none'/)
})
