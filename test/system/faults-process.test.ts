/** Processes are killed and stopped at the points where it could hurt most. Plain kills are in restart.test.ts. */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import test from 'ava'
import { until } from '../worker/until.ts'
import { keepersOf } from './chaos/keepers.ts'
import { eventually, HELD, makeOutside, type Outside, present, QUICK } from './outside.ts'

const yaml = `
defaults: {deliver: one}
jobs:
  held:
    on_success: after
    command: |${HELD}
  after:
    command: |${QUICK}
  quick:
    command: |${QUICK}
  once:
    on_lost: fail
    retries: 0
    command: |
      echo "once $JOBZ_RUN_ID" >> FOLDER/outside
      ${HELD.trim()}
  tough:
    retries: {limit: 1, backoff: 1s}
    command: |
      echo $$ > FOLDER/pid
      ${HELD.trim()}
  killed:
    command: |
      sleep 300 & echo $! > FOLDER/pid
      ${HELD.trim()}
  joined:
    command: |${QUICK}
semaphores:
  both: {wait_for: [held, after], then: joined}
`

/** Broker, a worker behind the proxy, and a frontend. */
async function begin(cluster: Outside) {
  const broker = await cluster.broker()
  const worker = await cluster.farWorker()
  const frontend = await cluster.frontend()
  await present(cluster, 'web1')
  return { broker, worker, frontend }
}

/** The job ran once, under its first attempt, and succeeded. */
const ranOnce = (job: string): string[] => [`begin ${job} 1 web1`, `end ${job} 1 web1`]

for (const victim of ['broker', 'worker'] as const)
  test.serial(
    `the ${victim} is killed after the lease and before the task is accepted`,
    async (t) => {
      const cluster = await makeOutside(t, yaml)
      const daemons = await begin(cluster)
      cluster.proxy.freeze('down')
      const { run_id } = await cluster.start('job_name=quick')
      await eventually('it is leased', async () => {
        const { tasks = [] } = await cluster.run(run_id)
        return tasks[0]?.state === 'leased'
      })
      daemons[victim].kill('SIGKILL')
      await daemons[victim].ended
      cluster.proxy.cut()
      cluster.proxy.heal()
      if (victim === 'broker') await cluster.broker()
      else await cluster.farWorker()
      t.is((await cluster.reached(run_id, 'succeeded', 'failed')).state, 'succeeded')
      t.deepEqual(cluster.lines(), ranOnce('quick'))
    },
  )

test.serial(
  'the broker is killed after a command ended and before it took the report',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    const { broker } = await begin(cluster)
    const { run_id } = await cluster.start('job_name=held')
    await cluster.written('begin held')
    broker.kill('SIGSTOP')
    cluster.go()
    await cluster.written('end held')
    broker.kill('SIGKILL')
    await broker.ended
    await cluster.broker()
    t.is((await cluster.reached(run_id, 'succeeded', 'failed')).state, 'succeeded')
    await cluster.written('end after')
    t.deepEqual(cluster.lines(), [...ranOnce('held'), ...ranOnce('after')])
  },
)

test.serial('the worker is killed after its report was taken and before it heard so', async (t) => {
  const cluster = await makeOutside(t, yaml)
  const { worker } = await begin(cluster)
  const { run_id } = await cluster.start('job_name=held')
  await cluster.written('begin held')
  cluster.proxy.freeze('down')
  cluster.go()
  t.is((await cluster.reached(run_id, 'succeeded', 'failed')).state, 'succeeded')
  worker.kill('SIGKILL')
  await worker.ended
  cluster.proxy.cut()
  cluster.proxy.heal()
  await cluster.farWorker()
  await cluster.written('end after')
  t.deepEqual(cluster.lines(), [...ranOnce('held'), ...ranOnce('after')])
  t.is((await cluster.runs('job=after')).length, 1)
})

test.serial(
  'a keeper is killed: what it ran is gone, is said to be killed, and is tried again if it may be',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    const { worker } = await begin(cluster)
    for (const job of ['killed', 'tough']) {
      const { run_id } = await cluster.start(`job_name=${job}`)
      await cluster.written(`begin ${job} 1`)
      const child = Number(readFileSync(cluster.file('pid'), 'utf8'))
      const keeper = keepersOf(worker.pid).find(({ attempt_id }) => attempt_id?.startsWith(run_id))
      if (!keeper) throw new Error('no keeper runs it')
      process.kill(keeper.pid, 'SIGKILL')
      await until('the rest of it is gone too', () => !isAlive(child))
      if (job === 'tough') {
        await cluster.written('begin tough 2')
        cluster.go()
      }
      const run = await cluster.reached(run_id, 'succeeded', 'failed')
      t.is(run.state, job === 'tough' ? 'succeeded' : 'failed')
      t.like(run.tasks?.[0]?.attempts[0], { state: 'failed', reason: 'killed' })
    }
  },
)

