/**
 * The faults of a simulated world. Each seed chooses which kinds there are and how often they strike, so that some worlds
 * are calm but for one thing, and some have everything go wrong at once.
 */
import type { Chance } from './chance.ts'

/** Kinds that may strike whenever there is an occasion (a frame, a commit, a start), with their greatest probability. */
const OCCASIONAL = {
  frame_dropped: 0.04,
  frame_repeated: 0.08,
  frame_reordered: 0.08,
  frame_delayed: 0.06,
  broadcast_dropped: 0.4,
  commit_failed: 0.015,
  crash_after_commit: 0.015,
  crash_amid_effects: 0.015,
  worker_killed_amid_effects: 0.008,
  keep_failed: 0.05,
  start_failed: 0.06,
  request_repeated: 0.4,
} as const

/** Kinds that somebody brings about at some moment, with the most times in one world. */
const PLANNED = {
  link_cut: 8,
  link_frozen: 4,
  network_split: 2,
  broker_killed: 4,
  broker_paused: 2,
  worker_killed: 6,
  worker_stopped: 3,
  worker_paused: 3,
  worker_drained: 2,
  worker_forgotten: 1,
  host_rebooted: 3,
  spool_lost: 2,
  semaphore_killed: 4,
  semaphore_paused: 2,
  clock_set: 4,
} as const

export type OccasionalFault = keyof typeof OCCASIONAL
export type PlannedFault = keyof typeof PLANNED
export type Fault = OccasionalFault | PlannedFault

export type Faults = {
  /** Whether a fault of this kind strikes now; it is counted if so. */
  strikes(kind: OccasionalFault): boolean
  /** How often each planned kind is to happen. */
  readonly plan: ReadonlyMap<PlannedFault, number>
  count(kind: Fault): void
  /** From here on nothing strikes any more. */
  stop(): void
  stopped(): boolean
  readonly counts: ReadonlyMap<Fault, number>
}

export function chooseFaults(chance: Chance): Faults {
  const counts = new Map<Fault, number>()
  // Some worlds are nearly calm: there a defect cannot hide behind noise.
  const share = chance.pick([0.15, 0.4, 0.7])
  const rates = new Map<OccasionalFault, number>()
  for (const [kind, most] of Object.entries(OCCASIONAL) as [OccasionalFault, number][])
    rates.set(kind, chance.happens(share) ? most * chance.unit() : 0)
  const plan = new Map<PlannedFault, number>()
  for (const [kind, most] of Object.entries(PLANNED) as [PlannedFault, number][])
    plan.set(kind, chance.happens(share) ? chance.between(1, most) : 0)
  let isStopped = false
  const count = (kind: Fault): void => void counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return {
    strikes: (kind) => {
      if (isStopped || !chance.happens(rates.get(kind) ?? 0)) return false
      count(kind)
      return true
    },
    plan,
    count,
    stop: () => {
      isStopped = true
    },
    stopped: () => isStopped,
    counts,
  }
}
