/** The feed from a place on, with what a semaphore needs of runs that ended; and what was refused. */
import type { DatabaseSync } from 'node:sqlite'
import type { FeedEntry } from '../../common/protocol/answers.ts'
import { cursorOf } from '../../common/protocol/cursor.ts'
import type { FeedRecord, Values } from '../core/records.ts'
import { agreeingValues } from '../core/values.ts'
import type { Questions } from './history.ts'
import { ENDED } from './load-outcomes.ts'
import { ANSWER_BYTES, isoOf, sizeOf } from './views.ts'

/** One answer looks at about so many entries, some 50 ms; whoever asks goes on from `complete_to`. */
const ENTRIES_LOOKED_AT = 100_000

export function replayAnswer(db: DatabaseSync): Questions['replay'] {
  const oldest = db.prepare('SELECT first_n FROM feed ORDER BY last_n LIMIT 1')
  const rowsAfter = db.prepare('SELECT entries FROM feed WHERE last_n > ? ORDER BY last_n')
  const valuesOf = endedValues(db)
  return (after, topics, limit) => {
    const first = oldest.get() as { first_n: number } | undefined
    const wanted = topicMatcher(topics)
    const entries: FeedEntry[] = []
    let complete_to = after
    let bytes = 0
    const answer = (): ReturnType<Questions['replay']> => ({
      entries,
      complete_to,
      oldest: first?.first_n ?? 1,
    })
    for (const row of rowsAfter.iterate(after) as Iterable<{ entries: string }>) {
      if (complete_to - after >= ENTRIES_LOOKED_AT) break
      for (const record of JSON.parse(row.entries) as FeedRecord[]) {
        if (record.n <= after) continue
        if (wanted(record.topic)) {
          if (entries.length >= limit || bytes > ANSWER_BYTES) return answer()
          const entry = entryOf(record, valuesOf)
          entries.push(entry)
          bytes += sizeOf(entry)
        }
        complete_to = record.n
      }
    }
    return answer()
  }
}

/** Whether a topic starts with one of `prefixes`. There are few topics and many entries, so the answer is kept. */
function topicMatcher(prefixes: readonly string[]): (topic: string) => boolean {
  if (prefixes.length === 0) return () => true
  const known = new Map<string, boolean>()
  return (topic) => {
    const before = known.get(topic)
    if (before !== undefined) return before
    const matches = prefixes.some((prefix) => topic.startsWith(prefix))
    known.set(topic, matches)
    return matches
  }
}

type Ended = { readonly params: Record<string, string>; readonly output: Record<string, string> }

function entryOf(record: FeedRecord, valuesOf: (run_id: string) => Ended | null): FeedEntry {
  const { n, at_ms, ...same } = record
  const ended = record.run_id !== undefined && ENDED.has(record.state ?? '')
  const values = ended ? valuesOf(record.run_id) : null
  return { cursor: cursorOf(n), at: isoOf(at_ms), ...same, ...values }
}

/** What a run was started with, and what its tasks agree on. */
function endedValues(db: DatabaseSync): (run_id: string) => Ended | null {
  const paramsOf = db.prepare('SELECT params FROM runs WHERE run_id = ?')
  const outputsOf = db.prepare(
    "SELECT output FROM tasks WHERE run_id = ? AND state = 'succeeded' ORDER BY n",
  )
  return (run_id) => {
    const row = paramsOf.get(run_id) as { params: string } | undefined
    if (row === undefined) return null
    const outputs = (outputsOf.all(run_id) as { output: string }[]).map(
      (task) => JSON.parse(task.output) as Values,
    )
    return {
      params: JSON.parse(row.params) as Record<string, string>,
      output: agreeingValues(outputs),
    }
  }
}

export function refusalsAnswer(db: DatabaseSync): Questions['refusals'] {
  type Row = { at_ms: number; job: string; from: string | null; code: string; message: string }
  const select = db.prepare(`SELECT at_ms, job, origin AS "from", code, message FROM refusals
    WHERE ?1 IS NULL OR job = ?1 ORDER BY position DESC LIMIT ?2`)
  return (job, limit) => {
    let bytes = 0
    return (select.all(job, limit) as Row[])
      .map(({ at_ms, ...same }) => ({ at: isoOf(at_ms), ...same }))
      .filter((view) => {
        bytes += sizeOf(view)
        return bytes <= ANSWER_BYTES
      })
  }
}
