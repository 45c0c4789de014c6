/** One run as people ask for it: found by the short form of its id, with all that happened to it and came of it. */
import type { DatabaseSync } from 'node:sqlite'
import type { NextView, RunState, RunView } from '../../common/protocol/answers.ts'
import type { Failure } from '../../common/protocol/client-door.ts'
import { taskId } from '../core/state.ts'
import type { Task, Via } from '../core/state.ts'
import type { Questions } from './history.ts'
import { RUN_COLUMNS, taskOfRow } from './run-rows.ts'
import type { TaskRow } from './run-rows.ts'
import type { AttemptFound } from './store.ts'
import { ANSWER_BYTES, runView, sizeOf, taskView } from './views.ts'
import type { ValuedRunRow } from './views.ts'

const SHORTEST_ID = 8
const AMBIGUOUS_SHOWN = 10

export const findAnswer = (db: DatabaseSync): Questions['find'] => finder(db, 'run_id', 'runs_id')
/** A flow has the id of its first run, and is still there when that has been forgotten before the others. */
export const findFlowAnswer = (db: DatabaseSync): Questions['findFlow'] =>
  finder(db, 'flow_id', 'runs_flow')

/** A short form is looked for in the whole index of ids: some milliseconds per 100,000 runs, off the hot path. */
function finder(db: DatabaseSync, column: string, index: string): Questions['find'] {
  const exact = db.prepare(
    `SELECT ${column} AS run_id FROM runs INDEXED BY ${index} WHERE ${column} = ? LIMIT 1`,
  )
  const ending = db.prepare(`SELECT DISTINCT ${column} AS run_id FROM runs INDEXED BY ${index}
    WHERE substr(${column}, ?) = ? ORDER BY ${column} DESC LIMIT ${AMBIGUOUS_SHOWN}`)
  return (run_id) => {
    if (exact.get(run_id) !== undefined) return { kind: 'found', run_id }
    if (run_id.length < SHORTEST_ID) return { kind: 'unknown' }
    const rows = ending.all(-run_id.length, run_id) as { run_id: string }[]
    const [first] = rows
    if (first === undefined) return { kind: 'unknown' }
    if (rows.length === 1) return { kind: 'found', run_id: first.run_id }
    return { kind: 'ambiguous', run_ids: rows.map((row) => row.run_id) }
  }
}

export function runAnswer(db: DatabaseSync): Questions['run'] {
  const select = db.prepare(`SELECT ${RUN_COLUMNS}, params, context FROM runs WHERE run_id = ?`)
  const tasksOf = db.prepare('SELECT * FROM tasks WHERE run_id = ? ORDER BY n')
  const nextOf = nextQuery(db)
  return (run_id) => {
    const row = select.get(run_id) as ValuedRunRow | undefined
    if (row === undefined) return null
    const tasks = (tasksOf.all(run_id) as TaskRow[]).map((task) => taskView(taskOfRow(task)))
    return fitted(runView(row), tasks, nextOf(row))
  }
}

/** Tasks come before what followed; what does not fit an answer is counted. */
function fitted(
  view: RunView,
  tasks: NonNullable<RunView['tasks']>,
  next: NonNullable<RunView['next']>,
): RunView {
  let bytes = sizeOf(view)
  const fits = (part: unknown): boolean => {
    const had_room = bytes <= ANSWER_BYTES
    if (had_room) bytes += sizeOf(part)
    return had_room
  }
  const shown = { tasks: tasks.filter(fits), next: next.filter(fits) }
  const omitted = tasks.length + next.length - shown.tasks.length - shown.next.length
  return { ...view, ...shown, ...(omitted > 0 ? { omitted } : {}) }
}

