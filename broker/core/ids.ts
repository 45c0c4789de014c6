/**
 * Run ids: UUIDv7 (RFC 9562), made without a source of chance.
 *
 * The first 48 bits are the time, the next 12 count within a millisecond, so ids grow. The last 32 bits are a counter
 * sent through a bijection, so that the short form that people type (the last 8 characters) differs between
 * neighbours; the bits before them come from the broker's seed, so that two brokers never make the same id.
 */

/** `high` and `low` are seeds of 30 and 32 bits, chosen by chance when a broker starts. */
export type Ids = {
  readonly high: number
  readonly low: number
  last_ms: number
  within: number
  count: number
}

export const seedIds = (high: number, low: number): Ids => ({
  high: high & 0x3fffffff,
  low: low >>> 0,
  last_ms: 0,
  within: 0,
  count: 0,
})

/** The next id; later than every earlier one even if the clock went back. */
export function nextRunId(ids: Ids, wall_ms: number): string {
  if (wall_ms > ids.last_ms) {
    ids.last_ms = wall_ms
    ids.within = 0
  } else if (ids.within === 0xfff) {
    ids.last_ms += 1
    ids.within = 0
  } else ids.within += 1
  ids.count = (ids.count + 1) >>> 0
  const time = hex(ids.last_ms, 12)
  const variant = hex(0x8000 | (ids.high >>> 16), 4)
  const tail = hex(ids.high & 0xffff, 4) + hex(scatter((ids.count + ids.low) >>> 0), 8)
  // Joined, not concatenated: a concatenation would keep its pieces alive for as long as the run is in memory.
  return [time.slice(0, 8), time.slice(8), `7${hex(ids.within, 3)}`, variant, tail].join('-')
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

/** A bijection of 32 bits: odd multipliers and xor-shifts, after the finalizer of MurmurHash3 (Appleby, public domain). */
export function scatter(value: number): number {
  let x = value
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}
