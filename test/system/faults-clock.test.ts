/** Somebody sets the clock while daemons run: what is due goes by the monotonic clock, and nothing jumps or waits. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { eventually, HELD, makeOutside, present, QUICK } from './outside.ts'

const PRELOAD = pathToFileURL(join(import.meta.dirname, 'fixtures/moved-clock.ts')).href
const HOUR_MS = 3_600_000

const yaml = `
defaults: {deliver: one}
jobs:
  held:
    on_lost: fail
    timeout: 50m
    on_success: after
    command: |${HELD}
  after:
    command: |${QUICK}
  quick:
    command: |${QUICK}
  flaky:
    retries: {limit: 1, backoff: 2s}
    command: |
      echo "begin $JOBZ_JOB $JOBZ_ATTEMPT $JOBZ_WORKER" >> FOLDER/outside
      [ "$JOBZ_ATTEMPT" -gt 1 ]
  short:
    timeout: 3s
    kill_after: 1s
    command: |
      echo "begin $JOBZ_JOB $JOBZ_ATTEMPT $JOBZ_WORKER" >> FOLDER/outside
      exec sleep 300
  joined:
    command: |${QUICK}
semaphores:
  both: {wait_for: [held, after], then: joined, timeout: 50m, on_timeout: quick}
`

/** All daemons by a clock that \`move\` moves. */
async function begin(t: ExecutionContext) {
  const cluster = await makeOutside(t, yaml)
  const file = cluster.file('clock')
  const move = (by_ms: number): void => writeFileSync(file, String(by_ms))
  move(0)
  const env = { NODE_OPTIONS: `--import=${PRELOAD}`, MOVED_CLOCK: file }
  const launch = (args: readonly string[]) => cluster.launch(args, { env })
  const broker = await launch(cluster.args.broker)
  const worker = await launch(cluster.args.worker('web1'))
  await launch(cluster.args.semaphore)
  await launch(cluster.args.frontend)
  await present(cluster, 'web1')
  return { cluster, move, launch, broker, worker }
}

for (const by_ms of [HOUR_MS, -HOUR_MS])
  test.serial(
    `the clock moves by ${by_ms / HOUR_MS} h while a command runs: lease, timeout and gate hold`,
    async (t) => {
      const { cluster, move } = await begin(t)
      const before = await cluster.start('job_name=quick&wait=60s')
      const { run_id, flow_id } = await cluster.start('job_name=held')
      await cluster.written('begin held')
      move(by_ms)
      t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
      t.is((await cluster.run(run_id)).state, 'running')
      cluster.go()
      const held = await cluster.reached(run_id, 'succeeded', 'failed')
      t.is(held.state, 'succeeded', held.reason ?? '')
      await cluster.written('end joined')
      await eventually('the flow is settled', async () => (await cluster.flow(flow_id)).settled)
      move(0)
      const { run_id: last } = await cluster.start('job_name=quick&wait=60s')
      const runs = await cluster.runs('')
      // Ids grow, whatever the clock says; nothing was forgotten, and no timeout started anything.
      t.is(runs.length, 6)
      t.deepEqual(
        runs.map((run) => run.run_id),
        runs
          .map((run) => run.run_id)
          .toSorted()
          .toReversed(),
      )
      t.is(runs[0]?.run_id, last)
      t.is(runs.at(-1)?.run_id, before.run_id)
    },
  )

test.serial(
  'the clock goes back an hour: a retry and a delay come when they are due',
  async (t) => {
    const { cluster, move } = await begin(t)
    const flaky = await cluster.start('job_name=flaky')
    const delayed = await cluster.start('job_name=quick&delay=2s')
    await eventually('it waits for its retry', async () => {
      const { tasks = [] } = await cluster.run(flaky.run_id)
      return tasks[0]?.state === 'delayed'
    })
    move(-HOUR_MS)
    t.is((await cluster.reached(delayed.run_id, 'succeeded', 'failed')).state, 'succeeded')
    t.is((await cluster.reached(flaky.run_id, 'succeeded', 'failed')).state, 'succeeded')
  },
)

for (const by_ms of [HOUR_MS, -HOUR_MS])
  test.serial(
    `the clock moves by ${by_ms / HOUR_MS} h while a worker is away: its command's timeout is counted right`,
    async (t) => {
      const { cluster, move, launch, worker } = await begin(t)
      const long = await cluster.start('job_name=held')
      await cluster.written('begin held')
      const short = await cluster.start('job_name=short')
      await cluster.written('begin short')
      worker.kill('SIGKILL')
      await worker.ended
      move(by_ms)
      await launch(cluster.args.worker('web1'))
      // 3 s are over soon, 50 min are not.
      t.like(await cluster.reached(short.run_id, 'failed', 'succeeded'), { reason: 'timeout' })
      t.is((await cluster.run(long.run_id)).state, 'running')
      cluster.go()
      t.is((await cluster.reached(long.run_id, 'succeeded', 'failed')).state, 'succeeded')
    },
  )
