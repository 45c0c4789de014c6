/** Executions that failed and are tried again: whether, and when. */
import type { Ended } from '../../common/protocol/worker-door.ts'
import type { Retries } from '../../common/definition/card.ts'
import { type Deadline, dueTask } from './deadlines.ts'
import { leaseOwn } from './dispatch.ts'
import type { Now } from './event.ts'
import { scatter } from './ids.ts'
import { enqueue, moveTask } from './lanes.ts'
import { awaitReturn, endTask, LOST_AFTER_AWAY_MS } from './leases.ts'
import { isOver } from './finish.ts'
import { type Run, type State, type Task, type Worker, taskId } from './state.ts'

/** Reasons that trying again cannot change. */
const FINAL: ReadonlySet<string> = new Set(['bad_parameter', 'unknown_job', 'canceled'])

/** How long to wait before the next try, in ms; null when none is left, or this failure is not to be retried. */
export function delayFor(state: State, run: Run, task: Task, report: Ended): number | null {
  const retries = run.card === null ? undefined : state.cards.get(run.card)?.retries
  if (!retries || task.tries >= retries.limit || FINAL.has(report.reason ?? '')) return null
  const byExit = report.reason === null && report.signal === null
  if (byExit && retries.exit_codes && !retries.exit_codes.includes(report.exit_code ?? -1))
    return null
  return backoff(retries, task.tries, `${run.run_id}.${task.n}`)
}

/**
 * Exponential, with jitter: between half of `backoff * 2^tries` and the whole, at most `max_backoff`. The jitter comes
 * from the task's id, so that the same history gives the same times.
 */
export function backoff(
  { backoff_ms, max_backoff_ms }: Retries,
  tries: number,
  task_id: string,
): number {
  const whole = Math.min(max_backoff_ms, backoff_ms * 2 ** Math.min(tries, 40))
  let hash = tries
  for (let at = 0; at < task_id.length; at++) hash = scatter((hash + task_id.charCodeAt(at)) >>> 0)
  return Math.round(whole / 2 + (whole / 2) * (hash / 0x1_0000_0000))
}

/** Delays a task until its next try. It counts in no limit until then. */
export function putOff(state: State, now: Now, run: Run, task: Task, delay_ms: number): void {
  task.tries += 1
  task.due_ms = now.wall_ms + delay_ms
  const worker = task.worker === null ? undefined : state.workers.get(task.worker)
  moveTask(state, run, task, 'delayed')
  if (run.deliver === 'one') {
    worker?.holds.delete(taskId(task))
    task.worker = null
  }
  dueTask(state, now, task)
}

/** A task's own deadline: its delay is over, or its worker has been away for too long. */
export function taskDue(state: State, now: Now, { run_id, n, due_ms }: TaskDeadline): void {
  const run = state.runs.get(run_id)
  const task = run?.tasks[n]
  if (!run || !task || isOver(task) || (due_ms !== null && due_ms !== task.due_ms)) return
  const worker = task.worker === null ? undefined : state.workers.get(task.worker)
  const isAway = run.deliver === 'all' && worker !== undefined && worker.away_at_ms <= now.mono_ms
  if (due_ms === null) {
    if (isAway && task.state !== 'delayed') loseIfAwayTooLong(state, now, run, task, worker)
  } else if (task.state === 'delayed') delayOver(state, run, task, worker, isAway)
  else if (isUntouched(task)) waitOver(state, now, run, task, isAway)
}

type TaskDeadline = Extract<Deadline, { kind: 'task' }>

function delayOver(
  state: State,
  run: Run,
  task: Task,
  worker: Worker | undefined,
  isAway: boolean,
): void {
  task.due_ms = null
  moveTask(state, run, task, 'ready')
  if (run.deliver === 'one') return enqueue(state, run)
  if (!worker) return
  worker.waiting.add(task)
  if (isAway) awaitReturn(state, worker, task)
  else leaseOwn(state, worker)
}

const isUntouched = (task: Task): boolean => task.state === 'ready' && task.attempt === 0

/** Its worker was waited for: it is still away, or it is here and has only to take the task. */
function waitOver(state: State, now: Now, run: Run, task: Task, isAway: boolean): void {
  if (isAway) return endTask(state, now, run, task, 'missed', 'its worker did not come in time')
  task.due_ms = null
  state.touched.tasks.add(task)
}

/** An `all` task whose worker has been away for too long, unless that is waited for by another deadline or for ever. */
function loseIfAwayTooLong(state: State, now: Now, run: Run, task: Task, worker: Worker): void {
  // It came back meanwhile, and went again: that has a deadline of its own.
  if (worker.away_at_ms + LOST_AFTER_AWAY_MS > now.mono_ms) return
  if (isUntouched(task) && task.due_ms !== null) return
  const card = run.card === null ? undefined : state.cards.get(run.card)
  if (isUntouched(task) || card?.on_lost !== 'wait')
    endTask(state, now, run, task, 'lost', 'its worker has been away too long')
}
