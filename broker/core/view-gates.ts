/**
 * Semaphores and their gates as people see them, within what an answer can hold: a gate may have 100,000 arrivals, and a
 * semaphore a gate for every day of ten years.
 */
import type { GateView, SemaphoreView } from '../../common/protocol/answers.ts'
import { cursorOf } from '../../common/protocol/cursor.ts'
import type { Now } from './event.ts'
import type { GatheringGate } from './gathering.ts'
import { isAway } from './places.ts'
import type { SemaphoreState, State } from './state.ts'

/** Of a gate's arrivals the newest are listed; how many there are is said beside them. */
export const ARRIVALS_SHOWN = 100
const GATES_SHOWN = 1_000

const iso = (ms: number): string => new Date(ms).toISOString()

/** Gates that gather, newest first; those that are open are in the history. All semaphores share the `bytes`. */
export function viewSemaphores(state: State, now: Now, bytes: number): SemaphoreView[] {
  const gathering = new Map<string, GatheringGate[]>()
  for (const gate of state.gates.values()) {
    if (gate.opened_ms !== null) continue
    const gates = gathering.get(gate.semaphore)
    if (gates) gates.push(gate)
    else gathering.set(gate.semaphore, [gate])
  }
  const semaphores = [...state.semaphores.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const share = bytes / Math.max(1, semaphores.length)
  return semaphores.map((semaphore) => {
    const gates = (gathering.get(semaphore.name) ?? []).sort((a, b) => b.since_ms - a.since_ms)
    return {
      semaphore: semaphore.name,
      state: isAway(semaphore, now) ? 'away' : 'present',
      wait_for: semaphore.definition.wait_for.map(({ job, count }) => ({ job, count })),
      place: cursorOf(semaphore.place),
      gates: within(share, gates.slice(0, GATES_SHOWN), (gate) => viewGate(semaphore, gate)),
      unkeyed: [],
    }
  })
}

/** The first of these, as far as their JSON fits. Text is counted as ASCII, of which nearly all of it is. */
export function within<T, V>(bytes: number, items: readonly T[], show: (item: T) => V): V[] {
  const shown: V[] = []
  let left = bytes
  for (const item of items) {
    const view = show(item)
    left -= JSON.stringify(view).length
    if (left < 0) break
    shown.push(view)
  }
  return shown
}

function viewGate({ definition }: SemaphoreState, gate: GatheringGate): GateView {
  const arrivals = [...gate.arrivals.values()].slice(-ARRIVALS_SHOWN)
  return {
    key: gate.key,
    generation: gate.generation,
    state: gate.opened_ms === null ? 'gathering' : 'open',
    since: iso(gate.since_ms),
    opened_at: gate.opened_ms === null ? null : iso(gate.opened_ms),
    arrived_count: gate.arrivals.size,
    arrived: arrivals.map(({ member, distinct, run_id, at_ms }) => ({
      job: definition.wait_for[member]?.job ?? '?',
      distinct,
      run_id,
      at: iso(at_ms),
    })),
    missing: definition.wait_for.flatMap(({ job, count }, member) => {
      const left = count - (gate.counts.get(member) ?? 0)
      return left > 0 ? [{ job, count: left }] : []
    }),
    late: gate.late,
  }
}
