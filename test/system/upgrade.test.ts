/**
 * An upgrade as docs/OPERATIONS.md describes it: every daemon is replaced in turn, while a client goes on starting jobs
 * and commands run.
 */
import { appendFile, writeFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import type { SemaphoreView, WorkerView } from '../../common/protocol/answers.ts'
import { type Cluster, makeCluster } from './cluster.ts'
import type { Process } from './launch.ts'
import { startLoad } from './load.ts'
import { begun, checkOutside, openOutside, outsideLine, until } from './outside-log.ts'
import { freePorts } from './ports.ts'

const WORKERS = ['web1', 'web2'] as const

/** `held` runs on both workers, until the test lets it go. `left` and `right` meet at a gate for each `n`. */
const yaml = (folder: string): string => `
jobs:
  held:
    require: all
    offline: wait 1h
    command: |
      set -e
      ${outsideLine(folder, 'begin')}
      until [ -e ${folder}/go-%(phase)s ]; do sleep 0.1; done
      ${outsideLine(folder, 'end')}
  left: {deliver: one, command: '${outsideLine(folder, 'begin')}; sleep 0.3; ${outsideLine(folder, 'end')}'}
  right: {deliver: one, command: '${outsideLine(folder, 'begin')}; ${outsideLine(folder, 'end')}'}
  joined: {deliver: one, command: '${outsideLine(folder, 'begin')}; ${outsideLine(folder, 'end')}'}
semaphores:
  pairs: {wait_for: [left, right], key: '%(n)s', then: joined}
`

test.serial('every daemon is replaced under load, and nobody notices', async (t) => {
  const cluster = await makeCluster(t, '')
  await writeFile(cluster.file('jobs/jobs.yaml'), yaml(cluster.folder))
  await openOutside(cluster)
  const listen = `127.0.0.1:${await freePorts(1)}`
  const starts = {
    broker: cluster.broker,
    web1: () => cluster.worker('web1'),
    web2: () => cluster.worker('web2'),
    semaphore1: cluster.semaphore,
    semaphore2: cluster.semaphore,
    frontend1: cluster.frontend,
    frontend2: () =>
      cluster.launch(['frontend', '--listen', listen, '--broker', cluster.doors.worker]),
  }
  const running = new Map<string, Process>()
  for (const [name, start] of Object.entries(starts)) running.set(name, await start())
  const load = startLoad([cluster.url, `http://${listen}`], ['left', 'right'])
  t.teardown(() => load.end())
  const held: string[] = []

  for (const [name, start] of Object.entries(starts)) {
    const { run_id } = await cluster.start(`job_name=held&phase=${name}`)
    held.push(run_id)
    await begun(cluster, run_id, WORKERS.length)
    const worker = WORKERS.find((each) => each === name)
    if (worker) await drain(t, cluster, worker, true)
    running.set(name, await replace(t, running.get(name), start))
    if (worker) await drain(t, cluster, worker, false)
    await load.more(20)
    await appendFile(cluster.file(`go-${name}`), '')
    await cluster.reached(run_id, 'succeeded', 'failed')
  }
  await load.end()
  t.log(`${load.accepted.length} accepted, of which repeated: ${load.repeated.length}`)
  t.deepEqual(load.failed, [], 'no request failed that one repetition does not cure')
  const run_ids = [...held, ...load.accepted.map(({ run_id }) => run_id)]
  t.is(new Set(run_ids).size, run_ids.length)
  for (const run_id of run_ids) await cluster.reached(run_id, 'succeeded', 'failed')
  await checkGates(t, cluster, new Set(load.accepted.map(({ n }) => n)))
  await checkOutside(t, cluster)
})

/** Lets a daemon end in order, and starts the next one in its place. */
async function replace(
  t: ExecutionContext,
  one: Process | undefined,
  start: () => Promise<Process>,
): Promise<Process> {
  one?.kill('SIGTERM')
  t.is(await one?.ended, 0, one?.log())
  return start()
}

async function drain(t: ExecutionContext, cluster: Cluster, name: string, on: boolean) {
  const path = `/api/workers/${name}/drain${on ? '' : '?off=1'}`
  const response = await fetch(cluster.url + path, { method: 'POST' })
  t.is(response.status, 200)
  const { workers } = (await cluster.json('/api/workers')) as { workers: WorkerView[] }
  t.is(workers.find(({ worker }) => worker === name)?.state, on ? 'draining' : 'present')
}

/** A gate for each pair is open, once, and nobody came late. */
async function checkGates(t: ExecutionContext, cluster: Cluster, numbers: ReadonlySet<number>) {
  await until('all gates are open', async () => {
    const joined = await cluster.runs('job=joined&state=succeeded')
    return joined.length >= numbers.size
  })
  const joined = await cluster.runs('job=joined')
  t.deepEqual(
    joined.map(({ params }) => Number(params['n'])).toSorted((a, b) => a - b),
    [...numbers].toSorted((a, b) => a - b),
    'each pair was joined once',
  )
  const { semaphores } = (await cluster.json('/api/semaphores')) as { semaphores: SemaphoreView[] }
  const gates = semaphores.flatMap((semaphore) => semaphore.gates)
  t.deepEqual(
    gates.filter(({ state, late }) => state !== 'open' || late > 0),
    [],
  )
}
