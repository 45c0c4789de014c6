/**
 * One sender for each socket: overlapping sends on one socket throw, so everything that is to leave goes through a pump.
 *
 * Waking it is cheap and may be repeated; it begins when the event loop has gone round, so that all that is sent within
 * one turn of the loop leaves together.
 */
import { setImmediate as nextRound, setTimeout as after } from 'node:timers/promises'

export type Pump = {
  /** There is something to send. */
  wake(): void
  /** Waits until all is sent, at most so many milliseconds, and sends nothing more after that. */
  end(limit_ms: number): Promise<void>
}

/** `sendSome` sends what there is, and says whether there may be more. It is never called while it runs. */
export function makePump(sendSome: () => Promise<boolean>): Pump {
  let running: Promise<void> | null = null
  const state = { ended: false, woken: false }

  const run = async (): Promise<void> => {
    await nextRound()
    let more = true
    // Between its last look and here somebody may have woken it: nothing may be left lying.
    while (!state.ended && (more || state.woken)) {
      state.woken = false
      more = await sendSome()
    }
    running = null
  }
  return {
    wake: () => {
      state.woken = true
      if (!state.ended) running ??= run()
    },
    end: async (limit_ms) => {
      if (running) await Promise.race([running, after(limit_ms, undefined, { ref: false })])
      state.ended = true
    },
  }
}
