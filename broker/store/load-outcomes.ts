/**
 * Which ended runs some semaphore has not heard of yet. Their flows are not settled before it has, so a starting broker
 * needs them; everything else of the feed it can do without.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Alive } from '../core/load.ts'
import type { FeedRecord, SemaphoreRecord } from '../core/records.ts'

/** The states in which a run is over. */
export const ENDED: ReadonlySet<string> = new Set(['succeeded', 'failed', 'expired', 'canceled'])

/** In order of `n`; only of jobs that are members of a semaphore whose place is before the entry. */
export function loadOutcomes(
  db: DatabaseSync,
  semaphores: readonly SemaphoreRecord[],
): Alive['outcomes'] {
  const places = leastPlaces(semaphores)
  const least = Math.min(...places.values())
  if (places.size === 0) return []
  const rows = db.prepare('SELECT entries FROM feed WHERE last_n > ? ORDER BY last_n')
  const outcomes: { n: number; flow_id: string; job: string }[] = []
  for (const row of rows.iterate(least) as Iterable<{ entries: string }>)
    for (const { n, flow_id, job, state } of JSON.parse(row.entries) as FeedRecord[])
      if (flow_id !== undefined && job !== undefined && ENDED.has(state ?? ''))
        if (n > (places.get(job) ?? Infinity)) outcomes.push({ n, flow_id, job })
  return outcomes
}

/** Job to the least place of the semaphores it is a member of. */
function leastPlaces(semaphores: readonly SemaphoreRecord[]): Map<string, number> {
  const places = new Map<string, number>()
  for (const { definition, place } of semaphores)
    for (const { job } of definition.wait_for)
      places.set(job, Math.min(place, places.get(job) ?? Infinity))
  return places
}
