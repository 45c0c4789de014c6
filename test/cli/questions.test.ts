/** The commands that ask: what they ask for, and that nothing in an answer acts on a terminal. */
import { stripVTControlCharacters } from 'node:util'
import test from 'ava'
import type { JobView, SemaphoreView, WorkerView } from '../../common/protocol/answers.ts'
import { ask } from './run.ts'
import { refusal } from './fake-frontend.ts'
import type { Routes } from './fake-frontend.ts'
import { ACTS, ended, HOSTILE, OTHER_ID, RUN_ID, runView, taskView } from './views.ts'

const worker = (differs: Partial<WorkerView> = {}): WorkerView => ({
  worker: 'web17',
  instance: 'i',
  version: '0.1.0',
  state: 'present',
  slots: 4,
  running: 1,
  credit: 3,
  last_heard_at: '2026-11-23T08:15:00.000Z',
  jobs: ['dump', 'index'],
  reload_error: null,
  holds: [],
  ...differs,
})

const job = (differs: Partial<JobView> = {}): JobView => ({
  job: 'dump',
  description: 'Load a day',
  topic: 'dump',
  deliver: 'all',
  lane: 'main',
  priority: 512,
  params: {},
  on_success: ['index'],
  on_failure: [],
  workers: ['web17', 'web18'],
  drift: [],
  waiting: 0,
  queued: 2,
  running: 1,
  ...differs,
})

const semaphore = (differs: Partial<SemaphoreView> = {}): SemaphoreView => ({
  semaphore: 'catalog_ready',
  state: 'present',
  wait_for: [
    { job: 'index', count: 1 },
    { job: 'import_part', count: 12 },
  ],
  place: '7',
  gates: [
    {
      key: '2026_11_23',
      generation: 1,
      state: 'gathering',
      since: '2026-11-23T08:15:00.000Z',
      opened_at: null,
      arrived_count: 1,
      arrived: [{ job: 'index', distinct: null, run_id: RUN_ID, at: '2026-11-23T08:15:00.000Z' }],
      missing: [{ job: 'import_part', count: 12 }],
      late: 0,
    },
  ],
  unkeyed: [],
  ...differs,
})

const RUNS = { json: { runs: [runView(), ended('failed', { reason: 'exit 3' })], before: 'c1' } }

test('runs asks with its filters, and names the next page', async (t) => {
  const flags = ['--job', 'dump', '--state=failed', '--flow', 'f', '--worker', 'w', '--since', '2h']
  const more = ['--param', 'date=x', '--param=a=b', '--limit', '3', '--before', 'c0', '--utc']
  const { code, out, err, asked } = await ask(t, ['runs', ...flags, ...more], {
    'GET /api/runs': RUNS,
  })
  t.is(code, 0)
  const { since, ...query } = Object.fromEntries(asked[0]?.query ?? [])
  t.deepEqual(query, {
    job: 'dump',
    state: 'failed',
    flow: 'f',
    worker: 'w',
    'param.date': 'x',
    'param.a': 'b',
    limit: '3',
    before: 'c0',
  })
  const ago_ms = Date.now() - Date.parse(since ?? '')
  t.true(ago_ms >= 7_200_000 && ago_ms < 7_260_000)
  t.regex(out, new RegExp(`^RUN .*\n${RUN_ID} .* queued .*2026-11-23 08:15:00Z`))
  t.regex(out, /failed .* 2\.5s .*date=2026_11_23 .*exit 3/)
  t.is(err, 'older ones: --before c1\n')
})

test('ids are short on a terminal, and tables fit it', async (t) => {
  for (const columns of [40, 80, 200]) {
    const { out } = await ask(t, ['runs'], { 'GET /api/runs': RUNS }, { columns })
    t.true(out.includes('6f1c09ab  '))
    t.false(out.includes(RUN_ID))
    for (const line of out.split('\n')) t.true(line.length <= columns, line)
  }
})

test('no runs are no error', async (t) => {
  const routes = { 'GET /api/runs': { json: { runs: [], before: null } } }
  const { code, out, err } = await ask(t, ['runs'], routes)
  t.deepEqual([code, out, err], [0, '', 'no runs\n'])
})

