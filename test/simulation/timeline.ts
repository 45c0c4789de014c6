/** Virtual time: what is to happen stands in one queue, and the clock jumps from one happening to the next. */
import { makeHeap, pop, push } from '../../broker/core/heap.ts'

export type Alarm = { cancel(): void }

export type Timeline = {
  /** Milliseconds since the world began; only this clock never jumps back. */
  now_ms(): number
  after(delay_ms: number, happening: () => void): Alarm
  /** Lets the next thing happen. False when nothing is left to happen. */
  step(): boolean
  /** How many things are to happen. */
  waiting(): number
}

type Happening = {
  readonly at_ms: number
  readonly order: number
  happening: (() => void) | null
}

export function makeTimeline(): Timeline {
  // Whatever falls on the same instant happens in the order in which it was planned.
  const queue = makeHeap<Happening>((a, b) =>
    a.at_ms === b.at_ms ? a.order < b.order : a.at_ms < b.at_ms,
  )
  let now_ms = 0
  let order = 0
  return {
    now_ms: () => now_ms,
    after: (delay_ms, happening) => {
      order += 1
      const item: Happening = { at_ms: now_ms + Math.max(0, delay_ms), order, happening }
      push(queue, item)
      return {
        cancel: () => {
          item.happening = null
        },
      }
    },
    step: () => {
      for (let next = pop(queue); next; next = pop(queue)) {
        if (next.happening === null) continue
        now_ms = next.at_ms
        next.happening()
        return true
      }
      return false
    },
    waiting: () => queue.items.length,
  }
}
