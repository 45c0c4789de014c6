/**
 * The part of a transaction that every run costs: its row, its tasks' rows, its request. This is the hot path: one
 * prepared statement for each kind of change, and no column written that cannot have changed.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Records, RequestRecord, RunRecord, Values } from '../core/records.ts'
import type { Run, Task } from '../core/state.ts'

/** Writes one kind of record inside an open transaction; throws when a record contradicts what is stored. */
export type Writer = (records: Records) => void

/** Also tells `onBorn` the text length of each new run's values. */
export function runWriter(
  db: DatabaseSync,
  onBorn: (run_id: string, text_length: number) => void,
): Writer {
  const insert = insertRun(db)
  const update = updateRun(db)
  return ({ runs }) => {
    for (const { run, values } of runs) {
      if (values === null) update(run)
      else onBorn(run.run_id, insert(run, values))
    }
  }
}

export function revisedWriter(db: DatabaseSync): Writer {
  const statement = db.prepare('UPDATE runs SET params = ?, context = ? WHERE run_id = ?')
  return ({ revised }) => {
    for (const { run_id, values } of revised)
      statement.run(textOf(values.params), textOf(values.context), run_id)
  }
}

function insertRun(
  db: DatabaseSync,
): (run: Run, values: NonNullable<RunRecord['values']>) => number {
  const statement = db.prepare(`INSERT INTO runs (
    run_id, flow_id, parent_run_id, via, retry_of, job, card, state, reason, lane, priority, deliver,
    created_ms, started_ms, finished_ms, delay_ms, cancel_requested, progress, message,
    concurrency_key, only_workers, depth, handling, sequence, params, context
  ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  return (run, values) => {
    const params = textOf(values.params)
    const context = textOf(values.context)
    statement.run(
      run.run_id,
      run.flow_id,
      run.parent_run_id,
      run.via,
      run.retry_of,
      run.job,
      run.card,
      run.state,
      run.reason,
      run.lane,
      run.priority,
      run.deliver,
      run.created_ms,
      run.started_ms,
      run.finished_ms,
      run.delay_ms,
      run.cancel_requested ? 1 : 0,
      run.progress,
      run.message,
      run.concurrency_key,
      run.only_workers === null ? null : JSON.stringify(run.only_workers),
      run.depth,
      run.handling.length === 0 ? null : JSON.stringify(run.handling),
      run.sequence,
      params,
      context,
    )
    return params.length + context.length
  }
}

function updateRun(db: DatabaseSync): (run: Run) => void {
  const statement = db.prepare(`UPDATE runs SET card = ?, state = ?, reason = ?, lane = ?,
    priority = ?, deliver = ?, started_ms = ?, finished_ms = ?, cancel_requested = ?, progress = ?,
    message = ?, concurrency_key = ? WHERE run_id = ?`)
  return (run) => {
    const { changes } = statement.run(
      run.card,
      run.state,
      run.reason,
      run.lane,
      run.priority,
      run.deliver,
      run.started_ms,
      run.finished_ms,
      run.cancel_requested ? 1 : 0,
      run.progress,
      run.message,
      run.concurrency_key,
      run.run_id,
    )
    if (changes !== 1) throw new Error(`run ${run.run_id} changed but was never recorded`)
  }
}

export function taskWriter(db: DatabaseSync): Writer {
  const statement = db.prepare(`INSERT OR REPLACE INTO tasks (
    run_id, n, worker, state, attempt, tries, lost, exit_code, signal, reason, started_ms,
    finished_ms, due_ms, output, stdout_bytes, stderr_bytes, error_tail, attempts
  ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const write = (task: Task): void => {
    statement.run(
      task.run_id,
      task.n,
      task.worker,
      task.state,
      task.attempt,
      task.tries,
      task.lost,
      task.exit_code,
      task.signal,
      task.reason,
      task.started_ms,
      task.finished_ms,
      task.due_ms,
      textOf(task.output),
      task.stdout_bytes,
      task.stderr_bytes,
      task.error_tail,
      JSON.stringify(task.attempts),
    )
  }
  return ({ tasks }) => tasks.forEach(write)
}

/** A request that is recorded twice breaks "one run per idempotency key", so that throws. */
export function requestWriter(db: DatabaseSync): Writer {
  const statement = db.prepare(
    'INSERT OR IGNORE INTO requests (request_id, job, run_id, at_ms) VALUES (?, ?, ?, ?)',
  )
  const write = ({ request_id, job, run_id, at_ms }: RequestRecord): void => {
    const { changes } = statement.run(request_id, job, run_id, at_ms)
    if (changes !== 1) throw new Error(`request ${request_id} of ${job} was recorded before`)
  }
  return ({ requests }) => requests.forEach(write)
}

function textOf(values: Values): string {
  for (const _ in values) return JSON.stringify(values)
  return '{}'
}
