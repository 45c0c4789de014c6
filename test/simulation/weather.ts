/** How bad it gets: the rates of all faults. Each seed draws its own, so that some histories have one kind and some have all. */
import type { Chance } from './chance.ts'

export type Weather = {
  /** Of each frame on a link: lost, doubled, overtaken by later ones, late by seconds. */
  readonly drop: number
  readonly double: number
  readonly overtake: number
  readonly late: number
  /** Of each broadcast and wake to each subscriber: lost. */
  readonly deaf: number
  /** Of each commit: it fails, and nothing of it happened. */
  readonly failed_commit: number
  /** Of each turn: the broker ends between two of its effects (or before the first). */
  readonly half_turn: number
  /** Of each effect of a worker: its daemon ends right before it. */
  readonly half_decision: number
  /** Of each word of a semaphore: its process ends after it. */
  readonly half_page: number
  /** Of each attempt: its record cannot be written. */
  readonly full_disk: number
  /** Of each start of a command: the keeper dies before it. */
  readonly false_start: number
  /** One host never comes back. */
  readonly gone: boolean
  /** Of what is killed: it comes back late, after its lease, or after it counts as away. */
  readonly late_return: number
  /** How long it takes, in ms, until the next of these, on the average; Infinity is never. */
  readonly between_kills_ms: number
  readonly between_stops_ms: number
  readonly between_cuts_ms: number
  readonly between_clocks_ms: number
}

const NEVER = Infinity

export const FAIR: Weather = {
  drop: 0,
  double: 0,
  overtake: 0,
  late: 0,
  deaf: 0,
  failed_commit: 0,
  half_turn: 0,
  half_decision: 0,
  half_page: 0,
  full_disk: 0,
  false_start: 0,
  gone: false,
  late_return: 0,
  between_kills_ms: NEVER,
  between_stops_ms: NEVER,
  between_cuts_ms: NEVER,
  between_clocks_ms: NEVER,
}

/** Each kind of fault is there in about half of all histories. */
export function drawWeather(chance: Chance): Weather {
  const rate = (most: number): number => (chance.maybe(0.5) ? chance.between(0, most) : 0)
  const every = (least_ms: number, most_ms: number): number =>
    chance.maybe(0.5) ? chance.between(least_ms, most_ms) : NEVER
  return {
    drop: rate(0.05),
    double: rate(0.05),
    overtake: rate(0.05),
    late: rate(0.03),
    deaf: rate(0.5),
    failed_commit: rate(0.02),
    half_turn: rate(0.03),
    half_decision: rate(0.005),
    half_page: rate(0.05),
    full_disk: rate(0.05),
    false_start: rate(0.1),
    gone: chance.maybe(0.1),
    late_return: chance.maybe(0.3) ? chance.between(0.3, 1) : 0.2,
    between_kills_ms: every(5_000, 60_000),
    between_stops_ms: every(10_000, 90_000),
    between_cuts_ms: every(5_000, 60_000),
    between_clocks_ms: every(20_000, 120_000),
  }
}
