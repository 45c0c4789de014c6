/**
 * When something is due.
 *
 * Deadlines stand in one heap by monotonic time, so that a clock that is set moves none of them. They are never taken
 * out early: when one comes up, what it concerns is looked at (due.ts), and one that no longer matters does nothing.
 */
import type { Now } from './event.ts'
import { peek, push } from './heap.ts'
import type { Deadline, State } from './state.ts'

/** Sets a deadline at a wall-clock time (which may have passed). */
export function due(state: State, now: Now, wall_ms: number, what: Deadline): void {
  dueAt(state, now.mono_ms + Math.max(0, wall_ms - now.wall_ms), what)
}

/** Sets one at a monotonic time. */
export function dueAt(state: State, at_ms: number, what: Deadline): void {
  push(state.deadlines, { at_ms, what })
}

/** When to wake at the latest: monotonic ms, or null when nothing is awaited. */
export const nextDeadline = (state: State): number | null => peek(state.deadlines)?.at_ms ?? null
