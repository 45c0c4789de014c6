/** How a run ends, and what follows from that. */
import type { Card } from '../../common/definition/card.ts'
import type { Now } from './event.ts'
import { noteRun } from './feed.ts'
import { leaveFlow } from './flows.ts'
import { dequeue, releaseKey } from './lanes.ts'
import type { Values } from './records.ts'
import type { Run, State, Task } from './state.ts'
import { moveRun } from './tally.ts'
import { agreeingValues } from './values.ts'

export type RunEnd = 'succeeded' | 'failed' | 'canceled' | 'expired'

/** Ends a run. Its next steps are born later in the same turn, when its values have been looked up. */
export function finish(state: State, now: Now, run: Run, to: RunEnd, reason: string | null): void {
  dequeue(state, run)
  releaseKey(state, run)
  state.unannounced.get(run.job)?.delete(run)
  moveRun(state, run, to)
  run.reason = reason
  run.finished_ms = now.wall_ms
  state.touched.runs.add(run)
  const n = noteRun(state, now, run)
  const card = run.card === null ? undefined : state.cards.get(run.card)
  if (card) followOutcome(state, run, card)
  leaveFlow(state, run, n)
}

export const FAILED_TASKS: ReadonlySet<string> = new Set(['failed', 'timed_out', 'lost'])

/** Settles the outcome once every task is over: see the design's "Outcome of a run". */
export function finishIfOver(state: State, now: Now, run: Run): void {
  if (!run.tasks.every(isOver)) return
  const card = run.card === null ? undefined : state.cards.get(run.card)
  const bad = run.tasks.filter((task) => FAILED_TASKS.has(task.state))
  const summary = run.deliver === 'all' ? allSummary(run.tasks) : null
  if (run.cancel_requested) finish(state, now, run, 'canceled', run.reason ?? 'canceled')
  else if (bad.length > 0) finish(state, now, run, 'failed', summary ?? taskReason(bad[0] as Task))
  else if (card && !isMet(card.require, run))
    finish(
      state,
      now,
      run,
      'failed',
      `require ${card.require} is not met: ${summary ?? 'nobody ran it'}`,
    )
  else finish(state, now, run, 'succeeded', summary)
}

const OVER: ReadonlySet<string> = new Set([
  'succeeded',
  'failed',
  'timed_out',
  'canceled',
  'lost',
  'missed',
])
export const isOver = (task: Task): boolean => OVER.has(task.state)

/** Why a task ended badly, in a few words. */
export function taskReason(task: Task): string {
  if (task.state === 'lost') return task.reason ?? 'lost'
  if (task.state === 'timed_out') return 'timeout'
  if (task.reason !== null) return task.reason
  return task.signal === null ? `exit code ${task.exit_code ?? '?'}` : `signal ${task.signal}`
}

/** What an `all` run's steps get as output: only what every task that succeeded agrees on. */
export function joinedOutput(run: Run): Values {
  return agreeingValues(
    run.tasks.filter((task) => task.state === 'succeeded').map((task) => task.output),
  )
}

/** What a handler is told of the task that failed first. */
export function failureContext(run: Run, failed: readonly Task[]): Values {
  const first = [...failed].sort((a, b) => (a.finished_ms ?? 0) - (b.finished_ms ?? 0))[0]
  return {
    failed_job: run.job,
    failed_run_id: run.run_id,
    failed_workers: failed.flatMap((task) => task.worker ?? []).join(','),
    exit_code: first?.exit_code === null || first === undefined ? '' : String(first.exit_code),
    reason: first ? taskReason(first) : (run.reason ?? run.state),
    error_tail: first?.error_tail ?? '',
  }
}

function followOutcome(state: State, run: Run, card: Card): void {
  if (run.state === 'succeeded') {
    state.following.push({
      kind: 'steps',
      steps: card.on_success,
      via: 'success',
      parent: run,
      values_of: [run.run_id],
      output: joinedOutput(run),
      context: {},
      handling: [],
    })
  } else if (run.state === 'failed' || run.state === 'expired') {
    const steps = card.on_failure.filter((step) => !run.handling.includes(step.job))
    state.following.push({
      kind: 'steps',
      steps,
      via: 'failure',
      parent: run,
      values_of: [run.run_id],
      output: joinedOutput(run),
      context: failureContext(
        run,
        run.tasks.filter((task) => FAILED_TASKS.has(task.state)),
      ),
      handling: run.handling,
    })
  }
}

/** A retry runs only where it was undone, so it cannot be asked for more than that. */
function isMet(require: Card['require'], { tasks, only_workers }: Run): boolean {
  const done = tasks.filter((task) => task.state === 'succeeded').length
  if (require === 'present') return done > 0
  if (require === 'all') return done === tasks.length
  return done >= (only_workers === null ? require : Math.min(require, tasks.length))
}

/** `59 of 60; missed: web17`. */
function allSummary(tasks: readonly Task[]): string {
  const done = tasks.filter((task) => task.state === 'succeeded').length
  const parts = [`${done} of ${tasks.length}`]
  for (const state of ['failed', 'timed_out', 'lost', 'missed', 'canceled'] as const) {
    const names = tasks.filter((task) => task.state === state).map((task) => task.worker ?? '?')
    if (names.length > 0)
      parts.push(
        `${state.replace('_', ' ')}: ${names.slice(0, 20).join(', ')}${names.length > 20 ? ' …' : ''}`,
      )
  }
  return parts.join('; ')
}
