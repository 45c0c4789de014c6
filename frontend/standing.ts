/**
 * The answers that stand open: waits, followed output, event streams. They are bounded in number, each ends when its
 * client goes, and a stopping frontend ends them all, so that each can say something polite first.
 */
import { setTimeout as after } from 'node:timers/promises'
import type { Response } from 'express'
import { failure } from './failure.ts'

export type Stay = {
  /** Aborted when the client went away or the frontend stops. */
  readonly signal: AbortSignal
  /** True when it is the frontend that ends it. */
  stopping(): boolean
  /** A rest between two questions: the more stand open, the longer, so that all together ask the broker no more often. */
  pace(): Promise<void>
  leave(): void
}

export type Standing = {
  /** Null when there are too many already, or the frontend stops. */
  enter(res: Response): Stay | null
  readonly size: number
  /** Ends all of them, and lets nobody in. */
  end(): void
}

/** Each holds a socket and little else; the bound is against clients that open them without end. */
const MAX_STANDING = 5_000
/** A thousand questions a second, whoever asks them … */
const REST_EACH_MS = 1
/** … as long as nobody has to rest longer than this. */
const MAX_REST_MS = 2_000

type Rest = (ms: number, signal: AbortSignal) => Promise<void>

const restOf: Rest = (ms, signal) => after(ms, undefined, { signal }).catch(() => undefined)

export function createStanding(limit: number = MAX_STANDING, rest: Rest = restOf): Standing {
  const ends = new Set<AbortController>()
  let stopped = false
  return {
    enter: (res) => {
      if (stopped || ends.size >= limit) return null
      const end = new AbortController()
      const gone = (): void => end.abort()
      ends.add(end)
      res.once('close', gone)
      if (res.closed) gone()
      return {
        signal: end.signal,
        stopping: () => stopped,
        pace: () => rest(Math.min(MAX_REST_MS, REST_EACH_MS * ends.size), end.signal),
        leave: () => {
          ends.delete(end)
          res.off('close', gone)
        },
      }
    },
    get size() {
      return ends.size
    },
    end: () => {
      stopped = true
      for (const end of ends) end.abort()
    },
  }
}

/**
 * What comes of it; or null, when the client goes or the frontend stops before that. A frontend that stops has no time
 * to wait for a broker that is away.
 */
export function unlessLeft<T>(
  { signal }: Pick<Stay, 'signal'>,
  coming: Promise<T>,
): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const left = (): void => resolve(null)
    signal.addEventListener('abort', left)
    coming.finally(() => signal.removeEventListener('abort', left)).then(resolve, reject)
    if (signal.aborted) left()
  })
}

/** What is answered to those who are not let in. */
export const BUSY = failure(
  503,
  'busy',
  'too many requests wait here already, or this frontend is stopping',
  'ask again later, or without wait or follow',
  5,
)
