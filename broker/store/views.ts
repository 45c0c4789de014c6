/** Stored rows as people see them: times in ISO 8601, nothing that only the broker needs. */
import type { AttemptView, RunView, TaskView } from '../../common/protocol/answers.ts'
import { taskId } from '../core/state.ts'
import type { Attempt, Task } from '../core/state.ts'
import type { RunRow } from './run-rows.ts'

/**
 * A frame holds 1 MiB, so an answer stops growing here. What a row adds after that, at most one run's parameters,
 * still fits.
 */
export const ANSWER_BYTES = 384 * 1024

export type ValuedRunRow = RunRow & { params: string; context: string }

/** What a view adds to an answer, in bytes. */
export const sizeOf = (view: unknown): number => Buffer.byteLength(JSON.stringify(view))

const LATEST_MS = 8.64e15
/** The time in words; a time that no calendar holds (a worker may claim any) becomes the last that one does. */
export const isoOf = (time_ms: number): string =>
  new Date(Math.min(Math.max(time_ms, 0), LATEST_MS)).toISOString()
export const isoOrNull = (time_ms: number | null): string | null =>
  time_ms === null ? null : isoOf(time_ms)

export function runView(row: ValuedRunRow): RunView {
  return {
    run_id: row.run_id,
    flow_id: row.flow_id,
    parent_run_id: row.parent_run_id,
    retry_of: row.retry_of,
    job: row.job,
    params: JSON.parse(row.params) as Record<string, string>,
    state: row.state,
    reason: row.reason,
    lane: row.lane,
    priority: row.priority,
    deliver: row.deliver,
    created_at: isoOf(row.created_ms),
    started_at: isoOrNull(row.started_ms),
    finished_at: isoOrNull(row.finished_ms),
    progress: row.progress,
    message: row.message,
    context: JSON.parse(row.context) as Record<string, string>,
  }
}

export function taskView(task: Task): TaskView {
  return {
    task_id: taskId(task),
    worker: task.worker,
    state: task.state,
    attempt: task.attempt,
    exit_code: task.exit_code,
    signal: task.signal,
    reason: task.reason,
    started_at: isoOrNull(task.started_ms),
    finished_at: isoOrNull(task.finished_ms),
    output: task.output,
    stdout_bytes: task.stdout_bytes,
    stderr_bytes: task.stderr_bytes,
    attempts: task.attempts.map(attemptView),
  }
}

const attemptView = (attempt: Attempt): AttemptView => ({
  attempt: attempt.attempt,
  worker: attempt.worker,
  state: attempt.state,
  exit_code: attempt.exit_code,
  signal: attempt.signal,
  reason: attempt.reason,
  started_at: isoOrNull(attempt.started_ms),
  finished_at: isoOrNull(attempt.finished_ms),
})
