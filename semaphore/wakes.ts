/** News that is kept until somebody asks for it, so that what happens between a look and the next wait is not missed. */
import { type After, byTheClock } from './after.ts'

export type Wakes = {
  readonly tell: () => void
  /** Fulfilled when there was news since the last call, or after `timeout_ms`. Never rejects. */
  readonly changed: (timeout_ms: number) => Promise<void>
}

export function createWakes(after: After = byTheClock): Wakes {
  let news = false
  let wake: (() => void) | null = null
  return {
    tell: () => {
      news = true
      wake?.()
    },
    changed: (timeout_ms) =>
      new Promise((resolve) => {
        const done = (): void => {
          cancel()
          news = false
          wake = null
          resolve()
        }
        const cancel = after(timeout_ms, done)
        wake = done
        if (news) done()
      }),
  }
}
