/** Executions that failed and are tried again: whether, and when. */
import type { Ended } from '../../common/protocol/worker-door.ts'
import type { Retries } from '../../common/definition/card.ts'
import { due } from './deadlines.ts'
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
  due(state, now, task.due_ms, { kind: 'wait', run_id: run.run_id, n: task.n })
}

/**
 * A task's own time has come: its delay is over, or the wait for a worker that is away. The wall's clock is not asked
 * again, which may have been set meanwhile.
 */
export function waitOver(state: State, now: Now, run_id: string, n: number): void {
  const run = state.runs.get(run_id)
  const task = run?.tasks[n]
  if (!run || !task || isOver(task)) return
  const worker = task.worker === null ? undefined : state.workers.get(task.worker)
  if (task.state === 'delayed') return delayOver(state, now, run, task, worker)
  if (!isUntouched(task) || !worker) return
  if (worker.away_at_ms <= now.mono_ms) miss(state, now, run, task)
  // It is here; should it go before it has taken the task, that was all the wait there was.
  else task.due_ms = 0
}

function delayOver(state: State, now: Now, run: Run, task: Task, worker: Worker | undefined): void {
  task.due_ms = null
  moveTask(state, run, task, 'ready')
  if (run.deliver === 'one') return enqueue(state, run)
  if (!worker) return
  worker.waiting.add(task)
  if (worker.away_at_ms <= now.mono_ms) awaitReturn(state, worker, task)
  else leaseOwn(state, worker)
}

/** An `all` task whose worker has been away for too long: it never had it and the wait is over, or it is lost. */
export function awayTooLong(state: State, now: Now, run_id: string, n: number): void {
  const run = state.runs.get(run_id)
  const task = run?.tasks[n]
  if (!run || !task || isOver(task) || task.state === 'delayed' || run.deliver !== 'all') return
  const worker = task.worker === null ? undefined : state.workers.get(task.worker)
  // It came back meanwhile, and perhaps went again: that has a deadline of its own.
  if (!worker || worker.away_at_ms > now.mono_ms) return
  if (isUntouched(task) && task.due_ms !== null) {
    if (task.due_ms === 0) miss(state, now, run, task)
    return
  }
  if (worker.away_at_ms + LOST_AFTER_AWAY_MS > now.mono_ms) return
  const card = run.card === null ? undefined : state.cards.get(run.card)
  if (isUntouched(task) || card?.on_lost !== 'wait')
    endTask(state, now, run, task, 'lost', 'its worker has been away too long')
}

const isUntouched = (task: Task): boolean => task.state === 'ready' && task.attempt === 0

const miss = (state: State, now: Now, run: Run, task: Task): void =>
  endTask(state, now, run, task, 'missed', 'its worker did not come in time')
