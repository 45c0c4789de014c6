/**
 * Virtual time: what is to happen stands here in order of its time, and time goes on only by doing the next of it. Years
 * pass in seconds, and nothing depends on how fast the machine is.
 */
import { type Heap, makeHeap, pop, push } from '../../broker/core/heap.ts'

export type Agenda = {
  /** Milliseconds since the beginning of the world; with fractions. */
  now(): number
  /** Does something later; what is returned takes it back. */
  after(ms: number, act: () => void): () => void
  /** Does the next thing. False when nothing is left. */
  step(): boolean
  /** How much has been done. */
  steps(): number
}

type Item = { readonly at_ms: number; readonly order: number; act: (() => void) | null }

export function openAgenda(): Agenda {
  const items: Heap<Item> = makeHeap((a, b) =>
    a.at_ms === b.at_ms ? a.order < b.order : a.at_ms < b.at_ms,
  )
  let now_ms = 0
  let order = 0
  let steps = 0
  return {
    now: () => now_ms,
    after: (ms, act) => {
      order += 1
      const item: Item = { at_ms: now_ms + Math.max(0, ms), order, act }
      push(items, item)
      return () => {
        item.act = null
      }
    },
    step: () => {
      for (let next = pop(items); next; next = pop(items)) {
        if (next.act === null) continue
        now_ms = next.at_ms
        steps += 1
        next.act()
        return true
      }
      return false
    },
    steps: () => steps,
  }
}
