/** `jobz start`: what is asked, what is printed where, and how it ends. */
import test from 'ava'
import { ask, run } from './run.ts'
import { inTurn, refusal } from './fake-frontend.ts'
import type { Reply } from './fake-frontend.ts'
import { accepted, ended, flowView, OTHER_ID, RUN_ID, runView } from './views.ts'

const START = { 'POST /job_start': { status: 202, json: accepted } }
const FLOW = `GET /api/flows/${RUN_ID}`

test('prints the bare run_id and sends the parameters', async (t) => {
  const words = ['date=-3d', 'text=a=b "c"', 'empty=']
  const { code, out, err, asked } = await ask(t, ['start', 'dump', ...words], START)
  t.is(code, 0)
  t.is(out, `${RUN_ID}\n`)
  t.is(err, '')
  const body = asked[0]?.body as Record<string, unknown>
  t.like(body, { job_name: 'dump', date: '-3d', text: 'a=b "c"', empty: '' })
  t.regex(String(body['request_id']), /^cli-/)
})

test('passes on priority, delay, request id and parent, and the token', async (t) => {
  const flags = ['--priority=3', '--delay', '5m', '--request-id', 'r1', '--parent', 'abc']
  const how = { env: { JOBZ_TOKEN: 'secret' } }
  const { asked } = await ask(t, ['start', 'dump', ...flags], START, how)
  const { request_id, ...body } = (asked[0]?.body ?? {}) as Record<string, unknown>
  t.is(request_id, 'r1')
  t.deepEqual(body, { job_name: 'dump', priority: '3', delay: '5m', parent_run_id: 'abc' })
  t.is(asked[0]?.headers.authorization, 'Bearer secret')
})

const USAGE: readonly [string[], RegExp][] = [
  [['start'], /too few words\n.*jobz start JOB/],
  [['start', 'dump', 'today'], /"today" has no value\n.*type: today=VALUE/],
  [['start', 'dump', '=x'], /has no name/],
  [['start', 'dump', 'a=1', 'a=2'], /a is given twice/],
  [['start', 'dump', 'wait=30s'], /wait is no parameter.*\n.*type: --wait=30s/],
  [['start', 'dump', 'job_name=x'], /job_name is no parameter/],
  [['start', 'dump', '--priority', 'high'], /--priority: "high" is no whole number/],
  [['start', 'dump', '--wait=soon'], /--wait: soon is no duration/],
  [['start', 'dump', '--delay=soon'], /--delay: soon is no duration/],
  [['start', 'dump', '--wait=3s', '--follow'], /give one of --wait and --follow/],
  [['start', 'dump', '--flaw'], /unknown flag --flaw\n.*did you mean --flow/],
]
for (const [argv, said] of USAGE)
  test(`usage: jobz ${argv.join(' ')}`, async (t) => {
    const { code, out, err } = await run(argv, { env: { JOBZ_URL: 'http://127.0.0.1:9' } })
    t.is(code, 2)
    t.is(out, '')
    t.regex(err, said)
  })

test('says what was done to the request', async (t) => {
  const json = { ...accepted, duplicate: true, sanitized: ['x'], undeclared: ['y'], workers: 0 }
  const { out, err } = await ask(t, ['start', 'dump'], { 'POST /job_start': { json } })
  t.is(out, `${RUN_ID}\n`)
  for (const said of [/already started/, /removed from: x/, /not declare: y/, /no worker/])
    t.regex(err, said)
})

test('a refusal is told with its hint: 4', async (t) => {
  const reply = refusal(404, 'unknown_job', 'there is no job dmp', 'did you mean dump?')
  const { code, out, err } = await ask(t, ['start', 'dmp'], { 'POST /job_start': reply })
  t.is(code, 4)
  t.is(out, '')
  t.is(err, 'jobz: there is no job dmp\n  did you mean dump?\n')
})

const waited: readonly [string, Reply, number, RegExp][] = [
  [
    'succeeds: 0',
    inTurn(flowView('running', false, runView()), flowView('running', false, ended('succeeded'))),
    0,
    /queued .*\n.*succeeded .* 2\.5s/,
  ],
  [
    'fails: 1',
    { json: flowView('running', false, ended('failed', { reason: 'exit code 3' })) },
    1,
    /failed .*exit code 3\nsee: jobz show/,
  ],
  ['is canceled: 1', { json: flowView('running', false, ended('canceled')) }, 1, /canceled/],
  ['expires: 1', { json: flowView('running', false, ended('expired')) }, 1, /expired/],
]
for (const [name, reply, exit_code, said] of waited)
  test(`--wait for a run that ${name}`, async (t) => {
    const { code, out, err } = await ask(t, ['start', 'dump', '--wait'], {
      ...START,
      [FLOW]: reply,
    })
    t.is(code, exit_code)
    t.is(out, `${RUN_ID}\n`)
    t.regex(err, said)
  })

