/**
 * History on real daemons: what is old goes with its output while the pipeline works on, and a backup that was made while
 * everything ran brings back all that was accepted before it.
 */
import { execFile } from 'node:child_process'
import { cp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import test from 'ava'
import { type Cluster, makeCluster } from './cluster.ts'

const CLI = join(import.meta.dirname, '../../cli/main.ts')
const LIMIT_MS = 30_000

const YAML = `
jobs:
  speak: {deliver: one, command: 'echo spoken', on_success: after}
  after: {deliver: one, command: 'echo done'}
`

/** Looks again until something is so; the limit only bounds a failure. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + LIMIT_MS
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`${what} did not come about`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** A flow of two runs that is over. */
async function speak(cluster: Cluster): Promise<{ flow_id: string; run_ids: string[] }> {
  const { flow_id } = await cluster.start('job_name=speak&wait=30s&of=flow')
  const { runs } = await cluster.flow(flow_id)
  return { flow_id, run_ids: runs.map(({ run_id }) => run_id) }
}

const isGone = async (cluster: Cluster, run_id: string): Promise<boolean> =>
  (await fetch(`${cluster.url}/api/runs/${run_id}`)).status === 404

async function outputFolders(cluster: Cluster): Promise<string[]> {
  const names = await readdir(cluster.file('broker/output'), { recursive: true })
  return names.map((name) => name.split('/')[1] ?? '').filter((name) => name.length === 36)
}

test.serial(
  'finished runs that are too old are gone, with their output, and the rest goes on',
  async (t) => {
    const cluster = await makeCluster(t, YAML)
    const broker = await cluster.broker()
    await cluster.worker()
    await cluster.frontend()
    const old = await speak(cluster)
    const fresh = await speak(cluster)
    t.is(old.run_ids.length, 2)
    broker.kill('SIGTERM')
    await broker.ended
    const days_ms = 31 * 24 * 3600 * 1000
    const db = new DatabaseSync(cluster.file('broker/jobz.db'))
    db.prepare(
      'UPDATE runs SET created_ms = created_ms - ?1, finished_ms = finished_ms - ?1 WHERE flow_id = ?2',
    ).run(days_ms, old.flow_id)
    db.close()
    await cluster.broker()
    for (const run_id of old.run_ids) await until('forgetting', () => isGone(cluster, run_id))
    await until('removal of output', async () => {
      const folders = await outputFolders(cluster)
      return old.run_ids.every((run_id) => !folders.includes(run_id))
    })
    const folders = await outputFolders(cluster)
    for (const run_id of fresh.run_ids) {
      t.true(folders.includes(run_id))
      t.is((await cluster.run(run_id)).state, 'succeeded')
      t.regex(await (await fetch(`${cluster.url}/api/runs/${run_id}/output`)).text(), /spoken|done/)
    }
    const next = await speak(cluster)
    t.is(next.run_ids.length, 2)
  },
)

test.serial(
  'a backup of a running broker brings back all that was accepted before it',
  async (t) => {
    const cluster = await makeCluster(t, YAML)
    const broker = await cluster.broker()
    const worker = await cluster.worker()
    await cluster.frontend()
    const before = await speak(cluster)
    worker.kill('SIGTERM')
    await worker.ended
    const waiting = await cluster.start('job_name=speak&request_id=once')
    t.is(waiting.state, 'queued')

    const copy = cluster.file('copy.db')
    const { stdout } = await promisify(execFile)(process.execPath, [
      CLI,
      'backup',
      copy,
      '--data',
      cluster.file('broker'),
    ])
    t.regex(stdout, /copy\.db: 3 runs/)
    const later = await cluster.start('job_name=speak')
    t.is(typeof later.run_id, 'string')

    broker.kill('SIGKILL')
    await broker.ended
    // As the documentation says: the log and its index belong to the file that they lie beside.
    for (const end of ['', '-wal', '-shm'])
      await rm(cluster.file(`broker/jobz.db${end}`), { force: true })
    await cp(copy, cluster.file('copy-of-copy.db'))
    await rename(cluster.file('copy-of-copy.db'), cluster.file('broker/jobz.db'))
    await cluster.broker()
    await cluster.worker()

    const { state } = await cluster.reached(waiting.run_id, 'succeeded', 'failed')
    t.is(state, 'succeeded')
    for (const run_id of before.run_ids) {
      t.is((await cluster.run(run_id)).state, 'succeeded')
      t.regex(await (await fetch(`${cluster.url}/api/runs/${run_id}/output`)).text(), /spoken|done/)
    }
    t.true(await isGone(cluster, later.run_id), 'what came after the backup is not in it')
    const again = await cluster.start('job_name=speak&request_id=once')
    t.like(again, { run_id: waiting.run_id, duplicate: true })
  },
)
