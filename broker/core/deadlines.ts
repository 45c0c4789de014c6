/**
 * When something is due.
 *
 * Deadlines stand in one heap by monotonic time, so that a clock that is set moves none of them. They are taken
 * out early only in bulk: when one comes up, what it concerns is looked at (due.ts), and one that no longer matters does nothing.
 */
import type { Now } from './event.ts'
import { peek, push } from './heap.ts'
import type { Gate, State, Task } from './state.ts'

/**
 * When something is due: monotonic time, and what it concerns. Stale ones are told by looking (due.ts): a task's
 * and a gate's name the wall time that they were made for, which is not theirs any more when that has changed.
 */
export type Due = { readonly at_ms: number; readonly what: Deadline }
export type Deadline =
  | { readonly kind: 'delay' | 'expires' | 'accept'; readonly run_id: string }
  | {
      readonly kind: 'task'
      readonly run_id: string
      readonly n: number
      /** The task's `due_ms`; null asks whether its worker has been away for too long. */
      readonly due_ms: number | null
    }
  | { readonly kind: 'lease' | 'away' | 'forget'; readonly worker: string }
  | {
      readonly kind: 'gate'
      readonly semaphore: string
      readonly key: string
      readonly timeout_at_ms: number
    }
  | { readonly kind: 'lazy' }

/**
 * Sets a deadline at a wall-clock time (which may have passed), at most `longest_ms` from now: after a restart only the
 * wall clock tells how long something has waited already, and one that was set back must make nobody wait for more than
 * the whole time again.
 */
export function due(
  state: State,
  now: Now,
  wall_ms: number,
  what: Deadline,
  longest_ms = Infinity,
): void {
  const wait_ms = Math.min(Math.max(0, wall_ms - now.wall_ms), longest_ms)
  dueAt(state, now.mono_ms + wait_ms, what)
}

/** Sets a task's: its delay, or how long its worker is waited for. */
export function dueTask(
  state: State,
  now: Now,
  { run_id, n, due_ms }: Task,
  longest_ms = Infinity,
): void {
  if (due_ms !== null) due(state, now, due_ms, { kind: 'task', run_id, n, due_ms }, longest_ms)
}

/** Sets a gate's timeout. */
export function dueGate(state: State, now: Now, gate: Gate, longest_ms = Infinity): void {
  const { semaphore, key, timeout_at_ms } = gate
  if (timeout_at_ms === null) return
  due(state, now, timeout_at_ms, { kind: 'gate', semaphore, key, timeout_at_ms }, longest_ms)
}

/** Sets one at a monotonic time. */
export function dueAt(state: State, at_ms: number, what: Deadline): void {
  push(state.deadlines, { at_ms, what })
  if (state.deadlines.items.length > 2 * state.deadlines_kept + SWEPT_FROM) sweep(state)
}

/** Fewer than so many are never swept. */
const SWEPT_FROM = 10_000

/** Drops those of runs that are over: a run that may expire in a week must not be remembered for a week. */
function sweep(state: State): void {
  const { items } = state.deadlines
  const kept = items.filter(({ what }) => !('run_id' in what) || state.runs.has(what.run_id))
  // A sorted list is a heap.
  kept.sort((a, b) => a.at_ms - b.at_ms)
  items.length = 0
  for (const item of kept) items.push(item)
  state.deadlines_kept = kept.length
}

/** When to wake at the latest: monotonic ms, or null when nothing is awaited. */
export const nextDeadline = (state: State): number | null => peek(state.deadlines)?.at_ms ?? null