test('show tells of tasks, attempts, values and what followed', async (t) => {
  const earlier = { attempt: 1, worker: 'web16', state: 'lost' as const, reason: 'lease ran out' }
  const attempt = { ...earlier, exit_code: null, signal: null, started_at: null, finished_at: null }
  const run = ended('failed', {
    reason: '1 of 1 failed',
    retry_of: OTHER_ID,
    context: { failed_job: 'dump', error_tail: 'line 1\nline 2\n' },
    tasks: [
      taskView({
        state: 'failed',
        attempt: 2,
        exit_code: 137,
        signal: 'SIGKILL',
        output: { report: '/tmp/r' },
        attempts: [attempt, { ...attempt, attempt: 2 }],
      }),
    ],
    next: [
      { on: 'on_failure', job: 'notify', run_id: OTHER_ID, state: 'queued' },
      { semaphore: 'ready', key: null, generation: 1, late: true },
    ],
  })
  const { code, out } = await ask(t, ['show', '6f1c09ab', '--utc'], {
    'GET /api/runs/6f1c09ab': { json: run },
  })
  t.is(code, 0)
  for (const said of [
    /^failed: 1 of 1 failed\n/,
    new RegExp(`retry of +${OTHER_ID}`),
    /took +2\.5s/,
    / {2}date=2026_11_23/,
    /error_tail=line 1\n {4}line 2\n/,
    /0 +web17 +failed +2 +SIGKILL, exit 137/,
    /web16 +lost +1 +lease ran out/,
    /output of web17\n {2}report=\/tmp\/r/,
    new RegExp(`on_failure: notify ${OTHER_ID} queued`),
    /semaphore ready, gate unkeyed \(late: it was open\)/,
  ])
    t.regex(out, said)
})

test('workers tells who is there, and what each could not load', async (t) => {
  const workers = [worker(), worker({ worker: 'web18', state: 'away', reload_error: 'a.yaml:3:1' })]
  const { out } = await ask(t, ['workers'], { 'GET /api/workers': { json: { workers } } })
  t.regex(out, /web17 +present +1\/4/)
  t.regex(out, /web18 could not load all its jobs: a\.yaml:3:1/)
})

test('jobs lists them; --drift only where workers disagree', async (t) => {
  const routes = {
    'GET /api/jobs': { json: { jobs: [job(), job({ job: 'index', drift: ['web18'] })] } },
  }
  t.regex((await ask(t, ['jobs'], routes)).out, /dump +all +2 +0 +2 +1 +index +Load a day/)
  const drift = await ask(t, ['jobs', '--drift'], routes)
  t.regex(drift.out, /index +web18/)
  t.notRegex(drift.out, /dump/)
  const alike = { 'GET /api/jobs': { json: { jobs: [job()] } } }
  t.regex((await ask(t, ['jobs', '--drift'], alike)).err, /define their jobs alike/)
})

test('semaphores tells who has arrived and who is missing', async (t) => {
  const unkeyed = [{ run_id: RUN_ID, missing: 'date', at: '' }]
  const semaphores = [semaphore({ unkeyed }), semaphore({ semaphore: 'empty', gates: [] })]
  const routes = { 'GET /api/semaphores': { json: { semaphores } } }
  const { out } = await ask(t, ['semaphores'], routes)
  t.regex(out, /catalog_ready +2026_11_23 +gathering +1\/13 +12× import_part/)
  t.regex(out, new RegExp(`catalog_ready: ${RUN_ID} has no date for the key`))
  t.regex(out, /\nempty\n/)
})

const view = { job: 'dump', state: 'queued', details: ['lane main is full'], hints: ['wait'] }
const explained = { json: { ...view, run_id: RUN_ID, summary: 'It waits.' } }

test('explain asks about a run, or about a job with values', async (t) => {
  const run = await ask(t, ['explain', '6f1c09ab'], { 'GET /api/runs/6f1c09ab/explain': explained })
  t.is(run.out, 'It waits.\n  lane main is full\n→ wait\n')
  const routes = { 'GET /api/jobs/dump/explain': explained }
  const job = await ask(t, ['explain', 'dump', 'date=x'], routes)
  t.is(job.code, 0)
  t.is(job.asked[0]?.query.get('date'), 'x')
})

test('a job that is named like a run is found; a run that is neither is refused as a run', async (t) => {
  const found = await ask(t, ['explain', 'deadbeef'], {
    'GET /api/jobs/deadbeef/explain': explained,
  })
  t.is(found.code, 0)
  const none = { 'GET /api/runs/deadbeef/explain': refusal(404, 'unknown_run', 'no such run') }
  t.regex((await ask(t, ['explain', 'deadbeef'], none)).err, /no such run/)
})

