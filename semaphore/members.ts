/** A set of semaphores as the feed is read for them: by the jobs they wait for, and by how far each has read. */
import type { Semaphore } from '../common/definition/card.ts'
import type { FeedEntry } from '../common/protocol/answers.ts'
import { numberOf } from '../common/protocol/cursor.ts'
import { runChannel } from '../common/protocol/feed.ts'
import { HEARD_STATES, noticesOf } from './gate.ts'
import type { Notice } from './gate.ts'

/** Cursor by semaphore; null is before everything. */
export type Places = Map<string, string | null>

/** The topics of everything that members do, to replay and to be woken by. */
export function topicsOf(semaphores: Iterable<Semaphore>): string[] {
  const jobs = new Set([...semaphores].flatMap(({ wait_for }) => wait_for.map(({ job }) => job)))
  // A replay names 10,000 topics at most; far below that it is cheaper to read them all.
  return jobs.size > MANY_JOBS
    ? HEARD_STATES.map((state) => `run.${state}.`)
    : HEARD_STATES.flatMap((state) => [...jobs].map((job) => runChannel(state, job)))
}
const MANY_JOBS = 1_000

/** Semaphores by the job of a member. */
export function byJob(semaphores: Iterable<Semaphore>): Map<string, Semaphore[]> {
  const waiting = new Map<string, Semaphore[]>()
  for (const semaphore of semaphores)
    for (const job of new Set(semaphore.wait_for.map((member) => member.job)))
      waiting.set(job, [...(waiting.get(job) ?? []), semaphore])
  return waiting
}

/** Notices for one gate, in the order of the feed: the next may be told only when the gate has answered to the last. */
export function noticesByGate(
  entries: readonly FeedEntry[],
  waiting: ReadonlyMap<string, readonly Semaphore[]>,
  places: Places,
): Notice[][] {
  const gates = new Map<string, Notice[]>()
  for (const entry of entries)
    for (const semaphore of waiting.get(entry.job ?? '') ?? []) {
      if (!isAfter(entry.cursor, places.get(semaphore.name) ?? null)) continue
      for (const notice of noticesOf(semaphore, entry)) {
        const gate = `${notice.semaphore}\0${notice.key ?? ''}`
        const notices = gates.get(gate)
        if (notices) notices.push(notice)
        else gates.set(gate, [notice])
      }
    }
  return [...gates.values()]
}

/** The place from which all of them are served. */
export function leastPlace(places: Places): string | null {
  const all = [...places.values()]
  return all.reduce((least, place) => (isAfter(least ?? '', place) ? place : least), all[0] ?? null)
}

export const isAfter = (cursor: string, place: string | null): boolean =>
  (numberOf(cursor) ?? -1) > (place === null ? -1 : (numberOf(place) ?? -1))
