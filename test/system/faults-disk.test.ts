/** Disks run full and files may not grow: what was accepted stays, what cannot be kept is not accepted. */
import { readdirSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { eventually, HELD, makeOutside, type Outside, present, QUICK } from './outside.ts'
import type { Process } from './launch.ts'
import { mountSmallDisk, testOnSmallDisk } from './small-disk.ts'

const MIB = 1024 * 1024

const yaml = `
defaults: {deliver: one}
jobs:
  quick:
    params: {note: {type: text, default: none}}
    command: |${QUICK}
  held:
    command: |${HELD}
  everywhere:
    deliver: all
    command: |${QUICK}
  writes: {command: 'head -c 300000 /dev/zero | tr "\\\\0" x'}
`

/** Long enough that a store of a few MiB is full soon. */
const NOTE = 'x'.repeat(4_000)

/** Triggers (of runs that wait for an hour) until the broker ends; answers those that were accepted. */
async function triggerUntilFull(cluster: Outside, broker: Process): Promise<string[]> {
  const accepted: string[] = []
  const trigger = { job: 'quick', params: { note: NOTE }, delay: '1h' }
  const body = JSON.stringify(Array.from({ length: 20 }, () => trigger))
  const headers = { 'Content-Type': 'application/json' }
  while (accepted.length < 20_000) {
    const sent = fetch(`${cluster.url}/api/runs`, { method: 'POST', headers, body })
    // A broker that is gone does not answer; the frontend would ask again for a while.
    const response = await Promise.race([sent, broker.ended.then(() => null)])
    if (response === null) break
    const answers = (await response.json()) as { run_id?: string }[]
    if (Array.isArray(answers)) accepted.push(...answers.flatMap(({ run_id }) => run_id ?? []))
  }
  return accepted
}

/** Every one of them is there. */
async function allThere(t: ExecutionContext, cluster: Outside, run_ids: string[]): Promise<void> {
  const runs = await Promise.all(run_ids.map((run_id) => cluster.run(run_id)))
  t.deepEqual(
    runs.map(({ run_id, state }) => [run_id, state]),
    run_ids.map((run_id) => [run_id, 'waiting']),
  )
}

testOnSmallDisk(
  'the disk under the broker is full: it ends saying so, and goes on when there is room',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    const disk = mountSmallDisk(t, cluster.file('broker'), 8 * MIB)
    const broker = await cluster.broker()
    await cluster.worker()
    await cluster.frontend()
    t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
    disk.fill(2 * MIB)
    const accepted = await triggerUntilFull(cluster, broker)
    t.is(await broker.ended, 1)
    t.regex(broker.log(), /disk is full|disk I\/O error/)
    disk.empty()
    await cluster.broker()
    t.true(accepted.length > 0)
    await allThere(t, cluster, accepted)
    t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
  },
)

testOnSmallDisk(
  'a broker on a disk that is too small for its log leaves room for output',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    mountSmallDisk(t, cluster.file('broker'), 16 * MIB)
    await cluster.broker()
    await cluster.worker()
    await cluster.frontend()
    const { run_id, state } = await cluster.start('job_name=writes&wait=60s')
    t.is(state, 'succeeded')
    const output = await fetch(`${cluster.url}/api/runs/${run_id}/output`)
    t.is((await output.text()).length, 300_000)
  },
)

testOnSmallDisk(
  'output that finds no room is kept by the worker until there is some',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    const disk = mountSmallDisk(t, cluster.file('broker'), 8 * MIB)
    const broker = await cluster.broker()
    await cluster.worker()
    await cluster.frontend()
    disk.fill(128 * 1024)
    const { run_id } = await cluster.start('job_name=writes')
    await eventually('it was refused', async () => broker.log().includes('could not keep output'))
    t.is((await cluster.run(run_id)).state, 'running')
    disk.empty()
    t.is((await cluster.reached(run_id, 'succeeded', 'failed')).state, 'succeeded')
    const output = await fetch(`${cluster.url}/api/runs/${run_id}/output`)
    t.is((await output.text()).length, 300_000)
  },
)

testOnSmallDisk(
  'the disk under a spool is full: its tasks go to others, and it takes none until there is room',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    const disk = mountSmallDisk(t, cluster.file('spool-web1'), 4 * MIB)
    await cluster.broker()
    const full = await cluster.worker('web1')
    await cluster.frontend()
    t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
    disk.fill(0)
    const { run_id } = await cluster.start('job_name=quick')
    await cluster.worker('web2')
    t.is((await cluster.reached(run_id, 'succeeded', 'failed')).state, 'succeeded')
    t.is((await cluster.run(run_id)).tasks?.[0]?.worker, 'web2')
    for (let n = 0; n < 8; n += 1)
      t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
    // What is for every worker waits for this one, and fails nowhere.
    const all = await cluster.start('job_name=everywhere')
    await cluster.written('end everywhere 1 web2')
    t.is(
      cluster.lines().filter((line) => line.startsWith('begin') && line.endsWith('web1')).length,
      1,
    )
    disk.empty()
    await eventually('there is room', async () => full.log().includes('room on the disk again'))
    t.is((await cluster.reached(all.run_id, 'succeeded', 'failed')).state, 'succeeded')
    t.is((await cluster.run(all.run_id)).tasks?.length, 2)
  },
)

testOnSmallDisk(
  'the last pages of a spool hold a record and no command: the task goes back unrun',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    const disk = mountSmallDisk(t, cluster.file('spool-web1'), 4 * MIB)
    await cluster.broker()
    await cluster.worker('web1')
    await cluster.frontend()
    t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
    disk.fill(4_096)
    const { run_id } = await cluster.start('job_name=quick')
    await eventually('it was given back', async () => {
      const { tasks = [] } = await cluster.run(run_id)
      return tasks[0]?.attempts.some(({ reason }) => reason === 'given back before it ran')
    })
    disk.empty()
    t.is((await cluster.reached(run_id, 'succeeded', 'failed')).state, 'succeeded')
    t.deepEqual(readdirSync(cluster.file('spool-web1/attempts')), [])
  },
)

test.serial(
  'a store whose files may not grow: the broker ends saying so, and nothing accepted is lost',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    // In blocks of 512 bytes.
    const through = `ulimit -f ${(2 * MIB) / 512}; exec "$@"`
    const broker = await cluster.launch(cluster.args.broker, { through })
    await cluster.worker()
    await cluster.frontend()
    t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
    const accepted = await triggerUntilFull(cluster, broker)
    t.is(await broker.ended, 1)
    t.regex(broker.log(), /disk is full|disk I\/O error/)
    await cluster.broker()
    t.true(accepted.length > 0)
    await allThere(t, cluster, accepted)
    t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
  },
)

test.serial(
  'a spool whose files may not grow: a command that is cut off fails alone, and says so',
  async (t) => {
    const cluster = await makeOutside(t, yaml)
    await cluster.broker()
    // 128 KiB: room for records and commands, and not for all that `writes` writes.
    await cluster.launch(cluster.args.worker('web1'), { through: 'ulimit -f 256; exec "$@"' })
    await cluster.frontend()
    await present(cluster, 'web1')
    t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
    const { run_id, state } = await cluster.start('job_name=writes&wait=60s')
    t.is(state, 'failed')
    t.is((await cluster.run(run_id)).tasks?.[0]?.stdout_bytes, 128 * 1024)
    t.is((await cluster.start('job_name=quick&wait=60s')).state, 'succeeded')
  },
)
