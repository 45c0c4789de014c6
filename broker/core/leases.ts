/**
 * Leases: who still has the right to which attempt.
 *
 * A worker holds all its attempts by one lease, which everything it says renews. When the lease runs out, each attempt
 * is lost and its job's `on_lost` decides; a worker that comes back is asked what it still holds, and what it holds is
 * adopted unless a newer attempt was leased meanwhile.
 */
import { HAND_OVER_MS, LEASE_MS, AWAY_MS } from '../../common/protocol/limits.ts'
import type { Held } from '../../common/protocol/worker-door.ts'
import { dueAt } from './deadlines.ts'
import type { Now } from './event.ts'
import { note } from './feed.ts'
import { finishIfOver, isOver } from './finish.ts'
import { followEach } from './next.ts'
import { enqueue, dequeue, isActive, moveTask } from './lanes.ts'
import { poison } from './limits.ts'
import { say } from './effect.ts'
import {
  type Attempt,
  placeOf,
  type Run,
  type State,
  type Task,
  type Worker,
  taskId,
} from './state.ts'

/** An `all` task is lost when its worker has been away this long. */
export const LOST_AFTER_AWAY_MS = 600_000

/** A worker that was away this long is forgotten. */
export const FORGOTTEN_AFTER_MS = 7 * 86_400_000

/** A worker was heard: its leases and its presence are renewed. */
export function renew(worker: Worker, now: Now): void {
  worker.last_heard_ms = now.wall_ms
  worker.lease_until_ms = now.mono_ms + LEASE_MS
  worker.away_at_ms = now.mono_ms + AWAY_MS
}

/** Watches over a worker's leases and presence from now on. */
export function watch(state: State, worker: Worker): void {
  watchFor(state, worker, 'lease', worker.lease_until_ms)
  watchFor(state, worker, 'away', worker.away_at_ms)
}

export function watchFor(
  state: State,
  worker: Worker,
  kind: 'lease' | 'away' | 'forget',
  at_ms: number,
): void {
  if (worker.watched.has(kind)) return
  worker.watched.add(kind)
  dueAt(state, at_ms, { kind, worker: worker.name })
}

/** After a clean stop with commands running, their leases hold longer. */
export function handOver(worker: Worker, now: Now): void {
  worker.handing_over = [...worker.holds.values()].some(isActive)
  if (worker.handing_over) worker.lease_until_ms = now.mono_ms + HAND_OVER_MS
}

/** The lease deadline came: unless it was renewed, everything the worker holds is lost. */
export function leaseOver(state: State, now: Now, worker: Worker): void {
  worker.watched.delete('lease')
  if (worker.lease_until_ms > now.mono_ms)
    return watchFor(state, worker, 'lease', worker.lease_until_ms)
  if (worker.session) state.sessions.delete(worker.session.token)
  worker.session = null
  worker.handing_over = false
  state.touched.workers.add(worker)
  for (const task of worker.holds.values()) if (isActive(task)) loseByPolicy(state, now, task)
}

/** The presence deadline came: unless it was heard, the worker is away. */
export function workerAway(state: State, now: Now, worker: Worker): void {
  worker.watched.delete('away')
  if (worker.away_at_ms > now.mono_ms) return watchFor(state, worker, 'away', worker.away_at_ms)
  note(state, now, { topic: `worker.away.${worker.name}.`, worker: worker.name })
  watchFor(state, worker, 'forget', worker.away_at_ms + FORGOTTEN_AFTER_MS)
  for (const task of worker.holds.values()) awaitReturn(state, worker, task)
}

/** A task of a worker that is away is looked at when that has lasted too long. */
export function awaitReturn(state: State, worker: Worker, { run_id, n }: Task): void {
  dueAt(state, worker.away_at_ms + LOST_AFTER_AWAY_MS, { kind: 'task', run_id, n, due_ms: null })
}

/** What a lost lease means is the job's choice. */
function loseByPolicy(state: State, now: Now, task: Task): void {
  const run = state.runs.get(task.run_id)
  const card = run?.card ? state.cards.get(run.card) : undefined
  if (!run || !card) return
  if (card.on_lost === 'wait' && !run.cancel_requested) return
  // An `all` task has nowhere else to go: its worker may still come back with it.
  if (card.deliver === 'all' && card.on_lost === 'retry' && !run.cancel_requested) return
  lose(state, now, run, task, 'its worker was not heard of in time')
}

/** The attempt is over without an outcome. */
export function lose(state: State, now: Now, run: Run, task: Task, why: string): void {
  const card = run.card ? state.cards.get(run.card) : undefined
  task.lost += 1
  closeAttempt(task, now, 'lost', why)
  if (task.lost >= state.limits.max_lost)
    endTask(state, now, run, task, 'lost', poison(state.limits))
  else if (run.cancel_requested || card?.on_lost === 'fail')
    endTask(state, now, run, task, 'lost', why)
  else release(state, run, task)
}

/** Ready for its next attempt: by anybody, or (an `all` task) by its own worker. */
export function release(state: State, run: Run, task: Task): void {
  moveTask(state, run, task, 'ready')
  task.accepted = false
  const worker = task.worker === null ? undefined : state.workers.get(task.worker)
  if (run.deliver === 'all') return void worker?.waiting.add(task)
  worker?.holds.delete(taskId(task))
  task.worker = null
  enqueue(state, run)
}

type TaskEnd = 'canceled' | 'lost' | 'missed' | 'succeeded' | 'failed' | 'timed_out'

