/**
 * Arrivals at gates: each counts once, however often and by however many semaphore processes it is told.
 */
import type { RunState } from '../../common/protocol/answers.ts'
import { dueGate } from './deadlines.ts'
import { answer, type Asker, refuse } from './effect.ts'
import type { Command, Found, Now } from './event.ts'
import { freeFlow, holdFlow } from './flows.ts'
import { addArrival, countArrivals, type GatheringGate } from './gathering.ts'
import { gateOf, refuseUnknown, startFrom } from './gates.ts'
import { failures } from './refusals.ts'
import type { Arrival, SemaphoreState, State } from './state.ts'

export function decideArrive(
  state: State,
  command: Command & { kind: 'arrive' },
  asker: Asker,
  now: Now,
  found: Found,
): void {
  const semaphore = state.semaphores.get(command.semaphore)
  if (!semaphore) return refuseUnknown(state, command.semaphore, asker)
  const run = state.runs.get(command.run_id) ?? found.runs.get(command.run_id)
  if (!run) return refuse(state, asker, failures.unknownRun(command.run_id))
  if (!(command.failed ? FAILED : SUCCEEDED).has(run.state))
    return refuse(state, asker, failures.notArrived(run))
  const { member, distinct, key, run_id } = command
  const arrival: Arrival = {
    run_id,
    flow_id: run.flow_id,
    member,
    distinct,
    at_ms: now.wall_ms,
    depth: run.depth,
  }
  if (key === null) {
    const unkeyed = { key, missing: command.missing ?? null, generation: 0, late: false }
    state.touched.arrivals.set(`${semaphore.name}\0${run_id}`, {
      ...arrival,
      ...unkeyed,
      semaphore: semaphore.name,
    })
    return answer(state, asker, { kind: 'unkeyed', gate: null })
  }
  const gate = gateOf(state, found, semaphore.name, key, now)
  const kind = command.failed
    ? memberFailed(state, semaphore, gate, arrival)
    : take(state, now, semaphore, gate, arrival, found)
  answer(state, asker, {
    kind,
    gate: { generation: gate.generation, arrived: countArrivals(semaphore, gate) },
  })
}

const SUCCEEDED: ReadonlySet<RunState> = new Set(['succeeded'])
const FAILED: ReadonlySet<RunState> = new Set(['failed', 'expired'])

/** Counts an arrival once. */
function take(
  state: State,
  now: Now,
  semaphore: SemaphoreState,
  gate: GatheringGate,
  arrival: Arrival,
  found: Found,
): 'counted' | 'repeated' | 'late' {
  const id = `${semaphore.name}\0${arrival.run_id}`
  if (gate.arrivals.has(arrival.run_id) || found.arrived.has(id) || state.touched.arrivals.has(id))
    return 'repeated'
  const late = gate.opened_ms !== null
  state.touched.arrivals.set(id, {
    ...arrival,
    semaphore: semaphore.name,
    key: gate.key,
    missing: null,
    generation: gate.generation,
    late,
  })
  state.touched.gates.add(gate)
  if (late) {
    gate.late += 1
    return 'late'
  }
  if (gate.arrivals.size === 0) startClock(state, now, semaphore, gate)
  const replaced = addArrival(gate, arrival)
  if (replaced) freeFlow(state, replaced.flow_id)
  holdFlow(state, arrival.flow_id)
  return 'counted'
}

/** The timeout counts from the first arrival. */
function startClock(
  state: State,
  now: Now,
  { definition }: SemaphoreState,
  gate: GatheringGate,
): void {
  gate.since_ms = now.wall_ms
  if (definition.timeout_ms === null || gate.failed) return
  gate.timeout_at_ms = now.wall_ms + definition.timeout_ms
  dueGate(state, now, gate)
}

/** `on_member_failure: fail` starts `on_timeout`'s job at once, and once per generation. */
function memberFailed(
  state: State,
  { definition }: SemaphoreState,
  gate: GatheringGate,
  failed: Arrival,
): 'counted' | 'repeated' {
  if (definition.on_member_failure === 'wait') return 'counted'
  if (gate.failed || gate.opened_ms !== null) return 'repeated'
  gate.failed = true
  gate.timeout_at_ms = null
  state.touched.gates.add(gate)
  startFrom(state, gate, definition.on_timeout, 'timeout', [...gate.arrivals.values(), failed])
  return 'counted'
}
