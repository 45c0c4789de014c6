/**
 * Bad inputs by the hundred, against daemons that are alive: each gets its answer, none starts anything, and after all of
 * them the same daemons do what they should.
 */
import { rm, writeFile } from 'node:fs/promises'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { WorkerView } from '../../common/protocol/answers.ts'
import { makeCluster } from '../system/cluster.ts'
import type { Cluster } from '../system/cluster.ts'
import type { Process } from '../system/launch.ts'
import { until } from '../system/outside-log.ts'
import { ask, askRaw } from './bad-inputs/ask.ts'
import { CLIENT_PROOF, say, WORKER_PROOF } from './bad-inputs/doors.ts'
import * as files from './bad-inputs/files.ts'
import type { FileCase } from './bad-inputs/files.ts'
import * as http from './bad-inputs/http.ts'
import { SITE } from './bad-inputs/site.ts'
import { VALUES } from './bad-inputs/values.ts'
import * as wire from './bad-inputs/wire.ts'

const HTTP = [...http.NAMES, ...VALUES, ...http.REQUESTS, ...http.SEMAPHORES]
const FILES = [...files.YAML, ...files.TEMPLATES, ...files.SEMAPHORES]

const AREAS: Readonly<Record<string, (site: Site) => Promise<(string | null)[]>>> = {
  'requests over HTTP': ({ cluster }) => inTurn(HTTP, (one) => ask(cluster.url, one)),
  'bytes on the frontend’s socket': ({ cluster }) =>
    inTurn(wire.RAW, (one) => askRaw(cluster.url, one)),
  'frames at the client door': ({ cluster }) =>
    inTurn(wire.CLIENT_FRAMES, (one) => say(cluster.doors.client, CLIENT_PROOF, one)),
  'frames at the worker door': ({ cluster }) =>
    inTurn(wire.WORKER_FRAMES, (one) => say(cluster.doors.worker, WORKER_PROOF, one)),
  'files of definitions': async (site) => {
    const answers = await inTurn(FILES, (one, number) => reload(site, one, number))
    for (const name of ['worker', 'semaphore']) site.daemons[name]?.kill('SIGHUP')
    await until('the good files again', async () => (await reloadError(site)) === '')
    return answers
  },
}

test('there are at least 150 of them', (t) => {
  const count =
    HTTP.length +
    wire.RAW.length +
    wire.CLIENT_FRAMES.length +
    wire.WORKER_FRAMES.length +
    FILES.length
  t.true(count >= 150, `${count}`)
  t.log(`${count} bad inputs`)
})

type Site = { readonly cluster: Cluster; readonly daemons: Readonly<Record<string, Process>> }

for (const [area, run] of Object.entries(AREAS))
  test.serial(`${area}: each bad one gets its answer, and the daemons go on`, async (t) => {
    const site = await open(t)
    await isAlive(t, site, 1)
    const wrong = (await run(site)).filter((one) => one !== null)
    t.deepEqual(wrong, [])
    await isAlive(t, site, 2)
  })

async function open(t: ExecutionContext): Promise<Site> {
  const cluster = await makeCluster(t, SITE)
  const daemons = {
    broker: await cluster.broker(),
    worker: await cluster.worker(),
    semaphore: await cluster.semaphore(),
    frontend: await cluster.frontend(),
  }
  return { cluster, daemons }
}

async function inTurn<T>(
  cases: readonly T[],
  run: (one: T, number: number) => Promise<string | null>,
): Promise<(string | null)[]> {
  const answers = []
  for (const [number, one] of cases.entries()) answers.push(await run(one, number))
  return answers
}

/** Puts a bad file beside the good one: the worker keeps what it has, and says what is wrong. */
async function reload(
  { cluster, daemons }: Site,
  [what, text, said]: FileCase,
  number: number,
): Promise<string | null> {
  const file = cluster.file(`jobs/bad${number}.yaml`)
  await writeFile(file, text)
  daemons['worker']?.kill('SIGHUP')
  daemons['semaphore']?.kill('SIGHUP')
  let error = ''
  await until(what, async () => {
    error = await reloadError({ cluster })
    return error.includes(`bad${number}.yaml`)
  })
  await rm(file)
  return said.test(error) ? null : `${what}: ${error}`
}

async function reloadError({ cluster }: Pick<Site, 'cluster'>): Promise<string> {
  const { workers } = (await cluster.json('/api/workers')) as { workers: WorkerView[] }
  return workers[0]?.reload_error ?? ''
}

/** Everything works, nothing else was started, and no daemon had to complain of itself. */
async function isAlive(
  t: ExecutionContext,
  { cluster, daemons }: Site,
  rounds: number,
): Promise<void> {
  const greeted = await cluster.start('job_name=plain&name=you&wait=60s')
  t.is(greeted.state, 'succeeded')
  t.deepEqual((await cluster.run(greeted.run_id)).tasks?.[0]?.output, { said: 'you' })
  const first = await cluster.start('job_name=first&wait=60s')
  const second = await cluster.start(
    `job_name=second&parent_run_id=${first.run_id}&wait=60s&of=flow`,
  )
  t.is(second.flow_state, 'succeeded')
  const { runs } = await cluster.flow(first.flow_id)
  t.deepEqual(runs.map(({ job }) => job).toSorted(), ['after_both', 'first', 'second'])
  t.is((await cluster.runs('')).length, 4 * rounds)
  for (const [name, daemon] of Object.entries(daemons)) {
    t.notThrows(() => process.kill(daemon.pid, 0), `${name} is the process that was started`)
    t.deepEqual(complaints(daemon), [], name)
  }
}

/** What a daemon logged as an error; that it was given bad files is the one thing that it had to say. */
function complaints(daemon: Process): string[] {
  const lines = daemon
    .log()
    .split('\n')
    .filter((line) => line.includes('"level":"error"'))
  return lines.filter((line) => !/bad\d+\.yaml/.test(line))
}
