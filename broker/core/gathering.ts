/**
 * Who stands at a gate. Each arrival asks two things of it: whether its distinct value is there already, and how many
 * of each member are. A gate may wait for 100,000, so both answers are kept with it and never counted anew.
 */
import type { Arrival, Gate, SemaphoreState } from './state.ts'

/** A gate in memory. */
export type GatheringGate = Gate & {
  /** Member to how many of it are there. */
  readonly counts: Map<number, number>
  /** Member and distinct value to the run that stands for it. */
  readonly by_value: Map<string, string>
}

/** Takes a gate up as it was stored, or made. */
export function gather(gate: Gate): GatheringGate {
  const gathering: GatheringGate = {
    ...gate,
    arrivals: new Map(),
    counts: new Map(),
    by_value: new Map(),
  }
  for (const arrival of gate.arrivals.values()) addArrival(gathering, arrival)
  return gathering
}

/** Adds an arrival; one with a repeated `distinct` value takes its earlier one's place, which is returned. */
export function addArrival(gate: GatheringGate, arrival: Arrival): Arrival | null {
  const place = placeOf(arrival)
  const earlier = place === null ? undefined : gate.arrivals.get(gate.by_value.get(place) ?? '')
  if (place !== null) gate.by_value.set(place, arrival.run_id)
  if (earlier) gate.arrivals.delete(earlier.run_id)
  else gate.counts.set(arrival.member, (gate.counts.get(arrival.member) ?? 0) + 1)
  gate.arrivals.set(arrival.run_id, arrival)
  return earlier ?? null
}

/** Lets everybody go. */
export function clearArrivals(gate: GatheringGate): void {
  gate.arrivals = new Map()
  gate.counts.clear()
  gate.by_value.clear()
}

/** How many are there of each member, in the order of `wait_for`: small however many that are. */
export const countArrivals = (
  { definition }: Pick<SemaphoreState, 'definition'>,
  { counts }: GatheringGate,
): number[] => definition.wait_for.map((_, member) => counts.get(member) ?? 0)

export const placeOf = ({ member, distinct }: Arrival): string | null =>
  distinct === null ? null : `${member}\0${distinct}`