test('--wait=1ms for a run that goes on: 5', async (t) => {
  const routes = { ...START, [FLOW]: { json: flowView('running', false, runView()) } }
  const { code, err } = await ask(t, ['start', 'dump', '--wait=1ms'], routes)
  t.is(code, 5)
  t.regex(err, new RegExp(`still running: jobz show ${RUN_ID}`))
})

test('--flow waits for all of the flow, and fails with it', async (t) => {
  const params = { date: '2026_11_23', category: 'audio\u001b[2J' }
  const next = { run_id: OTHER_ID, job: 'index', params }
  const routes = {
    ...START,
    [FLOW]: inTurn(
      flowView('running', false, ended('succeeded'), runView(next)),
      flowView('failed', true, ended('succeeded'), ended('failed', next)),
    ),
  }
  const { code, err } = await ask(t, ['start', 'dump', '--flow'], routes)
  t.is(code, 1)
  t.regex(err, /failed .*index .*11223344 {2}category=audio {2}2\.5s\n/)
  t.regex(err, new RegExp(`jobz logs ${OTHER_ID}`))
})

test('an event wakes at once', async (t) => {
  let done = false
  const events: Reply = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': hello\n\n')
    done = true
    response.write(`id: 1\nevent: run\ndata: ${JSON.stringify({ flow_id: RUN_ID })}\n\n`)
  }
  const routes = {
    ...START,
    'GET /api/events': events,
    [FLOW]: ((response) => {
      const run = done ? ended('succeeded') : runView()
      response.end(JSON.stringify(flowView('running', false, run)))
    }) satisfies Reply,
  }
  const { code, asked } = await ask(t, ['start', 'dump', '--wait'], routes)
  t.is(code, 0)
  t.is(asked.find(({ path }) => path === '/api/events')?.query.get('topics'), 'run.,flow.')
})

test('Ctrl-C while waiting: 130, and it says that the run goes on', async (t) => {
  const interrupt = new AbortController()
  const routes = { ...START, [FLOW]: { json: flowView('running', false, runView()) } }
  const how = {
    interrupted: interrupt.signal,
    onErr: (text: string) => {
      if (text.includes('queued')) interrupt.abort()
    },
  }
  const { code, err } = await ask(t, ['start', 'dump', '--wait'], routes, how)
  t.is(code, 130)
  t.regex(err, new RegExp(`the run goes on: jobz show ${RUN_ID}`))
})

test('a frontend that goes away while waiting is waited for', async (t) => {
  let asks = 0
  const flow: Reply = (response) => {
    asks += 1
    if (asks === 2) return response.destroy()
    const run = asks === 1 ? runView() : ended('succeeded')
    response.end(JSON.stringify(flowView('running', false, run)))
  }
  const { code, err } = await ask(t, ['start', 'dump', '--wait'], { ...START, [FLOW]: flow })
  t.is(code, 0)
  t.regex(err, /waiting: cannot reach jobz/)
})

test('a request whose answer was lost is sent once more, with the same request id', async (t) => {
  let sent = 0
  const reply: Reply = (response) => {
    sent += 1
    if (sent === 1) return response.destroy()
    response.end(JSON.stringify(accepted))
  }
  const { code, asked } = await ask(t, ['start', 'dump'], { 'POST /job_start': reply })
  t.is(code, 0)
  const ids = asked.map(({ body }) => (body as { request_id: string }).request_id)
  t.is(ids.length, 2)
  t.is(ids[0], ids[1])
})

test('--json gives the answer as it is, or the end when it waits', async (t) => {
  const plain = await ask(t, ['start', 'dump', '--json'], START)
  t.deepEqual(JSON.parse(plain.out), accepted)
  const flow = flowView('succeeded', true, ended('succeeded'))
  const routes = { ...START, [FLOW]: { json: flow } }
  const run = await ask(t, ['start', 'dump', '--json', '--wait'], routes)
  t.deepEqual(JSON.parse(run.out), flow.runs[0])
  const whole = await ask(t, ['start', 'dump', '--json', '--flow'], routes)
  t.deepEqual(JSON.parse(whole.out), flow)
})
