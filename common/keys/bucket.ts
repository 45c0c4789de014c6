/**
 * Token buckets: each key may act `rate` times a second on average, and `burst` times at once.
 *
 * Memory is bounded: a full bucket is the same as none, so what has been quiet for long is forgotten, and when there are
 * too many keys, the one that was quiet for longest is.
 */
import { dropFirst } from './first-out.ts'

export type Buckets = {
  /** Takes one from the key's bucket. Gives 0 when there was one, else after how many milliseconds there will be. */
  take(key: string, now_ms: number): number
  /** As `take`, and takes nothing. */
  wait(key: string, now_ms: number): number
  readonly size: number
}

type Bucket = { level: number; at_ms: number }

/**
 * @param limits `rate` a second, `burst` at once (at least 1), and how many keys are remembered.
 */
export function makeBuckets(limits: {
  readonly rate: number
  readonly burst: number
  readonly most_keys: number
}): Buckets {
  const { rate, burst, most_keys } = limits
  // In the order of their last use, so that the first one is the one that was quiet for longest.
  const buckets = new Map<string, Bucket>()

  const levelOf = (bucket: Bucket | undefined, now_ms: number): number =>
    bucket === undefined
      ? burst
      : Math.min(burst, bucket.level + (Math.max(0, now_ms - bucket.at_ms) * rate) / 1000)

  const waitFor = (level: number): number =>
    level >= 1 ? 0 : Math.max(1, Math.ceil(((1 - level) * 1000) / rate))

  return {
    take: (key, now_ms) => {
      const level = levelOf(buckets.get(key), now_ms)
      const wait_ms = waitFor(level)
      buckets.delete(key)
      buckets.set(key, { level: wait_ms === 0 ? level - 1 : level, at_ms: now_ms })
      if (buckets.size > most_keys) dropFirst(buckets)
      return wait_ms
    },
    wait: (key, now_ms) => waitFor(levelOf(buckets.get(key), now_ms)),
    get size() {
      return buckets.size
    },
  }
}
