/** What retention looks for: runs and requests that are old enough to be forgotten. Whether they may be is not decided here. */
import type { DatabaseSync } from 'node:sqlite'
import type { Questions } from './history.ts'
import type { OldRuns, RequestKey } from './store.ts'

/** One answer looks at so many runs, some 20 ms when they must come from the disk. */
const RUNS_LOOKED_AT = 8_192
/** One answer looks at so many requests, some 20 ms when they must come from the disk. */
const REQUESTS_LOOKED_AT = 2_048

export function countRunsAnswer(db: DatabaseSync): Questions['countRuns'] {
  const count = db.prepare('SELECT count(*) AS count FROM runs')
  return () => Number(count.get()?.['count'])
}

/**
 * Runs are looked through in the order in which they were made. Runs that were made after `ended_before_ms` ended after
 * it too, so the search is over there, unless the clock went back: only a whole window without a find is believed.
 */
export function oldRunsAnswer(db: DatabaseSync): Questions['oldRuns'] {
  const select = db.prepare(`SELECT position, run_id, flow_id, finished_ms FROM runs NOT INDEXED
    WHERE position > ? AND position <= ? AND finished_ms < ? ORDER BY position LIMIT ?`)
  const following = db.prepare(
    'SELECT position, created_ms FROM runs WHERE position > ? ORDER BY position LIMIT 1',
  )
  type Old = OldRuns['runs'][number] & { position: number }
  type Following = { position: number; created_ms: number } | undefined
  return (after, ended_before_ms, limit) => {
    const first = following.get(after) as Following
    if (first === undefined) return { runs: [], next: null }
    const end = first.position + RUNS_LOOKED_AT
    const found = select.all(after, end, ended_before_ms, limit) as Old[]
    const last = found.at(-1)
    const runs = found.map(({ run_id, flow_id, finished_ms }) => ({ run_id, flow_id, finished_ms }))
    if (last !== undefined && found.length === limit) return { runs, next: last.position }
    const beyond = following.get(end) as Following
    const goes_on = beyond && (last !== undefined || beyond.created_ms < ended_before_ms)
    return { runs, next: goes_on ? end : null }
  }
}

/** In order of their keys, because only those are indexed: an index by time would cost every trigger. */
export function oldRequestsAnswer(db: DatabaseSync): Questions['oldRequests'] {
  const select = db.prepare(`SELECT request_id, job, at_ms < ? AND NOT EXISTS
      (SELECT 1 FROM runs WHERE runs.run_id = requests.run_id) AS is_old
    FROM requests WHERE (request_id, job) > (?, ?)
    ORDER BY request_id, job LIMIT ${REQUESTS_LOOKED_AT}`)
  return (after, before_ms) => {
    const rows = select.all(before_ms, after.request_id, after.job) as (RequestKey & {
      is_old: number
    })[]
    const last = rows.length < REQUESTS_LOOKED_AT ? undefined : rows.at(-1)
    return {
      keys: rows.filter(({ is_old }) => is_old !== 0).map(keyOf),
      next: last === undefined ? null : keyOf(last),
    }
  }
}

const keyOf = ({ request_id, job }: RequestKey): RequestKey => ({ request_id, job })
