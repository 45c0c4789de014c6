/**
 * The feed is kept for a while, whoever is behind. A semaphore that was away for longer cannot read what it missed
 * there, so its gates are rebuilt from the runs themselves: every run of a member that is still kept is told again, and
 * the broker counts those that it did not know.
 */
import { HIDDEN } from '../common/definition/secrets.ts'
import type { FeedEntry, RunView } from '../common/protocol/answers.ts'
import { numberOf } from '../common/protocol/cursor.ts'
import { runChannel } from '../common/protocol/feed.ts'
import { noticesOf } from './gate.ts'
import { tellGate } from './reader.ts'
import type { Reader } from './reader.ts'

/** Rebuilds what has a gap before it; does nothing when nothing has, which is nearly always. */
export async function rebuildGaps(reader: Reader): Promise<void> {
  const { door, log, semaphores, places } = reader
  const told = await door.replay(null, [], 1)
  const oldest = told.kind === 'told' ? told.result.entries[0]?.cursor : undefined
  if (oldest === undefined) return
  const gapped = [...semaphores.values()].filter(({ name }) =>
    isGap(places.get(name) ?? null, oldest),
  )
  if (gapped.length === 0) return
  const names = gapped.map(({ name }) => name)
  log.warn('away for longer than the feed is kept: rebuilding gates from the runs', { names })
  const jobs = new Set(gapped.flatMap(({ wait_for }) => wait_for.map(({ job }) => job)))
  const run_ids: string[] = []
  for (const job of jobs) run_ids.push(...(await runsOf(reader, job)))
  // Ids grow with time: as the runs were made, so they are told.
  for (const run_id of run_ids.sort()) {
    const run = await door.run(run_id)
    if (run.kind === 'closed') return
    if (run.kind === 'refused') continue
    const notices = gapped.flatMap((semaphore) => noticesOf(semaphore, entryOf(run.result)))
    if ((await tellGate(reader, notices)) !== 'told') return
  }
  log.info('rebuilt gates from the runs', { names, runs: run_ids.length })
}

const isGap = (place: string | null, oldest: string): boolean =>
  (place === null ? 0 : (numberOf(place) ?? 0)) + 1 < (numberOf(oldest) ?? 0)

async function runsOf({ door }: Reader, job: string): Promise<string[]> {
  const run_ids: string[] = []
  for (let before: string | null = null; ;) {
    const told = await door.succeeded(job, before)
    if (told.kind !== 'told') return run_ids
    run_ids.push(...told.result.runs.map(({ run_id }) => run_id))
    before = told.result.before
    if (before === null) return run_ids
  }
}

/** As the feed would have told of it. */
function entryOf(run: RunView): FeedEntry {
  const { run_id, flow_id, job, state, params } = run
  const outputs = (run.tasks ?? [])
    .filter((task) => task.state === 'succeeded')
    .map(({ output }) => output)
  return {
    cursor: '',
    at: run.finished_at ?? run.created_at,
    topic: runChannel(state, job),
    run_id,
    flow_id,
    job,
    state,
    params: plain(params),
    output: plain(agreed(outputs)),
  }
}

/** What is secret is shown as stars; the feed leaves it out, so that no key is made of it. */
const plain = (values: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => !value.includes(HIDDEN)))

/** Only what all tasks say alike. */
const agreed = ([first = {}, ...others]: readonly Record<string, string>[]): Record<
  string,
  string
> =>
  Object.fromEntries(
    Object.entries(first).filter(([name, value]) =>
      others.every((output) => Object.hasOwn(output, name) && output[name] === value),
    ),
  )