const ACTIONS: readonly [string[], string, Record<string, string>, RegExp][] = [
  [['cancel', 'r'], 'POST /api/runs/r/cancel', {}, /the run r will be canceled/],
  [['retry', 'r', '--on', 'web17'], 'POST /api/runs/r/retry', { worker: 'web17' }, /^$/],
  [['drain', 'web17'], 'POST /api/workers/web17/drain', {}, /takes nothing new/],
  [['drain', 'web17', '--off'], 'POST /api/workers/web17/drain', { off: '1' }, /takes runs again/],
  [['workers', 'forget', 'w'], 'POST /api/workers/w/forget', {}, /w is forgotten/],
  [['semaphores', 'forget', 's'], 'POST /api/semaphores/s/forget', {}, /s is forgotten/],
  [['semaphores', 'reset', 's', 'a/b'], 'POST /api/semaphores/s/a/b/reset', {}, /gathers anew/],
  [
    ['semaphores', 'open', 's', 'k', '--reason', 'late data'],
    'POST /api/semaphores/s/k/open',
    { reason: 'late data' },
    /is open/,
  ],
]
for (const [argv, route, query, said] of ACTIONS)
  test(`jobz ${argv.join(' ')}`, async (t) => {
    const routes = { [route]: { status: 202, json: { run_id: OTHER_ID } } }
    const { code, err, asked } = await ask(t, argv, routes)
    t.is(code, 0)
    t.regex(err, said)
    t.deepEqual(Object.fromEntries(asked[0]?.query ?? []), query)
    const json = await ask(t, [...argv, '--json'], routes)
    t.deepEqual(JSON.parse(json.out), { run_id: OTHER_ID })
  })

test('retry prints the new run_id', async (t) => {
  const routes = { 'POST /api/runs/r/retry': { status: 202, json: { run_id: OTHER_ID } } }
  t.is((await ask(t, ['retry', 'r'], routes)).out, `${OTHER_ID}\n`)
})

test('--flow means the flow of that run, or the flow of that id', async (t) => {
  const routes: Routes = {
    'GET /api/runs/r': { json: runView({ flow_id: 'f' }) },
    'POST /api/flows/f/cancel': { status: 202, json: {} },
    'POST /api/flows/g/retry': { status: 202, json: { run_ids: [OTHER_ID] } },
  }
  const canceled = await ask(t, ['cancel', 'r', '--flow'], routes)
  t.is(canceled.code, 0)
  t.is(canceled.asked.at(-1)?.path, '/api/flows/f/cancel')
  const retried = await ask(t, ['retry', 'g', '--flow'], routes)
  t.is(retried.out, `${OTHER_ID}\n`)
})

test('nothing in an answer acts on a terminal', async (t) => {
  const h = HOSTILE
  const run = ended('failed', {
    job: h,
    reason: h,
    message: h,
    params: { [h]: `${h}\n${h}` },
    context: { error_tail: h },
    tasks: [taskView({ worker: h, signal: h, output: { [h]: h } })],
    next: [{ on: h, job: h, run_id: h, state: 'queued' }],
  })
  const explain = { json: { ...view, run_id: h, summary: h, details: [h], hints: [h] } }
  const hostile = semaphore({ semaphore: h, unkeyed: [{ run_id: h, missing: h, at: h }] })
  const routes: Routes = {
    'GET /api/runs': { json: { runs: [run], before: null } },
    'GET /api/runs/r': { json: run },
    'GET /api/jobs/j/explain': explain,
    'GET /api/workers': { json: { workers: [worker({ worker: h, jobs: [h], reload_error: h })] } },
    'GET /api/jobs': { json: { jobs: [job({ job: h, description: h, drift: [h] })] } },
    'GET /api/semaphores': { json: { semaphores: [hostile] } },
    'POST /api/workers/x/forget': refusal(404, h, h, h),
  }
  const commands = ['runs', 'show r', 'explain j', 'workers', 'jobs', 'jobs --drift', 'semaphores']
  for (const command of [...commands, 'workers forget x'])
    for (const json of command === 'workers forget x' ? [[]] : [[], ['--json']])
      for (const columns of [40, 200]) {
        const argv = [...command.split(' '), ...json]
        const { out, err } = await ask(t, argv, routes, { columns })
        t.true(`${out}${err}`.includes('web'), command)
        t.notRegex(`${out}${err}`, ACTS, command)
      }
})

test('colours paint words and never widths', async (t) => {
  const routes = { 'GET /api/runs': RUNS }
  const plain = await ask(t, ['runs'], routes, { columns: 80 })
  const painted = await ask(t, ['runs'], routes, { columns: 80, colours: true })
  t.true(painted.out.includes('\u001b[31mfailed\u001b[39m'))
  t.is(stripVTControlCharacters(painted.out), plain.out)
})
