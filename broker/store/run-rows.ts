/** Rows of runs and tasks, and the runs and tasks they stand for. Writer and reader share these. */
import type { RunState, TaskState } from '../../common/protocol/answers.ts'
import type { Attempt, Run, Task, Via } from '../core/state.ts'

/** Everything of a run but what it was started with. */
export type RunRow = {
  position: number
  run_id: string
  flow_id: string
  parent_run_id: string | null
  via: Via
  retry_of: string | null
  job: string
  card: string | null
  state: RunState
  reason: string | null
  lane: string
  priority: number
  deliver: 'all' | 'one'
  created_ms: number
  started_ms: number | null
  finished_ms: number | null
  delay_ms: number
  cancel_requested: number
  progress: number | null
  message: string | null
  concurrency_key: string | null
  only_workers: string | null
  depth: number
  handling: string | null
  sequence: number
}

export type TaskRow = {
  run_id: string
  n: number
  worker: string | null
  state: TaskState
  attempt: number
  tries: number
  lost: number
  exit_code: number | null
  signal: string | null
  reason: string | null
  started_ms: number | null
  finished_ms: number | null
  due_ms: number | null
  output: string
  stdout_bytes: number
  stderr_bytes: number
  error_tail: string
  attempts: string
}

/** The columns of `RunRow`, for SELECT; `runs.` lets them stand in a join. */
export const RUN_COLUMNS = `runs.position, runs.run_id, runs.flow_id, runs.parent_run_id, runs.via,
  runs.retry_of, runs.job, runs.card, runs.state, runs.reason, runs.lane, runs.priority, runs.deliver,
  runs.created_ms, runs.started_ms, runs.finished_ms, runs.delay_ms, runs.cancel_requested,
  runs.progress, runs.message, runs.concurrency_key, runs.only_workers, runs.depth,
  runs.handling, runs.sequence`

/** A run without tasks, which the caller adds. */
export function runOfRow(row: RunRow): Run {
  const { position: _, cancel_requested, only_workers, handling, ...same } = row
  return {
    ...same,
    cancel_requested: cancel_requested !== 0,
    only_workers: only_workers === null ? null : (JSON.parse(only_workers) as string[]),
    handling: handling === null ? [] : (JSON.parse(handling) as string[]),
    tasks: [],
    counted: false,
    in_queue: false,
  }
}

export function taskOfRow(row: TaskRow): Task {
  const { output, attempts, ...same } = row
  return {
    ...same,
    accepted: false,
    output: JSON.parse(output) as Record<string, string>,
    attempts: JSON.parse(attempts) as Attempt[],
  }
}

/** Gives each run its tasks. `tasks` are in order of `n` within a run. */
export function joinTasks(runs: readonly RunRow[], tasks: readonly TaskRow[]): Map<string, Run> {
  const byId = new Map(runs.map((row) => [row.run_id, runOfRow(row)]))
  for (const row of tasks) byId.get(row.run_id)?.tasks.push(taskOfRow(row))
  return byId
}
