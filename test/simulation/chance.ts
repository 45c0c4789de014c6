/** The one source of chance of a simulated world: the same seed gives the same numbers, and so the same history. */

export type Chance = {
  /** From 0 to 1, without 1. */
  unit(): number
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number
  happens(probability: number): boolean
  pick<T>(items: readonly T[]): T
  /** Those of the items that a coin of this probability chose. */
  some<T>(items: readonly T[], probability: number): T[]
}

/** Mulberry32: small, quick, and good enough to choose faults with. */
export function makeChance(seed: number): Chance {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0
  const unit = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
  const between = (least: number, most: number): number =>
    least + Math.floor(unit() * (most - least + 1))
  const happens = (probability: number): boolean => unit() < probability
  return {
    unit,
    between,
    happens,
    pick: <T>(items: readonly T[]): T => {
      if (items.length === 0) throw new Error('nothing to pick from')
      return items[between(0, items.length - 1)] as T
    },
    some: (items, probability) => items.filter(() => happens(probability)),
  }
}