/** A task is over for good: `canceled` if that was asked for, whatever it came to. The run ends with its last one. */
export function endTask(
  state: State,
  now: Now,
  run: Run,
  task: Task,
  outcome: TaskEnd,
  why: string | null,
): void {
  const to = run.cancel_requested ? 'canceled' : outcome
  task.reason = run.cancel_requested ? run.reason : why
  task.finished_ms = now.wall_ms
  task.due_ms = null
  const newest = task.attempts.at(-1)
  if (newest && isOpen(newest)) closeAttempt(task, now, to, task.reason)
  moveTask(state, run, task, to)
  const worker = task.worker === null ? undefined : state.workers.get(task.worker)
  worker?.holds.delete(taskId(task))
  worker?.waiting.delete(task)
  followEach(state, run, task)
  finishIfOver(state, now, run)
}

/** Writes down how the newest attempt ended. */
export function closeAttempt(task: Task, now: Now, to: Task['state'], reason: string | null): void {
  const attempt = task.attempts.at(-1)
  if (!attempt || attempt.attempt !== task.attempt) return
  attempt.state = to
  attempt.reason = reason
  attempt.finished_ms ??= now.wall_ms
}

/** What a returning worker should hold, and does not: each difference is settled here. `held` has been adopted. */
export function reconcile(state: State, now: Now, worker: Worker, held: readonly Held[]): void {
  const said = new Map(held.map((item) => [item.task_id, item]))
  for (const task of worker.holds.values()) {
    const run = state.runs.get(task.run_id)
    if (!run || !isActive(task) || said.get(taskId(task))?.attempt === task.attempt) continue
    if (run.cancel_requested) sayStop(state, worker, task, 'canceled')
    if (run.cancel_requested || task.accepted || task.state === 'running')
      lose(state, now, run, task, 'its worker has it no more')
    else sayAgain(state, run, task, worker)
  }
}

/** The same spool would know it: what it was sent has not reached it, so it never ran, and takes credit only now. */
function sayAgain(state: State, run: Run, task: Task, worker: Worker): void {
  resend(state, run, task, worker)
  if (run.deliver === 'all') return
  worker.given += 1
  worker.credit = Math.max(worker.credit, worker.given)
}

/** A different spool under the same name: whatever the old one had is gone. */
export function loseAll(state: State, now: Now, worker: Worker): void {
  for (const task of worker.holds.values()) {
    const run = state.runs.get(task.run_id)
    if (run && isActive(task))
      lose(state, now, run, task, 'its worker came back with an empty spool')
  }
}

/** The attempt goes on, unless it is not wanted any more: then it is stopped. */
export function adopt(state: State, worker: Worker, { task_id, attempt, state: held }: Held): void {
  const task = taskById(state, task_id)
  const run = task && state.runs.get(task.run_id)
  const peer = worker.session?.peer ?? ''
  // An ended one is reported next; that report gets its acknowledgement whatever became of the task.
  if (!run || !task || !isCurrent(task, attempt, worker)) {
    if (held !== 'ended') say(state, peer, { kind: 'stop', task_id, attempt, reason: 'fenced' })
    return
  }
  regain(state, run, task, worker)
  task.accepted = true
  if (held === 'running' && task.state === 'leased') moveTask(state, run, task, 'running')
  if (run.cancel_requested) sayStop(state, worker, task, 'canceled')
}

/** Takes a lost attempt back when no newer one was leased. */
export function regain(state: State, run: Run, task: Task, worker: Worker): void {
  if (task.state !== 'ready') return
  dequeue(state, run)
  task.worker = worker.name
  worker.holds.set(taskId(task), task)
  worker.waiting.delete(task)
  const attempt = task.attempts.at(-1)
  if (attempt) Object.assign(attempt, { state: 'leased', reason: null, finished_ms: null })
  // Nothing was lost after all: a link that breaks now and then is no poison.
  task.lost -= 1
  moveTask(state, run, task, 'leased')
}

/** Whether the newest attempt is, or was, this worker's. */
export const isMine = (task: Task, worker: Worker): boolean =>
  task.attempts.at(-1)?.worker === worker.name

/** Whether what a worker says of an attempt still counts: it is the newest, and neither reported nor given back. */
export function isCurrent(task: Task, attempt: number, worker: Worker): boolean {
  const newest = task.attempts.at(-1)
  if (isOver(task) || newest?.attempt !== attempt || newest.worker !== worker.name) return false
  return isOpen(newest) || newest.state === 'lost'
}

const isOpen = ({ state }: Attempt): boolean => state === 'leased' || state === 'running'

/** Tasks of a broadcast that nobody accepted in time go through their workers' own doors. */
export function resendUnaccepted(state: State, run_id: string): void {
  const run = state.runs.get(run_id)
  for (const task of run?.tasks ?? []) {
    const worker = task.worker === null ? undefined : state.workers.get(task.worker)
    if (run && worker && task.state === 'leased' && !task.accepted) remind(state, run, task, worker)
  }
}

/** Says again what a worker has not answered: the task, or that it is canceled. */
export function remind(state: State, run: Run, task: Task, worker: Worker): void {
  if (run.cancel_requested) sayStop(state, worker, task, 'canceled')
  else resend(state, run, task, worker)
}

export function sayStop(
  state: State,
  worker: Worker,
  task: Task,
  reason: 'canceled' | 'fenced',
): void {
  if (!worker.session) return
  const { attempt } = task
  say(state, worker.session.peer, { kind: 'stop', task_id: taskId(task), attempt, reason })
}

/** Says a task again; a worker that knows it only accepts again. */
function resend(state: State, run: Run, task: Task, worker: Worker): void {
  if (!worker.session) return
  state.effects.push({
    kind: 'task',
    peer: worker.session.peer,
    run,
    n: task.n,
    attempt: task.attempt,
  })
}

export function taskById(state: State, task_id: string): Task | undefined {
  const { run_id, n } = placeOf(task_id)
  return state.runs.get(run_id)?.tasks[n]
}
