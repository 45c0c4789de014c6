/**
 * What need not be on disk at once. That a task has begun is told again by whoever runs it (`hello`, `ended`), so it may
 * be written together with the next thing that must be, or a moment later: a commit for each start would double them.
 * Not so for a job that must not run twice: there the broker itself must know what has begun.
 */
import { dueAt } from './deadlines.ts'
import type { Now } from './event.ts'
import type { Run, State, Task } from './state.ts'

export type Lazy = { readonly runs: Set<Run>; readonly tasks: Set<Task> }

/** The longest that a start stays unwritten while nothing else is written. */
const LAZY_MS = 250

export function touchLazily(state: State, now: Now, run: Run, task: Task): void {
  const { lazy, touched } = state
  const card = run.card === null ? undefined : state.cards.get(run.card)
  if (card?.on_lost === 'fail') {
    touched.runs.add(run)
    touched.tasks.add(task)
    return
  }
  if (lazy.tasks.size === 0) dueAt(state, now.mono_ms + LAZY_MS, { kind: 'lazy' })
  lazy.runs.add(run)
  lazy.tasks.add(task)
}

/** Adds what waits to what is written in this turn. */
export function writeLazy({ lazy, touched }: State): void {
  // What ended meanwhile has been written with its end, or is being written now.
  for (const run of lazy.runs) if (run.finished_ms === null) touched.runs.add(run)
  for (const task of lazy.tasks) if (task.finished_ms === null) touched.tasks.add(task)
  lazy.runs.clear()
  lazy.tasks.clear()
}
