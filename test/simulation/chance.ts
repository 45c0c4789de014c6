/**
 * Chance that is the same for the same seed: everything that may go one way or another in the simulation asks here, so
 * that a seed is a whole history. The generator is sfc32 (Chris Doty-Humphrey, PractRand, public domain).
 */

export type Chance = {
  /** At least 0, less than 1. */
  unit(): number
  /** True so often, from 0 (never) to 1 (always). */
  maybe(probability: number): boolean
  /** A number from `least` to `most`. */
  between(least: number, most: number): number
  /** An integer from `least` to `most`, both possible. */
  integer(least: number, most: number): number
  pick<T>(items: readonly T[]): T
}

export function openChance(seed: number): Chance {
  let a = seed >>> 0
  let b = 0x9e3779b9
  let c = Math.floor(seed / 0x1_0000_0000) >>> 0
  let count = 1
  const unit = (): number => {
    const sum = (a + b + count) >>> 0
    count = (count + 1) >>> 0
    a = (b ^ (b >>> 9)) >>> 0
    b = (c + (c << 3)) >>> 0
    c = (((c << 21) | (c >>> 11)) + sum) >>> 0
    return sum / 0x1_0000_0000
  }
  for (let round = 0; round < 12; round++) unit()
  const integer = (least: number, most: number): number =>
    least + Math.floor(unit() * (most - least + 1))
  return {
    unit,
    maybe: (probability) => unit() < probability,
    between: (least, most) => least + unit() * (most - least),
    integer,
    pick: (items) => {
      if (items.length === 0) throw new Error('nothing to pick from')
      return items[integer(0, items.length - 1)] as (typeof items)[number]
    },
  }
}
