/**
 * The log outside of jobz: every command writes a line to it when it begins and when it ends, so that what jobz says can be
 * compared with what happened.
 */
import { readFile, writeFile } from 'node:fs/promises'
import type { ExecutionContext } from 'ava'
import type { Cluster } from './cluster.ts'

const LIMIT_MS = 60_000

/** Shell text that writes such a line. */
export const outsideLine = (folder: string, word: string): string =>
  `echo "$JOBZ_RUN_ID $JOBZ_WORKER $JOBZ_ATTEMPT ${word}" >> ${folder}/outside`

export const openOutside = (cluster: Cluster): Promise<void> =>
  writeFile(cluster.file('outside'), '')

export const outsideLines = async (cluster: Cluster): Promise<string[]> =>
  (await readFile(cluster.file('outside'), 'utf8')).split('\n').filter(Boolean)

/** The commands of a run have begun: so many of them. */
export const begun = (cluster: Cluster, run_id: string, count: number): Promise<void> =>
  until(`${count} commands of ${run_id}`, async () => {
    const lines = await outsideLines(cluster)
    return lines.filter((text) => text.startsWith(run_id)).length === count
  })

/** Looks again until something is so; the limit only bounds a failure. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + LIMIT_MS
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`${what} did not come about`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/**
 * Each run has succeeded, and on each worker that it was for its command has begun and ended once, at its first attempt: none
 * was interrupted, none ran twice.
 */
export async function checkOutside(t: ExecutionContext, cluster: Cluster): Promise<void> {
  const commands = new Map<string, string[]>()
  for (const text of await outsideLines(cluster)) {
    const [run_id = '', worker = '', attempt = '', word = ''] = text.split(' ')
    const key = `${run_id} ${worker} ${attempt}`
    commands.set(key, [...(commands.get(key) ?? []), word])
  }
  for (const [key, words] of commands) t.deepEqual(words, ['begin', 'end'], key)
  const expected: string[] = []
  for (const { run_id, job, state, reason } of await cluster.runs('')) {
    t.is(state, 'succeeded', `${job}: ${reason}`)
    const { tasks = [] } = await cluster.run(run_id)
    expected.push(...tasks.map(({ worker }) => `${run_id} ${worker} 1`))
  }
  t.deepEqual([...commands.keys()].toSorted(), expected.toSorted())
}
