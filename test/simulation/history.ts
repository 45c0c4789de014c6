/** What the broker's reading thread answers, for the questions that semaphore processes and followers of the feed ask. */
import type { FeedEntry } from '../../common/protocol/answers.ts'
import { cursorOf } from '../../common/protocol/cursor.ts'
import { agreeingValues } from '../../broker/core/values.ts'
import type { History } from '../../broker/store/store.ts'
import { type Facts, isRunOver, tasksOfRun } from './facts.ts'

/** Answers from committed rows. What nobody here asks for is an error. */
export function historyOf(facts: Facts): History {
  const unasked = (what: string) => (): never => {
    throw new Error(`nobody in the simulation asks for ${what}`)
  }
  return {
    replay: (after, topics, limit) => Promise.resolve(replay(facts, after, topics, limit)),
    openGates: () => Promise.resolve({ gates: [], unkeyed: [] }),
    find: unasked('find'),
    run: unasked('run'),
    runs: unasked('runs'),
    flow: unasked('flow'),
    findFlow: unasked('findFlow'),
    refusals: unasked('refusals'),
    attempt: unasked('attempt'),
    countRuns: unasked('countRuns'),
    oldRuns: unasked('oldRuns'),
    oldRequests: unasked('oldRequests'),
    checkpoint: unasked('checkpoint'),
    close: () => Promise.resolve(),
  }
}

function replay(
  facts: Facts,
  after: number,
  topics: readonly string[],
  limit: number,
): { entries: FeedEntry[]; complete_to: number; oldest: number } {
  const entries: FeedEntry[] = []
  let complete_to = after
  // Entries are numbered from 1; a gap in that is for the feed checker to find.
  for (const { n, at_ms, ...same } of facts.feed.slice(after)) {
    if (n <= after) continue
    if (topics.length === 0 || topics.some((topic) => same.topic.startsWith(topic))) {
      if (entries.length >= limit) break
      const at = new Date(at_ms).toISOString()
      entries.push({ cursor: cursorOf(n), at, ...same, ...endedValues(facts, same.run_id) })
    }
    complete_to = n
  }
  return { entries, complete_to, oldest: facts.feed[0]?.n ?? 1 }
}

function endedValues(
  facts: Facts,
  run_id: string | undefined,
): Pick<FeedEntry, 'params' | 'output'> {
  if (run_id === undefined || !isRunOver(facts.runs.get(run_id))) return {}
  const done = tasksOfRun(facts, run_id).filter(({ state }) => state === 'succeeded')
  return {
    params: { ...facts.params.get(run_id) },
    output: { ...agreeingValues(done.map(({ output }) => output)) },
  }
}
