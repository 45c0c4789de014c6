/**
 * What a semaphore makes of the feed, decided from values alone: whether a run is a member's arrival, at which gate, and
 * whether a gate has all that it waits for. The broker keeps the gates; every copy of this comes to the same answers.
 */
import type { Member, Semaphore } from '../common/definition/card.ts'
import { fillText } from '../common/definition/template.ts'
import type { FeedEntry } from '../common/protocol/answers.ts'

/** What the broker is to be told: a member's run reached its gate, or cannot (`key` null; `missing` names the value it lacks, and is null when the key is too long). */
export type Notice = {
  readonly semaphore: string
  readonly key: string | null
  readonly missing: string | null
  readonly run_id: string
  /** Its place in `wait_for`, from 0. */
  readonly member: number
  readonly distinct: string | null
  /** The member's run failed or expired: no arrival, but its semaphore may want to know. */
  readonly failed: boolean
}

/** The states of a run that semaphores hear of, and whether they are failures. */
const HEARD = new Map<string | undefined, boolean>([
  ['succeeded', false],
  ['failed', true],
  ['expired', true],
])
export const HEARD_STATES: readonly string[] = [...HEARD.keys()].flatMap((state) => state ?? [])

/** A longer key or distinct text does not fit the door. */
const MAX_TEXT = 4096

/** What an entry of the feed means to a semaphore: one notice for each member that its job is. */
export function noticesOf(semaphore: Semaphore, entry: FeedEntry): Notice[] {
  const { job, run_id } = entry
  const failed = HEARD.get(entry.state)
  if (failed === undefined || run_id === undefined || !entry.topic.startsWith('run.')) return []
  const values = valuesOf(entry)
  const key = semaphore.key === null ? flowKey(entry) : fillText(semaphore.key, values)
  return semaphore.wait_for.flatMap((member, place): Notice[] => {
    if (member.job !== job) return []
    const told = { semaphore: semaphore.name, run_id, member: place, failed }
    const distinct = member.distinct === null ? null : fillText(member.distinct, values)
    const lacking = [key, distinct].find((filled) => filled?.kind === 'missing')
    const text = distinct?.kind === 'filled' ? distinct.text : null
    const isUnkeyed = lacking !== undefined || key.kind === 'missing'
    if (isUnkeyed || key.text.length > MAX_TEXT || (text ?? '').length > MAX_TEXT) {
      const missing = lacking?.kind === 'missing' ? lacking.name : null
      return [{ ...told, key: null, missing, distinct: null }]
    }
    return [{ ...told, key: key.text, missing: null, distinct: text }]
  })
}

/**
 * Whether every member is there as often as it is waited for. `arrived` counts what the broker has of each member, in the
 * order of `wait_for`: distinct values where it asks for them, runs where not.
 */
export const isComplete = (wait_for: readonly Member[], arrived: readonly number[]): boolean =>
  wait_for.every((member, place) => (arrived[place] ?? 0) >= member.count)

/** How many arrivals it takes at least until every member is there. */
export const missingOf = (wait_for: readonly Member[], arrived: readonly number[]): number =>
  wait_for.reduce((sum, { count }, place) => sum + Math.max(0, count - (arrived[place] ?? 0)), 0)

/** Without a key, one gate per flow. */
const flowKey = ({ flow_id }: FeedEntry): ReturnType<typeof fillText> =>
  flow_id === undefined ? { kind: 'missing', name: 'flow_id' } : { kind: 'filled', text: flow_id }

/** Parameters, then output, then what is built in; without a prototype, so that no name can mean anything but itself. */
function valuesOf(entry: FeedEntry): Readonly<Record<string, string>> {
  const built_in: Record<string, string | undefined> = {
    job_name: entry.job,
    run_id: entry.run_id,
    flow_id: entry.flow_id,
  }
  const values = Object.create(null) as Record<string, string>
  for (const part of [entry.params ?? {}, entry.output ?? {}, built_in])
    for (const [name, value] of Object.entries(part)) if (value !== undefined) values[name] = value
  return values
}
