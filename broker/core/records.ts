/**
 * What a turn writes: the `record` effects of all its events, gathered so that each thing is written once, as it stands
 * at the end of the turn.
 */
import type { Card, Semaphore } from '../../common/definition/card.ts'
import type { RunState } from '../../common/protocol/answers.ts'
import type { StoredValues } from './values.ts'
import type { Arrival, Gate, Run, Task, Worker } from './state.ts'

export type Values = Readonly<Record<string, string>>

/** A new run brings its parameters (and what a handler is told beside them); a changed one leaves them to `revised`. */
export type RunRecord = {
  readonly run: Run
  readonly values: { params: Values; context: Values } | null
}

/** One feed entry; `n` is its number in the partition. */
export type FeedRecord = {
  readonly n: number
  readonly at_ms: number
  readonly topic: string
  readonly run_id?: string
  readonly flow_id?: string
  readonly job?: string
  readonly state?: RunState
  readonly reason?: string
  readonly worker?: string
  readonly semaphore?: string
  readonly key?: string
  readonly generation?: number
}

export type CardRecord = {
  readonly hash: string
  readonly card: Card
  readonly first_seen_ms: number
}
export type RequestRecord = {
  readonly job: string
  readonly request_id: string
  readonly run_id: string
  readonly at_ms: number
}
export type RefusalRecord = {
  readonly at_ms: number
  readonly job: string
  readonly from: string | null
  readonly code: string
  readonly message: string
}
export type ArrivalRecord = Arrival & {
  readonly semaphore: string
  /** null: unkeyed, because `missing` had no value. */
  readonly key: string | null
  readonly missing: string | null
  readonly generation: number
  readonly late: boolean
}
export type SemaphoreRecord = {
  readonly name: string
  readonly definition: Semaphore
  readonly place: number
}

/** A late announcement has filled in the defaults of its job. */
export type RevisedRecord = { readonly run_id: string; readonly values: StoredValues }

/** Everything one transaction holds. */
export type Records = {
  readonly runs: readonly RunRecord[]
  /** Of runs that were recorded before, with other values. */
  readonly revised: readonly RevisedRecord[]
  /** Tasks are written whole, over what was there. */
  readonly tasks: readonly Task[]
  readonly requests: readonly RequestRecord[]
  readonly cards: readonly CardRecord[]
  /** Hashes of cards that nothing needs any more; written before `cards`, for one may come back. */
  readonly dropped_cards: readonly string[]
  readonly lanes: readonly { readonly lane: string; readonly limit: number | null }[]
  readonly workers: readonly Worker[]
  readonly forgotten: readonly string[]
  readonly semaphores: readonly SemaphoreRecord[]
  readonly forgotten_semaphores: readonly string[]
  readonly gates: readonly Gate[]
  readonly arrivals: readonly ArrivalRecord[]
  readonly refusals: readonly RefusalRecord[]
  readonly feed: readonly FeedRecord[]
}

/** What changed since the last commit; maps keep the latest, so that each thing is written once. */
export type Touched = {
  /** New runs with what they are started with; kept after the turn only in the store. */
  readonly born: Map<string, { params: Values; context: Values }>
  /** What older runs are started with from now on. */
  readonly revised: Map<string, StoredValues>
  readonly runs: Set<Run>
  readonly tasks: Set<Task>
  readonly requests: Map<string, RequestRecord>
  readonly cards: CardRecord[]
  readonly dropped_cards: Set<string>
  readonly lanes: Map<string, number | null>
  readonly workers: Set<Worker>
  readonly forgotten: Set<string>
  readonly semaphores: Map<string, SemaphoreRecord>
  readonly forgotten_semaphores: Set<string>
  readonly gates: Set<Gate>
  /** By `semaphore\0run_id`: however often it is told, it is one arrival. */
  readonly arrivals: Map<string, ArrivalRecord>
  readonly refusals: RefusalRecord[]
  readonly feed: FeedRecord[]
  /** Gates that were looked at: those that need not stay in memory leave it after the turn. */
  readonly visited: Set<string>
}

export const nothingTouched = (): Touched => ({
  born: new Map(),
  revised: new Map(),
  runs: new Set(),
  tasks: new Set(),
  requests: new Map(),
  cards: [],
  dropped_cards: new Set(),
  lanes: new Map(),
  workers: new Set(),
  forgotten: new Set(),
  semaphores: new Map(),
  forgotten_semaphores: new Set(),
  gates: new Set(),
  arrivals: new Map(),
  refusals: [],
  feed: [],
  visited: new Set(),
})

/** Whether this turn has anything to write. */
export const touchesAnything = (touched: Touched): boolean =>
  Object.entries(touched).some(([part, of]) => {
    const { size, length } = of as { size?: number; length?: number }
    return part !== 'born' && part !== 'visited' && (size ?? length ?? 0) > 0
  })

/** The transaction of a turn. */
export function recordsOf(touched: Touched): Records {
  return {
    runs: [...touched.runs].map((run) => ({ run, values: touched.born.get(run.run_id) ?? null })),
    revised: [...touched.revised].map(([run_id, values]) => ({ run_id, values })),
    tasks: [...touched.tasks],
    requests: [...touched.requests.values()],
    cards: touched.cards,
    dropped_cards: [...touched.dropped_cards],
    lanes: [...touched.lanes].map(([lane, limit]) => ({ lane, limit })),
    workers: [...touched.workers],
    forgotten: [...touched.forgotten],
    semaphores: [...touched.semaphores.values()],
    forgotten_semaphores: [...touched.forgotten_semaphores],
    gates: [...touched.gates],
    arrivals: [...touched.arrivals.values()],
    refusals: touched.refusals,
    feed: touched.feed,
  }
}

/** Whether there is anything to commit. */
export const isEmpty = (records: Records): boolean =>
  Object.values(records).every((part: readonly unknown[]) => part.length === 0)
