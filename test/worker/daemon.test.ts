/** The worker daemon, whole, against a broker on real sockets. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { aTask, openBroker } from './fake-broker.ts'
import { JOBS } from './site-jobs.ts'
import { until } from './until.ts'
import { logged, openSite } from './with-daemon.ts'

test('a worker says hello, runs a task, and reports all of it', async (t) => {
  const broker = await openBroker(t)
  const site = openSite(t, JOBS)
  const daemon = site.start(broker.address, '--slots', '3')
  const hello = await broker.hear('hello')
  t.is(hello.name, 'web17')
  t.deepEqual([hello.slots, hello.credit, hello.held], [3, 3, []])
  t.deepEqual(hello.cards.map((card) => card.job).toSorted(), Object.keys(JOBS).toSorted())
  t.false(JSON.stringify(hello.cards).includes('hello %(who)s'))
  const task = aTask('greet', { params: { who: `O'Brien` } })
  broker.send(task)
  const ended = await broker.ended(task.task_id)
  const kinds = broker.heard
    .map(({ kind }) => kind)
    .filter((kind) => ['accepted', 'started', 'output', 'ended'].includes(kind))
  t.deepEqual(kinds, ['accepted', 'started', 'output', 'output', 'ended'])
  t.like(ended, {
    exit_code: 0,
    signal: null,
    reason: null,
    error_tail: 'oops\n',
    output: { said: `O'Brien` },
  })
  t.is(broker.output(task.task_id, 'stdout').get(0)?.toString(), `hello O'Brien from web17\n`)
  await until(
    'the spool is empty',
    () => readdirSync(join(site.folder, 'spool', 'attempts')).length === 0,
  )
  t.true((await broker.hear('credit')).credit > 3)
  t.is(await daemon.end('SIGTERM'), 0)
  await broker.hear('bye')
  t.deepEqual(broker.faults, [])
})

test('a task that comes twice runs once, by whichever way', async (t) => {
  const broker = await openBroker(t)
  const site = openSite(t, JOBS)
  site.setJobs({ count: { ...JOBS.count, cwd: site.folder } })
  await site.begin(broker.address)
  const { task_id, ...task } = aTask('count')
  // A subscription takes a moment to stand: a broadcast is repeated until it arrives.
  await until('the broadcast arrives', () => {
    broker.publish('count', { ...task, tasks: { other: 0, web17: 1, __proto__: 3 } })
    return broker.heard.some(({ kind }) => kind === 'accepted')
  })
  const mine = `${task.run_id}.1`
  await broker.ended(mine)
  broker.send({ ...task, task_id: mine })
  broker.publish('count', { ...task, tasks: { web17: 1 } })
  broker.publish('count', { ...task, tasks: { web18: 7 } })
  const other = aTask('count')
  broker.send(other)
  await broker.ended(other.task_id)
  const counted = readFileSync(join(site.folder, 'counted'), 'utf8')
  t.deepEqual(counted.trim().split('\n'), [task.run_id, other.run_id])
  t.not(task_id, mine)
})

test('what this worker cannot run is said, not run', async (t) => {
  const broker = await openBroker(t)
  const site = openSite(t, {
    checked: { command: ['true'], params: { n: { type: 'int' } }, deliver: 'one' },
    nowhere: { command: ['true'], cwd: '/no/such', deliver: 'one' },
  })
  await site.begin(broker.address)
  const tasks = [aTask('unheard_of'), aTask('checked', { params: { n: '1;id' } }), aTask('nowhere')]
  for (const task of tasks) broker.send(task)
  const reasons = []
  for (const { task_id } of tasks) reasons.push((await broker.ended(task_id)).reason)
  t.deepEqual(reasons, ['unknown_job', 'bad_parameter', 'spawn_failed'])
})

test('an overdue command is stopped, and so is a canceled one', async (t) => {
  const broker = await openBroker(t)
  const site = openSite(t, JOBS)
  await site.begin(broker.address)
  const overdue = aTask('slow')
  broker.send(overdue)
  t.like(await broker.ended(overdue.task_id), {
    exit_code: 143,
    signal: 'SIGTERM',
    reason: 'timeout',
  })
  const task = aTask('wait_for', { params: { file: '/no/such/file' } })
  broker.send(task)
  await broker.hear('output')
  broker.send({ kind: 'stop', task_id: task.task_id, attempt: 1, reason: 'canceled' })
  t.like(await broker.ended(task.task_id), { exit_code: 143, reason: 'canceled' })
})

test('a fenced attempt is stopped and never spoken of again', async (t) => {
  const broker = await openBroker(t)
  const site = openSite(t, JOBS)
  await site.begin(broker.address)
  const task = aTask('wait_for', { params: { file: '/no/such/file' } })
  broker.send(task)
  await broker.hear('output')
  broker.send({ kind: 'stop', task_id: task.task_id, attempt: 1, reason: 'fenced' })
  await until(
    'the spool is empty',
    () => readdirSync(join(site.folder, 'spool', 'attempts')).length === 0,
  )
  t.false(broker.heard.some(({ kind }) => kind === 'ended'))
})

test('output past the limit keeps its first and its last half', async (t) => {
  const broker = await openBroker(t)
  const site = openSite(t, JOBS)
  await site.begin(broker.address)
  const task = aTask('noisy')
  broker.send(task)
  const ended = await broker.ended(task.task_id)
  t.is(ended.stdout_bytes, 300_000)
  const chunks = broker.output(task.task_id, 'stdout')
  t.deepEqual(
    [...chunks.keys()].toSorted((a, b) => a - b),
    [0, 65_536, 200_000, 265_536],
  )
  const text = Buffer.concat([...chunks.values()]).toString()
  t.is(text.length, 200_000)
  t.true(text.trimStart().startsWith('0\n'))
  t.true(text.endsWith(' 2999\n'))
})

test('nothing of a run ends before its output is acknowledged', async (t) => {
  const broker = await openBroker(t)
  const site = openSite(t, JOBS)
  broker.acknowledge.output = false
  await site.begin(broker.address)
  const task = aTask('greet', { params: { who: 'you' } })
  broker.send(task)
  const { data } = await broker.hear('output', ({ stream }) => stream === 'stdout')
  await broker.hear('output', ({ stream }) => stream === 'stderr')
  await broker.hear('heartbeat')
  t.false(broker.heard.some(({ kind }) => kind === 'ended'))
  const of = { kind: 'ack', of: 'output', task_id: task.task_id, attempt: 1 } as const
  broker.send({ ...of, stream: 'stdout', offset: Buffer.from(data, 'base64').length })
  broker.send({ ...of, stream: 'stderr', offset: 5 })
  t.is((await broker.ended(task.task_id)).exit_code, 0)
})

test('SIGHUP reloads the jobs, all or nothing', async (t) => {
  const broker = await openBroker(t)
  const site = openSite(t, JOBS)
  const daemon = site.start(broker.address)
  await broker.hear('hello')
  await logged(daemon, 'ready')
  site.setJobs('jobs: {fresh: {command: [true]}, broken: {comand: [true]}}')
  daemon.child.kill('SIGHUP')
  const refused = await broker.hear('hello', ({ reload_error }) => reload_error !== null)
  t.regex(refused.reload_error ?? '', /jobs\.yaml:1:\d+/)
  t.is(refused.cards.length, Object.keys(JOBS).length)
  site.setJobs({ fresh: { command: ['true'], deliver: 'one' } })
  daemon.child.kill('SIGHUP')
  const good = await broker.hear('hello', ({ cards }) => cards.some(({ job }) => job === 'fresh'))
  t.is(good.reload_error, null)
  const task = aTask('fresh')
  broker.send(task)
  t.is((await broker.ended(task.task_id)).exit_code, 0)
})

test('a name that is taken ends the daemon with 2', async (t) => {
  const broker = await openBroker(t)
  broker.refuse = { code: 'name_taken', message: 'web17 is connected from elsewhere' }
  const daemon = openSite(t, JOBS).start(broker.address)
  t.is(await daemon.exitCode(), 2)
  t.regex(daemon.log(), /give this one its own --name/)
})

test('root, bad jobs and bad names are refused with 2, and a word on what to do', async (t) => {
  const site = openSite(t, JOBS)
  const address = 'tcp://127.0.0.1:9'
  const bad = site.start(address, '--name', 'no name')
  t.is(await bad.exitCode(), 2)
  t.regex(bad.log(), /set --name/)
  if (process.getuid?.() === 0) {
    const root = site.start(address, '--no-allow-root')
    t.is(await root.exitCode(), 2)
    t.regex(root.log(), /--allow-root/)
  }
  site.setJobs('jobs: [')
  const broken = site.start(address)
  t.is(await broken.exitCode(), 2)
  t.regex(broken.log(), /jobs\.yaml:1/)
})

test('garbage from a broker is passed over', async (t) => {
  const broker = await openBroker(t)
  const site = openSite(t, JOBS)
  await site.begin(broker.address)
  const strange: unknown[] = [
    { kind: 'new' },
    { kind: 'task' },
    7,
    null,
    { ...aTask('greet'), params: { who: 7 } },
  ]
  for (const message of strange) broker.send(message as never)
  broker.send({ kind: 'stop', task_id: '../../x', attempt: 1, reason: 'fenced' })
  broker.send({ kind: 'ack', of: 'output', task_id: 'none', attempt: 1 })
  const task = aTask('greet', { params: { who: 'you' } })
  broker.send(task)
  t.is((await broker.ended(task.task_id)).exit_code, 0)
})
