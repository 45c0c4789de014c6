/** Requests that go on: one whose sender lost its right meanwhile is broken off, also in the middle of a stream. */
import type { Response } from 'express'
import type { Identity } from './identity.ts'

export type InFlight = {
  add(who: Identity, res: Response): void
  /** Breaks off those who would not be let in again. */
  sweep(): void
  stop(): void
}

/** What runs out by itself is noticed as late as this. */
const SWEEP_MS = 1_000

export function createInFlight(clock: () => number = Date.now): InFlight {
  const open = new Map<Response, Identity>()
  const sweep = (): void => {
    const now_ms = clock()
    for (const [res, who] of open) if (!who.isGood(now_ms)) res.destroy()
  }
  const timer = setInterval(sweep, SWEEP_MS)
  timer.unref()
  return {
    add: (who, res) => {
      open.set(res, who)
      res.once('close', () => open.delete(res))
    },
    sweep,
    stop: () => clearInterval(timer),
  }
}
