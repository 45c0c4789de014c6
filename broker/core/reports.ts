/** What workers report of their attempts, and what it means for the tasks. */
import type { Ended } from '../../common/protocol/worker-door.ts'
import { decideBye } from './workers.ts'
import { leaseOwn } from './dispatch.ts'
import { say } from './effect.ts'
import type { Event, Found, Now, Report } from './event.ts'
import { isActive } from './lanes.ts'
import { touchLazily } from './lazy.ts'
import {
  closeAttempt,
  endTask,
  isCurrent,
  regain,
  release,
  remind,
  renew,
  taskById,
} from './leases.ts'
import { delayFor, putOff } from './retries.ts'
import { placeOf, type Run, type State, type Task, taskId, type Worker } from './state.ts'

/** A report under a session that is not known (any more) is answered by asking for a new `hello`. */
export function decideReport(
  state: State,
  event: Event & { kind: 'report' },
  now: Now,
  found: Found,
): void {
  const worker = state.sessions.get(event.session)
  if (!worker?.session)
    return say(state, event.peer, { kind: 'hello_again', session: event.session })
  worker.session.peer = event.peer
  renew(worker, now)
  const { report } = event
  switch (report.kind) {
    case 'heartbeat':
      return heartbeat(state, worker, report.credit)
    case 'credit':
      return raiseCredit(state, worker, report.credit)
    case 'bye':
      return decideBye(state, worker, now)
    case 'accepted':
    case 'started':
      return progress(state, now, worker, report)
    case 'ended':
      return ended(state, now, worker, report, found)
  }
}

/** Whatever may have been lost on the way is said again: both sides come to agree, whatever the link does. */
function heartbeat(state: State, worker: Worker, credit: number | undefined): void {
  say(state, worker.session?.peer ?? '', { kind: 'heartbeat', draining: worker.draining })
  if (credit !== undefined && credit > worker.credit) raiseCredit(state, worker, credit)
  for (const task of worker.holds.values()) {
    const run = state.runs.get(task.run_id)
    if (!run || !isActive(task)) continue
    if (run.cancel_requested || (task.state === 'leased' && !task.accepted))
      remind(state, run, task, worker)
  }
}

function raiseCredit(state: State, worker: Worker, credit: number): void {
  worker.credit = Math.max(worker.credit, credit)
  state.may_start = true
}

function progress(
  state: State,
  now: Now,
  worker: Worker,
  report: Report & { kind: 'accepted' | 'started' },
): void {
  const { task, run } = current(state, worker, report)
  if (!task || !run) return fence(state, worker, report)
  regain(state, run, task, worker)
  task.accepted = true
  if (report.kind === 'accepted') return
  // Leased or running: it counts the same, and is no reason for a write of its own.
  task.state = 'running'
  task.started_ms = report.at_ms
  const attempt = task.attempts.at(-1)
  if (attempt) Object.assign(attempt, { state: 'running', started_ms: report.at_ms })
  run.started_ms ??= report.at_ms
  touchLazily(state, now, run, task)
}

/** Nobody waits for this attempt: a newer one was leased, or its task is over. */
function fence(
  state: State,
  worker: Worker,
  { task_id, attempt }: { task_id: string; attempt: number },
): void {
  say(state, worker.session?.peer ?? '', { kind: 'stop', task_id, attempt, reason: 'fenced' })
}

/** The task, if this is its newest attempt and it is not over. */
function current(
  state: State,
  worker: Worker,
  { task_id, attempt }: { task_id: string; attempt: number },
): { task?: Task; run?: Run } {
  const task = taskById(state, task_id)
  const run = task && state.runs.get(task.run_id)
  if (!run || !isCurrent(task, attempt, worker)) return {}
  return { task, run }
}

/** An attempt is over. Whatever it means, the worker gets its acknowledgement once that is on disk. */
function ended(state: State, now: Now, worker: Worker, report: Ended, found: Found): void {
  const { task_id, attempt } = report
  say(state, worker.session?.peer ?? '', { kind: 'ack', of: 'ended', task_id, attempt })
  const { task, run } = current(state, worker, report)
  if (!task || !run) return noteStale(state, worker, report, found)
  regain(state, run, task, worker)
  if (report.reason === 'returned' && !run.cancel_requested) {
    closeAttempt(task, now, 'ready', 'given back before it ran')
    return release(state, run, task)
  }
  takeOver(task, run, report)
  const outcome = outcomeOf(report)
  const delay_ms =
    outcome === 'succeeded' || run.cancel_requested ? null : delayFor(state, run, task, report)
  closeAttempt(task, now, outcome, report.reason)
  state.touched.runs.add(run)
  if (delay_ms === null) endTask(state, now, run, task, outcome, reasonOf(report))
  else putOff(state, now, run, task, delay_ms)
  leaseOwn(state, worker)
}

type Outcome = 'succeeded' | 'failed' | 'timed_out'

function outcomeOf({ exit_code, reason }: Ended): Outcome {
  if (reason === 'timeout') return 'timed_out'
  return reason === null && exit_code === 0 ? 'succeeded' : 'failed'
}

const reasonOf = ({ reason, message }: Ended): string | null =>
  reason === null || reason === 'timeout'
    ? message
    : message === null
      ? reason
      : `${reason}: ${message}`

/** What the report says goes into the task and its attempt. */
function takeOver(task: Task, run: Run, report: Ended): void {
  const { exit_code, signal, output, stdout_bytes, stderr_bytes, error_tail } = report
  Object.assign(task, {
    exit_code,
    signal,
    output,
    stdout_bytes,
    stderr_bytes,
    error_tail,
    accepted: true,
  })
  const started_ms = report.started_at_ms ?? task.started_ms
  task.started_ms = started_ms
  run.started_ms ??= started_ms
  const attempt = task.attempts.at(-1)
  if (attempt)
    Object.assign(attempt, { exit_code, signal, started_ms, finished_ms: report.finished_at_ms })
}

const TOO_LATE = 'reported too late'

/** A stale report changes nothing; it is kept as a note on its attempt, also when its run is over and out of memory. */
function noteStale(state: State, worker: Worker, report: Ended, found: Found): void {
  const task = taskById(state, report.task_id) ?? endedTask(state, report.task_id, found)
  const attempt = task?.attempts.find(
    (item) => item.attempt === report.attempt && item.worker === worker.name,
  )
  if (!task || attempt?.state !== 'lost' || attempt.reason?.includes(TOO_LATE)) return
  attempt.exit_code = report.exit_code
  attempt.signal = report.signal
  attempt.reason = `${attempt.reason}; ${TOO_LATE}: ${outcomeOf(report)}`
  state.touched.tasks.add(task)
}

/** A task of a run that is over, as it is stored, or as this turn has noted it already. */
function endedTask(state: State, task_id: string, found: Found): Task | undefined {
  const { run_id, n } = placeOf(task_id)
  const stored = found.runs.get(run_id)?.tasks.find((task) => task.n === n)
  return stored && ([...state.touched.tasks].find((task) => taskId(task) === task_id) ?? stored)
}
