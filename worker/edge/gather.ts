/** Gathers what is said close together: a frame costs the receiver, and the sender, more than a message does. */
import { performance } from 'node:perf_hooks'

/** What is said soon after a frame waits this long for company. */
const GATHER_MS = 2

/** Hands on together what is said in one turn of the loop, or closely after what was handed on before. */
export function gather<T>(hand: (messages: readonly T[]) => void): {
  readonly add: (message: T) => void
  readonly flush: () => void
  readonly clear: () => void
} {
  let waiting: T[] = []
  let timer: NodeJS.Timeout | null = null
  let handed_ms = -Infinity
  const clear = (): void => {
    if (timer) clearTimeout(timer)
    timer = null
    waiting = []
  }
  const flush = (): void => {
    const messages = waiting
    clear()
    if (messages.length === 0) return
    handed_ms = performance.now()
    hand(messages)
  }
  const add = (message: T): void => {
    waiting.push(message)
    if (waiting.length > 1) return
    if (performance.now() - handed_ms < GATHER_MS) timer = setTimeout(flush, GATHER_MS)
    else queueMicrotask(flush)
  }
  return { add, flush, clear }
}
