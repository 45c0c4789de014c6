/**
 * Hostile values all the way: over HTTP, through the broker and a worker, into commands with and without a shell, out of
 * them by `$JOBZ_OUTPUT` and by the end of standard error, and into the commands that come next.
 *
 * `pwned` is a program on the commands' own PATH that leaves a file behind, and their directory is empty: whatever a value
 * made any shell do would show.
 */
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { RunView } from '../../common/protocol/answers.ts'
import { makeCluster } from '../system/cluster.ts'
import type { Cluster } from '../system/cluster.ts'
import { until } from '../system/outside-log.ts'
import { HOSTILE_VALUES } from './values.ts'

const TEXT = '{x: {type: text, allow_dash: true}}'

const site = (folder: string): string => `
defaults: {deliver: one, cwd: ${folder}/work, env: {PATH: '${folder}/bin:/usr/bin:/bin'}}
jobs:
  bare: {command: 'printf %s %(x)s', params: ${TEXT}}
  alone: {command: [printf, '%s', '%(x)s'], params: ${TEXT}}
  own_shell: {shell: [bash, -euo, pipefail, -c], command: 'printf %s "%(x)s"; : $$', params: ${TEXT}}
  undeclared: {command: 'printf %s %(x)s'}
  gives: {command: 'printf "y=%s\\n" %(x)s > "$JOBZ_OUTPUT"', params: ${TEXT}, on_success: takes}
  takes: {command: 'printf %s %(y)s'}
  complains: {command: 'printf %s %(x)s >&2; exit 3', params: ${TEXT}, on_failure: hears}
  hears: {command: 'printf "%s%s" %(error_tail)s "%(failed_job)s"', on_failure: []}
  garbles: {command: "printf 'y=\\\\377\\\\300\\\\257z\\\\n' | tee \\"$JOBZ_OUTPUT\\" >&2; exit \${1:-0}", on_success: takes}
  overflows: {command: 'head -c 131072 /dev/zero | tr "\\0" x | { printf y=; cat; } > "$JOBZ_OUTPUT"', on_success: takes}
  is_too_large: {command: [printf, ok], env_file: ${folder}/large.env}
`

async function open(cluster: Cluster): Promise<void> {
  await mkdir(cluster.file('bin'))
  await mkdir(cluster.file('work'))
  const pwned = `#!/bin/sh\necho "$@" >> ${cluster.folder}/intrusions\n`
  await writeFile(cluster.file('bin/pwned'), pwned)
  await chmod(cluster.file('bin/pwned'), 0o755)
  // More than one variable can hold.
  await writeFile(cluster.file('large.env'), `BIG=${'x'.repeat(131_072)}\n`, { mode: 0o600 })
  await writeFile(cluster.file('jobs/jobs.yaml'), site(cluster.folder))
  await cluster.broker()
  await cluster.worker()
  await cluster.frontend()
}

/** Starts one run with each value, as `POST /api/runs` takes them, and gives those that were accepted when all flows are settled. */
async function runAll(
  cluster: Cluster,
  job: string,
  values: readonly string[],
): Promise<RunView[]> {
  const answers = (await cluster.json('/api/runs', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(values.map((x) => ({ job, params: { x } }))),
  })) as RunView[]
  const accepted = answers.filter(({ run_id }) => run_id !== undefined)
  const ended: RunView[] = []
  for (const { run_id, flow_id } of accepted) {
    await until(`the end of ${flow_id}`, async () =>
      ['succeeded', 'failed'].includes((await cluster.flow(flow_id)).state),
    )
    ended.push(await cluster.run(run_id))
  }
  return ended
}

/** Byte for byte: `text()` would take a mark of the byte order away. */
async function outputOf(cluster: Cluster, run_id: string): Promise<string> {
  const response = await fetch(`${cluster.url}/api/runs/${run_id}/output?stream=stdout`)
  return Buffer.from(await response.arrayBuffer()).toString('utf8')
}

