/**
 * New definitions as an upgrade: SIGHUP to a worker that is busy interrupts nothing, and what starts after it runs the new
 * command.
 */
import { appendFile, writeFile } from 'node:fs/promises'
import test from 'ava'
import type { WorkerView } from '../../common/protocol/answers.ts'
import { type Cluster, makeCluster } from './cluster.ts'
import { startLoad } from './load.ts'
import { begun, checkOutside, openOutside, outsideLine, until } from './outside-log.ts'

const RELOADS = 12

const yaml = (folder: string, version: number): string => `
jobs:
  held:
    deliver: one
    command: |
      set -e
      ${outsideLine(folder, 'begin')}
      until [ -e ${folder}/go ]; do sleep 0.1; done
      ${outsideLine(folder, 'end')}
      echo version ${version}
  short:
    deliver: one
    description: version ${version}
    command: '${outsideLine(folder, 'begin')}; ${outsideLine(folder, 'end')}; echo version ${version}'
  all_over: {command: '${outsideLine(folder, 'begin')}; ${outsideLine(folder, 'end')}', description: version ${version}}
  ${version % 2 === 0 ? 'even' : 'odd'}: {command: 'true'}
`

const outputOf = async (cluster: Cluster, run_id: string): Promise<string> =>
  (await fetch(`${cluster.url}/api/runs/${run_id}/output`)).text()

const workerOf = async (cluster: Cluster): Promise<WorkerView | undefined> =>
  ((await cluster.json('/api/workers')) as { workers: WorkerView[] }).workers[0]

test.serial('a worker that reads its jobs again under load interrupts nothing', async (t) => {
  const cluster = await makeCluster(t, '')
  const jobs = cluster.file('jobs/jobs.yaml')
  await writeFile(jobs, yaml(cluster.folder, 0))
  await openOutside(cluster)
  await cluster.broker()
  const worker = await cluster.worker()
  await cluster.frontend()
  const { run_id } = await cluster.start('job_name=held')
  await begun(cluster, run_id, 1)
  const load = startLoad([cluster.url, cluster.url], ['short', 'all_over'])
  t.teardown(() => load.end())

  for (let version = 1; version <= RELOADS; version++) {
    await writeFile(jobs, yaml(cluster.folder, version))
    worker.kill('SIGHUP')
    const name = version % 2 === 0 ? 'even' : 'odd'
    await until(`version ${version}`, async () =>
      Boolean((await workerOf(cluster))?.jobs.includes(name)),
    )
  }
  const newest = await cluster.start('job_name=short&wait=60s')
  t.is(await outputOf(cluster, newest.run_id), `version ${RELOADS}\n`)

  // What is not good is refused as a whole: the last good jobs stay.
  await writeFile(jobs, 'jobs: {short: {comand: nothing}}')
  worker.kill('SIGHUP')
  await until('the refusal', async () => Boolean((await workerOf(cluster))?.reload_error))
  const still = await cluster.start('job_name=short&wait=60s')
  t.is(await outputOf(cluster, still.run_id), `version ${RELOADS}\n`)

  await load.more(10)
  await load.end()
  t.deepEqual(load.failed, [])
  t.deepEqual(load.repeated, [], 'nobody had to ask twice')
  await appendFile(cluster.file('go'), '')
  for (const each of [run_id, ...load.accepted.map((one) => one.run_id)])
    await cluster.reached(each, 'succeeded', 'failed')
  t.is(await outputOf(cluster, run_id), 'version 0\n', 'what runs stays what it was')
  await checkOutside(t, cluster)
})
