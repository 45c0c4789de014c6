/**
 * Gates: the broker's side of semaphores.
 *
 * Semaphore processes say who arrived (arrivals.ts) and that a generation is complete, as often as they like and from as
 * many copies as there are. Here the first `open` of a generation alone starts the next steps.
 */
import type { Step } from '../../common/definition/card.ts'
import { nearestName } from '../../common/definition/nearest.ts'
import type { Deadline } from './deadlines.ts'
import { answer, type Asker, refuse } from './effect.ts'
import type { Command, Found, Now } from './event.ts'
import { note } from './feed.ts'
import { freeFlow } from './flows.ts'
import { clearArrivals, gather, type GatheringGate } from './gathering.ts'
import { failures } from './refusals.ts'
import { type Arrival, gateId, type SemaphoreState, type State, type Via } from './state.ts'

export function decideOpen(
  state: State,
  command: Command & { kind: 'open' },
  asker: Asker,
  now: Now,
  found: Found,
): void {
  const semaphore = state.semaphores.get(command.semaphore)
  if (!semaphore) return refuseUnknown(state, command.semaphore, asker)
  const by_hand = command.generation === null
  const gate = by_hand
    ? gateOf(state, found, semaphore.name, command.key, now)
    : knownGate(state, found, command)
  if (!gate) return refuse(state, asker, failures.unknownGate(semaphore.name, command.key))
  if (by_hand && gate.opened_ms !== null)
    return refuse(state, asker, failures.gateOpen(semaphore.name, gate.key))
  if (gate.opened_ms !== null || (!by_hand && gate.generation !== command.generation))
    return answer(state, asker, { opened: false, generation: gate.generation })
  const { generation } = gate
  open(state, now, semaphore, gate, by_hand ? (command.reason ?? 'by hand') : null)
  answer(state, asker, { opened: true, generation })
}

function open(
  state: State,
  now: Now,
  { definition }: SemaphoreState,
  gate: GatheringGate,
  opened_by: string | null,
): void {
  const arrivals = [...gate.arrivals.values()]
  const { semaphore, key, generation } = gate
  note(state, now, { topic: `gate.open.${semaphore}.`, semaphore, key, generation })
  startFrom(state, gate, definition.then, 'semaphore', arrivals)
  for (const { flow_id } of arrivals) freeFlow(state, flow_id)
  gate.opened_by = opened_by
  gate.timeout_at_ms = null
  if (definition.repeat) shut(gate)
  else gate.opened_ms = now.wall_ms
  state.touched.gates.add(gate)
}

/** A new generation, with nobody there yet. */
function shut(gate: GatheringGate): void {
  gate.generation += 1
  clearArrivals(gate)
  gate.opened_ms = null
  gate.timeout_at_ms = null
  gate.failed = false
  gate.late = 0
}

export function decideReset(
  state: State,
  command: Command & { kind: 'reset' },
  asker: Asker,
  now: Now,
  found: Found,
): void {
  if (!state.semaphores.has(command.semaphore))
    return refuseUnknown(state, command.semaphore, asker)
  const gate = knownGate(state, found, command)
  if (!gate) return refuse(state, asker, failures.unknownGate(command.semaphore, command.key))
  resetGate(state, now, gate)
  answer(state, asker, { semaphore: gate.semaphore, key: gate.key, generation: gate.generation })
}

/** Lets go of what the gate holds, and begins a new generation. */
export function resetGate(state: State, now: Now, gate: GatheringGate): void {
  if (gate.opened_ms === null)
    for (const { flow_id } of gate.arrivals.values()) freeFlow(state, flow_id)
  shut(gate)
  gate.since_ms = now.wall_ms
  visit(state, gate)
  state.touched.gates.add(gate)
  const { semaphore, key, generation } = gate
  note(state, now, { topic: `gate.reset.${semaphore}.`, semaphore, key, generation })
}

/** A gate's timeout: `on_timeout` starts once, and the gate goes on waiting. */
export function timeOutGate(state: State, { semaphore, key, timeout_at_ms }: GateDeadline): void {
  const gate = state.gates.get(gateId(semaphore, key))
  const definition = state.semaphores.get(semaphore)?.definition
  if (!gate || !definition || gate.opened_ms !== null) return
  if (gate.timeout_at_ms !== timeout_at_ms) return
  gate.timeout_at_ms = null
  gate.failed = true
  state.touched.gates.add(gate)
  startFrom(state, gate, definition.on_timeout, 'timeout', [...gate.arrivals.values()])
}

type GateDeadline = Extract<Deadline, { kind: 'gate' }>

/** The steps join the flow of the latest arrival, and get the parameters on which all arrivals agree. */
export function startFrom(
  state: State,
  gate: GatheringGate,
  steps: readonly Step[],
  via: Via,
  arrivals: readonly Arrival[],
): void {
  const last = arrivals.at(-1)
  if (steps.length === 0) return
  state.following.push({
    kind: 'steps',
    steps,
    via,
    parent: last
      ? {
          run_id: last.run_id,
          flow_id: last.flow_id,
          depth: last.depth,
          handling: [],
          job: gate.semaphore,
        }
      : null,
    values_of: arrivals.map(({ run_id }) => run_id),
    output: {},
    context: { gate_key: gate.key },
    handling: [],
  })
  if (last) state.settling.add(last.flow_id)
}

export function gateOf(
  state: State,
  found: Found,
  semaphore: string,
  key: string,
  now: Now,
): GatheringGate {
  const known = knownGate(state, found, { semaphore, key })
  if (known) return known
  const gate = gather({
    semaphore,
    key,
    generation: 1,
    opened_ms: null,
    opened_by: null,
    since_ms: now.wall_ms,
    timeout_at_ms: null,
    failed: false,
    late: 0,
    arrivals: new Map(),
  })
  return visit(state, gate)
}

function visit(state: State, gate: GatheringGate): GatheringGate {
  const id = gateId(gate.semaphore, gate.key)
  state.gates.set(id, gate)
  state.touched.visited.add(id)
  return gate
}

/** From memory, or as it was found in the store; from then on it is in memory until the turn is over. */
function knownGate(
  state: State,
  found: Found,
  { semaphore, key }: { semaphore: string; key: string },
): GatheringGate | undefined {
  const id = gateId(semaphore, key)
  const known = state.gates.get(id)
  if (known) return visit(state, known)
  const stored = found.gates.get(id)
  return stored && visit(state, gather(stored))
}

export function refuseUnknown(state: State, name: string, asker: Asker): void {
  refuse(state, asker, failures.unknownSemaphore(name, nearestName(name, state.semaphores.keys())))
}
