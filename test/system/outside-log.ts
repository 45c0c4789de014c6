/**
 * The log outside of jobz: every command writes a line to it when it begins and when it ends, so that what jobz says can be
 * compared with what happened.
 */
import { readFile, writeFile } from 'node:fs/promises'
import type { ExecutionContext } from 'ava'
import type { RunsAnswer, RunView } from '../../common/protocol/answers.ts'
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
 * Each run has succeeded, and on each worker that it was for its command has begun and ended once: none was interrupted, none
 * ran twice. An attempt that was given back before it ran has left no line.
 */
export async function checkOutside(t: ExecutionContext, cluster: Cluster): Promise<void> {
  const happened = new Map<string, string[]>()
  for (const text of await outsideLines(cluster)) {
    const [run_id = '', worker = '', attempt = '', word = ''] = text.split(' ')
    const key = `${run_id} ${worker} ${attempt}`
    happened.set(key, [...(happened.get(key) ?? []), word])
  }
  for (const { run_id, job, state, reason } of await allRuns(cluster)) {
    t.is(state, 'succeeded', `${job}: ${reason}`)
    for (const { worker, attempt, attempts } of (await cluster.run(run_id)).tasks ?? []) {
      const key = `${run_id} ${worker} ${attempt}`
      t.deepEqual(happened.get(key), ['begin', 'end'], `${job} ${key}`)
      happened.delete(key)
      const earlier = attempts.slice(0, -1).filter((each) => each.reason !== GIVEN_BACK)
      t.deepEqual(earlier, [], `${job} ${key} ran before`)
    }
  }
  t.deepEqual([...happened], [], 'nothing happened that jobz does not know of')
}

async function allRuns(cluster: Cluster): Promise<RunView[]> {
  const all: RunView[] = []
  for (let page = ''; ;) {
    const { runs, before } = (await cluster.json(`/api/runs?limit=500${page}`)) as RunsAnswer
    all.push(...runs)
    if (before === null) return all
    page = `&before=${before}`
  }
}

const GIVEN_BACK = 'given back before it ran'