test.serial(
  'idle keepers are killed and stopped: the next commands run all the same',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    const { worker } = await begin(cluster)
    t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
    for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
      const [keeper] = keepersOf(worker.pid)
      if (!keeper) throw new Error('there is no keeper')
      process.kill(keeper.pid, signal)
      const next = cluster.start('job_name=quick&wait=60s')
      if (signal === 'SIGSTOP') {
        await eventually('it was handed over', async () =>
          (await cluster.runs('job=quick')).some(({ state }) => state === 'running'),
        )
        process.kill(keeper.pid, 'SIGCONT')
      }
      t.is((await next).state, 'succeeded', signal)
    }
    t.is(cluster.lines().length, 6)
  },
)

test.serial(
  'the broker is stopped for a while in the middle of everything, and goes on',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    const { broker } = await begin(cluster)
    const first = await cluster.start('job_name=held')
    await cluster.written('begin held')
    broker.kill('SIGSTOP')
    const second = cluster.start('job_name=quick&wait=60s')
    cluster.go()
    await cluster.written('end held')
    broker.kill('SIGCONT')
    t.is((await second).state, 'succeeded')
    t.is((await cluster.reached(first.run_id, 'succeeded', 'failed')).state, 'succeeded')
    t.is((await cluster.runs('job=quick')).length, 1)
  },
)

test.serial(
  'a frontend that is stopped while its client waits gives the true answer later',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    const { frontend } = await begin(cluster)
    const waiting = cluster.start('job_name=held&wait=60s')
    await cluster.written('begin held')
    frontend.kill('SIGSTOP')
    cluster.go()
    await cluster.written('end after')
    frontend.kill('SIGCONT')
    t.is((await waiting).state, 'succeeded')
  },
)

test.serial(
  'a semaphore that is stopped before its gate is full lets another open it, and adds nothing',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    await begin(cluster)
    const stopped = await cluster.semaphore()
    const { run_id, flow_id } = await cluster.start('job_name=held')
    await cluster.written('begin held')
    stopped.kill('SIGSTOP')
    cluster.go()
    t.is((await cluster.reached(run_id, 'succeeded', 'failed')).state, 'succeeded')
    await cluster.written('end after')
    t.is((await cluster.runs('job=joined')).length, 0)
    await cluster.semaphore()
    await cluster.written('end joined')
    stopped.kill('SIGCONT')
    // The flow settles when the place that both of them save has passed it.
    await eventually('the flow is settled', async () => (await cluster.flow(flow_id)).settled)
    t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
    t.is((await cluster.runs('job=joined')).length, 1)
  },
)

test.serial(
  'a worker that is stopped past its lease: what must run at most once does not run again',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    const { worker } = await begin(cluster)
    const running = await cluster.start('job_name=once')
    await cluster.written('begin once')
    worker.kill('SIGSTOP')
    // Given to the worker, which does not know it yet.
    const given = await cluster.start('job_name=once')
    const retried = await cluster.start('job_name=held')
    cluster.go()
    for (const { run_id } of [running, given]) {
      const { state, reason } = await cluster.reached(run_id, 'failed', 'succeeded')
      t.deepEqual([state, reason], ['failed', 'its worker was not heard of in time'])
    }
    await cluster.worker('web2')
    t.is((await cluster.reached(retried.run_id, 'succeeded', 'failed')).state, 'succeeded')
    worker.kill('SIGCONT')
    await present(cluster, 'web1')
    await eventually('it holds nothing any more', async () => {
      const { workers } = (await cluster.json('/api/workers')) as {
        workers: { holds: unknown[] }[]
      }
      return workers.every(({ holds }) => holds.length === 0)
    })
    for (const { run_id } of [running, given]) {
      const { tasks = [], state } = await cluster.run(run_id)
      // The second one may have been begun just before its worker heard that it was given up.
      t.true(cluster.lines().filter((line) => line === `once ${run_id}`).length <= 1)
      t.is(state, 'failed')
      t.deepEqual(
        tasks.map(({ attempt }) => attempt),
        [1],
      )
    }
    t.is((await cluster.runs('job=after')).length, 1)
  },
)

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
