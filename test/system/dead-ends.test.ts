/** What an operator does the morning after: sees what failed and was not dealt with, and runs all of it again, once. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { execa } from 'execa'
import { type Cluster, makeCluster } from './cluster.ts'

const CLI = join(import.meta.dirname, '../../cli/main.ts')

/** `load` fails for as long as the file `down` is there; `told` has a handler that succeeds. */
const yaml = `
jobs:
  load: {deliver: one, command: 'test ! -e down', cwd: .., retries: 0}
  told: {deliver: one, command: 'exit 3', on_failure: tell}
  tell: {deliver: one, command: 'true'}
`

const jobz = async (
  { url }: Cluster,
  words: readonly string[],
  input = '',
): Promise<{ lines: string[]; err: string; code: number | undefined }> => {
  const env = { JOBZ_URL: url, NO_COLOR: '1' }
  const ran = await execa(process.execPath, [CLI, ...words], { env, input, reject: false })
  return { lines: ran.stdout.split('\n').filter(Boolean), err: ran.stderr, code: ran.exitCode }
}

/** Looks again until there are so many; the limit only bounds a failure. */
async function untilThereAre(cluster: Cluster, count: number, filter: string): Promise<void> {
  const end = Date.now() + 60_000
  for (;;) {
    const runs = await cluster.runs(filter)
    if (runs.length === count) return
    if (Date.now() > end) throw new Error(`${runs.length} of ${count} runs are ${filter}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function startMany(cluster: Cluster, job: string, count: number): Promise<string[]> {
  const response = await fetch(`${cluster.url}/api/runs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(Array.from({ length: count }, (_, n) => ({ job, params: { n } }))),
  })
  const answers = (await response.json()) as { run_id: string }[]
  const run_ids = answers.map(({ run_id }) => run_id)
  return run_ids
}

test.serial('hundreds of failed runs are listed and retried in bulk, each once', async (t) => {
  const cluster = await makeCluster(t, yaml)
  await writeFile(cluster.file('down'), '')
  await cluster.broker()
  await cluster.worker('web1', '--slots', '8')
  await cluster.frontend()
  const failed = await startMany(cluster, 'load', 300)
  await startMany(cluster, 'told', 1)
  await untilThereAre(cluster, 301, 'state=failed')
  await untilThereAre(cluster, 1, 'job=tell&state=succeeded')

  const list = ['runs', '--unhandled', '--ids']
  t.deepEqual((await jobz(cluster, list)).lines.sort(), failed.toSorted())
  const all = await jobz(cluster, ['runs', '--state', 'failed', '--ids'])
  t.is(all.lines.length, 301, 'the one that was dealt with has failed too')

  await rm(cluster.file('down'))
  const by_hand = await jobz(cluster, ['retry', failed[0] ?? ''])
  t.is(by_hand.code, 0)
  const input = failed.join('\n')
  const first = await jobz(cluster, ['retry', '-'], input)
  t.deepEqual([first.code, first.lines.length], [0, 299])
  t.is(first.err, '299 of 300 retried, 1 had a retry before')
  const second = await jobz(cluster, ['retry', '-'], input)
  t.deepEqual([second.code, second.lines.length], [0, 0])
  t.is(second.err, '0 of 300 retried, 300 had a retry before')

  await untilThereAre(cluster, 300, 'job=load&state=succeeded')
  t.deepEqual((await jobz(cluster, list)).lines, [])
  t.is((await cluster.runs('job=load')).length, 600)
})
