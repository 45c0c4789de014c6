/**
 * Gates: the broker's side of semaphores.
 *
 * Semaphore processes say who arrived and that a generation is complete, as often as they like and from as many copies
 * as there are. Here each arrival counts once, and the first `open` of a generation alone starts the next steps.
 */
import type { Step } from '../../common/definition/card.ts'
import type { RunState } from '../../common/protocol/answers.ts'
import { nearestName } from '../../common/definition/nearest.ts'
import { due } from './deadlines.ts'
import { answer, type Asker, refuse } from './effect.ts'
import type { Command, Found, Now } from './event.ts'
import { note } from './feed.ts'
import { freeFlow, holdFlow } from './flows.ts'
import { failures } from './refusals.ts'
import {
  type Arrival,
  type Gate,
  gateId,
  type SemaphoreState,
  type State,
  type Via,
} from './state.ts'

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

/** How many are there of each member, in the order of `wait_for`: small however many that are. */
function countArrivals({ definition }: SemaphoreState, gate: Gate): number[] {
  const counts = definition.wait_for.map(() => 0)
  for (const { member } of gate.arrivals.values()) counts[member] = (counts[member] ?? 0) + 1
  return counts
}

const SUCCEEDED: ReadonlySet<RunState> = new Set(['succeeded'])
const FAILED: ReadonlySet<RunState> = new Set(['failed', 'expired'])

/** Counts an arrival once. */
function take(
  state: State,
  now: Now,
  semaphore: SemaphoreState,
  gate: Gate,
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
  for (const replaced of addArrival(gate, arrival)) freeFlow(state, replaced.flow_id)
  holdFlow(state, arrival.flow_id)
  return 'counted'
}

/** Adds an arrival; one with a repeated `distinct` value takes its earlier one's place, which is returned. */
export function addArrival(gate: Gate, arrival: Arrival): Arrival[] {
  const earlier = arrival.distinct === null ? [] : [...gate.arrivals.values()]
  const replaced = earlier.filter(
    ({ member, distinct }) => member === arrival.member && distinct === arrival.distinct,
  )
  for (const { run_id } of replaced) gate.arrivals.delete(run_id)
  gate.arrivals.set(arrival.run_id, arrival)
  return replaced
}

/** The timeout counts from the first arrival. */
function startClock(state: State, now: Now, { definition }: SemaphoreState, gate: Gate): void {
  gate.since_ms = now.wall_ms
  if (definition.timeout_ms === null || gate.failed) return
  gate.timeout_at_ms = now.wall_ms + definition.timeout_ms
  due(state, now, gate.timeout_at_ms, { kind: 'gate', semaphore: gate.semaphore, key: gate.key })
}

/** `on_member_failure: fail` starts `on_timeout`'s job at once, and once per generation. */
function memberFailed(
  state: State,
  { definition }: SemaphoreState,
  gate: Gate,
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
  gate: Gate,
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
function shut(gate: Gate): void {
  gate.generation += 1
  gate.arrivals = new Map()
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
  if (gate.opened_ms === null)
    for (const { flow_id } of gate.arrivals.values()) freeFlow(state, flow_id)
  shut(gate)
  gate.since_ms = now.wall_ms
  state.touched.gates.add(gate)
  note(state, now, {
    topic: `gate.reset.${gate.semaphore}.`,
    semaphore: gate.semaphore,
    key: gate.key,
    generation: gate.generation,
  })
  answer(state, asker, { semaphore: gate.semaphore, key: gate.key, generation: gate.generation })
}

/** A gate's timeout: `on_timeout` starts once, and the gate goes on waiting. */
export function timeOutGate(state: State, now: Now, semaphore: string, key: string): void {
  const gate = state.gates.get(gateId(semaphore, key))
  const definition = state.semaphores.get(semaphore)?.definition
  if (!gate || !definition || gate.opened_ms !== null || gate.timeout_at_ms === null) return
  if (gate.timeout_at_ms > now.wall_ms)
    return due(state, now, gate.timeout_at_ms, { kind: 'gate', semaphore, key })
  gate.timeout_at_ms = null
  gate.failed = true
  state.touched.gates.add(gate)
  startFrom(state, gate, definition.on_timeout, 'timeout', [...gate.arrivals.values()])
}

/** The steps join the flow of the latest arrival, and get the parameters on which all arrivals agree. */
function startFrom(
  state: State,
  gate: Gate,
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

function gateOf(state: State, found: Found, semaphore: string, key: string, now: Now): Gate {
  const known = knownGate(state, found, { semaphore, key })
  if (known) return known
  const gate: Gate = {
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
  }
  return visit(state, gate)
}

function visit(state: State, gate: Gate): Gate {
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
): Gate | undefined {
  const id = gateId(semaphore, key)
  const gate = state.gates.get(id) ?? found.gates.get(id)
  return gate && visit(state, gate)
}

function refuseUnknown(state: State, name: string, asker: Asker): void {
  refuse(state, asker, failures.unknownSemaphore(name, nearestName(name, state.semaphores.keys())))
}