/** What came of a run: children and retries from its flow, then its arrivals at gates. */
function nextQuery(db: DatabaseSync): (row: ValuedRunRow) => NextView[] {
  const followers = db.prepare(`SELECT run_id, retry_of, via, job, state FROM runs
    INDEXED BY runs_flow WHERE flow_id = ? AND (parent_run_id = ? OR retry_of = ?) ORDER BY position`)
  const arrivals = db.prepare(`SELECT semaphore, key, generation, late FROM arrivals
    WHERE run_id = ? ORDER BY position`)
  type Follower = {
    run_id: string
    retry_of: string | null
    via: Via
    job: string
    state: RunState
  }
  type Arrived = { semaphore: string; key: string | null; generation: number; late: number }
  return ({ flow_id, run_id }) => {
    const runs = followers.all(flow_id, run_id, run_id) as Follower[]
    const gates = arrivals.all(run_id) as Arrived[]
    return [
      ...runs.map((run) => ({
        on: run.retry_of === run_id ? 'retry' : run.via,
        job: run.job,
        run_id: run.run_id,
        state: run.state,
      })),
      ...gates.map((gate) => ({ ...gate, late: gate.late !== 0 })),
    ]
  }
}

const OPEN_STATES: ReadonlySet<string> = new Set(['ready', 'leased', 'running', 'delayed'])

/**
 * A run that has no task yet has attempt 0 of task 0, which is open: whoever follows its output waits. Once it has
 * tasks, null is its only one.
 */
export function attemptAnswer(db: DatabaseSync): Questions['attempt'] {
  const stateOf = db.prepare('SELECT state FROM runs WHERE run_id = ?')
  const tasksOf = db.prepare('SELECT * FROM tasks WHERE run_id = ? ORDER BY n')
  return (run_id, wanted, attempt) => {
    const run = stateOf.get(run_id) as { state: RunState } | undefined
    if (run === undefined) return failure(404, 'unknown_run', `there is no run ${run_id}`, null)
    const tasks = (tasksOf.all(run_id) as TaskRow[]).map(taskOfRow)
    if (tasks.length === 0 && wanted === null) return beforeAnyTask(run_id, run.state)
    if (tasks.length > 1 && wanted === null)
      return failure(
        400,
        'which_task',
        `run ${run_id} has ${tasks.length} tasks`,
        `name one by its number or its worker: ${named(tasks)}`,
      )
    const task = wanted === null ? tasks[0] : chosen(tasks, wanted)
    if (task === undefined)
      return failure(404, 'unknown_task', `run ${run_id} has no task ${wanted}`, named(tasks))
    return attemptOf(task, attempt)
  }
}

const chosen = (tasks: readonly Task[], wanted: string): Task | undefined =>
  tasks.find((task) => taskId(task) === wanted) ??
  tasks.find((task) => String(task.n) === wanted) ??
  tasks.find((task) => task.worker === wanted)

function attemptOf(task: Task, wanted: number | null): AttemptFound | Failure {
  const attempt = wanted ?? task.attempt
  const known = task.attempts.find((one) => one.attempt === attempt)
  if (known === undefined && attempt !== task.attempt)
    return failure(
      404,
      'unknown_attempt',
      `task ${taskId(task)} has no attempt ${attempt}`,
      task.attempt === 0 ? 'it was not started yet' : `the newest is ${task.attempt}`,
    )
  const state = attempt === task.attempt ? task.state : (known?.state ?? task.state)
  // An attempt that a newer one has overtaken has nothing more to say, whatever state it was left in.
  const over = attempt < task.attempt || !OPEN_STATES.has(state)
  return { task_id: taskId(task), attempt, state, over }
}

const STATE_WITHOUT_TASKS: Record<RunState, AttemptFound['state']> = {
  waiting: 'ready',
  queued: 'ready',
  running: 'ready',
  succeeded: 'succeeded',
  failed: 'failed',
  canceled: 'canceled',
  expired: 'missed',
}

function beforeAnyTask(run_id: string, run_state: RunState): AttemptFound {
  const state = STATE_WITHOUT_TASKS[run_state]
  return { task_id: `${run_id}.0`, attempt: 0, state, over: !OPEN_STATES.has(state) }
}

const NAMED_TASKS = 20
function named(tasks: readonly Task[]): string | null {
  if (tasks.length === 0) return 'it has not started yet'
  const names = tasks
    .slice(0, NAMED_TASKS)
    .map((task) => `${task.n} (${task.worker ?? 'no worker'})`)
  return tasks.length > NAMED_TASKS ? `${names.join(', ')} …` : names.join(', ')
}

const failure = (status: number, code: string, message: string, hint: string | null): Failure => ({
  status,
  code,
  message,
  hint,
  retry_after_s: null,
})
