/** How a semaphore process waits. By the machine's clock; a simulated world brings its own. */

/** Does something in so many milliseconds; what is returned takes it back. */
export type After = (ms: number, act: () => void) => () => void

/** Nothing that waits keeps the process alive. */
export const byTheClock: After = (ms, act) => {
  const timer = setTimeout(act, ms).unref()
  return () => clearTimeout(timer)
}