/** The one run that followed. */
async function nextOf(cluster: Cluster, run: RunView): Promise<RunView | undefined> {
  const { runs } = await cluster.flow(run.flow_id)
  return runs.find(({ run_id }) => run_id !== run.run_id)
}

/** An empty value is no value. */
const VALUES = HOSTILE_VALUES.filter((value) => value !== '')

test.serial('whatever a value is, commands print it as it was given', async (t) => {
  const cluster = await makeCluster(t, '')
  await open(cluster)
  for (const job of ['bare', 'alone', 'own_shell']) {
    const runs = await runAll(cluster, job, VALUES)
    const printed = await Promise.all(runs.map(({ run_id }) => outputOf(cluster, run_id)))
    t.deepEqual(printed, VALUES, job)
  }
  await nothingRan(t, cluster)
})

test.serial(
  'an undeclared value is refused, or made harmless and printed as the run shows it',
  async (t) => {
    const cluster = await makeCluster(t, '')
    await open(cluster)
    const runs = await runAll(cluster, 'undeclared', VALUES)
    t.true(runs.length > 20, `${runs.length} were accepted`)
    for (const { run_id, params, state } of runs) {
      const x = params?.['x'] ?? ''
      t.is(state, 'succeeded')
      t.regex(x, /^[A-Za-z0-9_][A-Za-z0-9_.,:/@%+= -]*$/)
      t.is(await outputOf(cluster, run_id), x)
    }
    await nothingRan(t, cluster)
  },
)

test.serial('a value that one command gives to the next is carried as it is', async (t) => {
  const cluster = await makeCluster(t, '')
  await open(cluster)
  const lines = VALUES.filter((value) => !value.includes('\n'))
  const carried = await nextOutputs(cluster, await runAll(cluster, 'gives', lines))
  // The file has lines, and the end of a line may be written as in DOS.
  t.deepEqual(
    carried,
    lines.map((value) => value.replace(/\r$/, '')),
  )
  await runAll(
    cluster,
    'gives',
    VALUES.filter((value) => value.includes('\n')),
  )
  await nothingRan(t, cluster)
})

test.serial('what a command says as it fails reaches its handler as data', async (t) => {
  const cluster = await makeCluster(t, '')
  await open(cluster)
  const heard = await nextOutputs(cluster, await runAll(cluster, 'complains', VALUES))
  t.deepEqual(
    heard,
    VALUES.map((value) => `${value}complains`),
  )
  await nothingRan(t, cluster)
})

test.serial(
  'bytes that are no text, and values that are too long, are told and hurt nobody',
  async (t) => {
    const cluster = await makeCluster(t, '')
    await open(cluster)
    const [garbled] = await nextOutputs(cluster, await runAll(cluster, 'garbles', ['x']))
    t.is(garbled, '\ufffd\ufffd\ufffdz')
    const overflown = await cluster.start('job_name=overflows&wait=60s')
    t.is(overflown.state, 'succeeded')
    const after = await nextOf(cluster, overflown)
    t.is(after && (await outputOf(cluster, after.run_id)), '')
    const large = await cluster.start('job_name=is_too_large&wait=60s')
    t.is(large.state, 'failed')
    await nothingRan(t, cluster)
  },
)

async function nextOutputs(cluster: Cluster, runs: readonly RunView[]): Promise<(string | null)[]> {
  return Promise.all(
    runs.map(async (run) => {
      const next = await nextOf(cluster, run)
      return next ? outputOf(cluster, next.run_id) : null
    }),
  )
}

async function nothingRan(t: ExecutionContext, cluster: Cluster): Promise<void> {
  const left = await readdir(cluster.folder)
  t.false(left.includes('intrusions'))
  t.deepEqual(await readdir(cluster.file('work')), [])
  t.is((await cluster.start('job_name=bare&x=still+here&wait=60s')).state, 'succeeded')
}
