/** When work that can wait gets its turn: in short steps, with rests that are longer when there is other work to do. */
import { performance } from 'node:perf_hooks'

export type Pace = {
  /** Fulfilled when the next step may begin, or when all is stopped. */
  next(): Promise<void>
  /** Does a step, and remembers how long it took: the rest after it is longer than that. */
  timed<T>(step: () => T): T
  /** Fulfilled after so many ms, or when all is stopped. */
  rest(ms: number): Promise<void>
  stop(): void
  stopped(): boolean
}

/** A rest is this many times as long as the step before it. */
const REST_FACTOR = 4
const LEAST_REST_MS = 2
/** In a process that is busy for more than this part of its time, a rest is at least so long. */
const BUSY_PART = 0.6
const BUSY_REST_MS = 50

const nobody = (): void => undefined

/** `waiting` says how many things wait to be done that matter more. */
export function openPace(waiting: () => number): Pace {
  let step_ms = 0
  let before = performance.eventLoopUtilization()
  let is_stopped = false
  let wake = nobody
  const rest = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      if (is_stopped) return resolve()
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  return {
    next: async () => {
      await rest(Math.max(LEAST_REST_MS, REST_FACTOR * step_ms))
      const now = performance.eventLoopUtilization()
      const { utilization } = performance.eventLoopUtilization(now, before)
      if (utilization > BUSY_PART || waiting() > 0) await rest(BUSY_REST_MS)
      before = performance.eventLoopUtilization()
    },
    timed: (step) => {
      const begun = performance.now()
      try {
        return step()
      } finally {
        step_ms = performance.now() - begun
      }
    },
    rest,
    stop: () => {
      is_stopped = true
      wake()
    },
    stopped: () => is_stopped,
  }
}
