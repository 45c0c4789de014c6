/** Pipelines through real daemons: chains, handlers, broadcasts, one of many, and fan-in. */
import test from 'ava'
import type { RunsAnswer } from '../../common/protocol/answers.ts'
import { makeCluster } from './cluster.ts'

test.serial('a chain of steps carries parameters and output', async (t) => {
  const cluster = await makeCluster(
    t,
    `
jobs:
  first:
    deliver: one
    command: printf 'rows=%s\\n' 42 > "$JOBZ_OUTPUT"; echo %(date)s
    params: {date: {type: date, format: '%Y_%m_%d', default: today}}
    on_success: {job: second, params: {note: 'day %(date)s'}}
  second:
    deliver: one
    command: [printf, '%s|', '%(date)s', '%(rows)s', '%(note)s']
`,
  )
  await cluster.broker()
  await cluster.worker()
  await cluster.frontend()
  const first = await cluster.start('job_name=first&date=2026_11_23&wait=60s&of=flow')
  t.is(first.flow_state, 'succeeded')
  const [second] = await cluster.runs('job=second')
  t.like(second, { state: 'succeeded', parent_run_id: first.run_id, flow_id: first.flow_id })
  const output = await fetch(`${cluster.url}/api/runs/${second?.run_id}/output`)
  t.is(await output.text(), '2026_11_23|42|day 2026_11_23|')
  // The list a page at a time, as its own cursors lead on.
  const listed: string[] = []
  for (let before: string | null = ''; before !== null;) {
    const from = before === '' ? '' : `&before=${before}`
    const page = (await cluster.json(`/api/runs?limit=1${from}`)) as RunsAnswer
    listed.push(...page.runs.map(({ run_id }) => run_id))
    before = page.before
  }
  t.deepEqual(listed, [second?.run_id, first.run_id])
})

test.serial('a failure starts its handler, which is told what failed', async (t) => {
  const cluster = await makeCluster(
    t,
    `
jobs:
  breaks: {deliver: one, command: 'echo "no disk" >&2; exit 75', on_failure: tell}
  tell: {deliver: one, command: [printf, '%s %s %s', '%(failed_job)s', '%(exit_code)s', '%(error_tail)s']}
`,
  )
  await cluster.broker()
  await cluster.worker()
  await cluster.frontend()
  const run = await cluster.start('job_name=breaks&wait=60s&of=flow')
  t.like(run, { state: 'failed', flow_state: 'succeeded' })
  const [tell] = await cluster.runs('job=tell')
  t.is(
    await (await fetch(`${cluster.url}/api/runs/${tell?.run_id}/output`)).text(),
    'breaks 75 no disk\n',
  )
})

test.serial(
  'a broadcast runs on every one of three workers, and one of three takes a single run',
  async (t) => {
    const cluster = await makeCluster(
      t,
      `
jobs:
  everywhere: {command: [printf, '%s', '%(worker)s']}
  somewhere: {deliver: one, command: 'true'}
`,
    )
    await cluster.broker()
    await Promise.all(['web1', 'web2', 'web3'].map((name) => cluster.worker(name)))
    await cluster.frontend()
    const all = await cluster.start('job_name=everywhere&wait=60s')
    t.like(all, { state: 'succeeded', workers: 3, deliver: 'all' })
    const { tasks = [], reason } = await cluster.run(all.run_id)
    t.deepEqual(
      tasks.map(({ worker, state, attempt }) => [worker, state, attempt]),
      [
        ['web1', 'succeeded', 1],
        ['web2', 'succeeded', 1],
        ['web3', 'succeeded', 1],
      ],
    )
    t.is(reason, '3 of 3')
    const one = await cluster.start('job_name=somewhere&wait=60s')
    t.is((await cluster.run(one.run_id)).tasks?.length, 1)
  },
)

test.serial('ten parts are joined by one semaphore, of which two copies run', async (t) => {
  const cluster = await makeCluster(
    t,
    `
jobs:
  split:
    deliver: one
    command: 'true'
    params: {date: {type: date, default: today}}
    on_success: {job: part, each: {source: ['0','1','2','3','4','5','6','7','8','9']}}
  part: {deliver: one, command: [test, '%(source)s', -ge, '0']}
  join: {deliver: one, command: [echo, '%(gate_key)s']}
semaphores:
  all_parts:
    wait_for: [{job: part, count: 10, distinct: '%(source)s'}]
    key: '%(date)s'
    then: join
`,
  )
  await cluster.broker()
  await cluster.worker('web1', '--slots', '4')
  await Promise.all([cluster.semaphore(), cluster.semaphore()])
  await cluster.frontend()
  const split = await cluster.start('job_name=split&date=2026-11-23&wait=60s&of=flow')
  t.like(split, { state: 'succeeded', flow_state: 'succeeded' })
  const joins = await cluster.runs('job=join')
  t.is(joins.length, 1, 'however many copies of the semaphore run')
  t.is((await cluster.runs('job=part')).filter(({ state }) => state === 'succeeded').length, 10)
})
