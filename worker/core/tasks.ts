/** How attempts come to this worker, and how they leave it without having run. */
import type { Task } from '../../common/protocol/worker-door.ts'
import type { Effect, Event, Now, Restored } from './event.ts'
import { forget, refusal, remember, report } from './reports.ts'
import { GIVE_BACK_MS } from './slots.ts'
import type { Attempt, AttemptTask, Worker } from './state.ts'
import { keyOf, LISTEN_MS } from './state.ts'
import { newStream } from './streams.ts'

/** `hello` lists all that is held in one frame, beside the cards. */
const MOST_HELD = 2_000

/** A task came, through the door or as a broadcast. */
export function taskCame(worker: Worker, message: Task, now: Now): Effect[] {
  const task = taskOf(worker, message)
  if (!task || worker.leaving) return []
  const key = keyOf(task)
  const known = worker.attempts.get(key)
  if (known) return sayAgain(known)
  const over = worker.over.get(key)
  if (over === 'canceled' || over === 'returned')
    return [{ kind: 'send', message: refusal({ task }, over, null, now) }]
  if (over !== undefined) return []

  const takes_credit = takesCredit(worker, message)
  if (takes_credit) worker.credit.received += 1
  if (takes_credit && worker.draining) return giveBack(worker, task, 'the worker is draining', now)
  if (worker.attempts.size >= MOST_HELD)
    return giveBack(
      worker,
      task,
      `the worker holds ${MOST_HELD} attempts, more than that it cannot list`,
      now,
    )
  const attempt = newAttempt(task, takes_credit)
  worker.attempts.set(key, attempt)
  return [{ kind: 'keep', key, task }]
}

/**
 * A task that cannot be read is reported as a failure: left alone, it would be said again for ever. `bad_parameter` is what
 * trying again cannot change.
 */
export function unreadableCame(
  worker: Worker,
  { ref, takes_credit, why }: Extract<Event, { kind: 'unreadable_task' }>,
  now: Now,
): Effect[] {
  if (worker.leaving) return []
  const key = keyOf(ref)
  if (takes_credit && !worker.over.has(key)) worker.credit.received += 1
  remember(worker, key, 'reported')
  const message = `this worker cannot read the task (${why}): update it`
  return [{ kind: 'send', message: refusal({ task: ref }, 'bad_parameter', message, now) }]
}

/** Only what names this worker is for it; the same broadcast carries the numbers of all. */
function taskOf(worker: Worker, message: Task): AttemptTask | null {
  const { run_id, flow_id, job, params, context, token, attempt, tasks } = message
  const n = tasks && Object.hasOwn(tasks, worker.name) ? tasks[worker.name] : undefined
  const task_id = message.task_id ?? (n === undefined ? undefined : `${run_id}.${n}`)
  if (task_id === undefined) return null
  const secret = secretIn(worker, message)
  const task = { task_id, attempt, run_id, flow_id, job, params, context }
  return {
    ...task,
    ...(token === undefined ? {} : { token }),
    ...(secret.length === 0 ? {} : { secret }),
  }
}

/** What the broker says to be secret (it knows the jobs of all workers), and what a job of this worker does. */
const secretIn = ({ secret_names }: Worker, { params, secret = [] }: Task): string[] =>
  Object.keys(params).filter((name) => secret_names.has(name) || secret.includes(name))

/** A broadcast that was missed comes through the door too, and takes no credit there either. */
function takesCredit(worker: Worker, message: Task): boolean {
  if (message.task_id === undefined) return false
  const deliver = message.deliver ?? worker.jobs.get(message.job)?.card.deliver ?? 'one'
  return deliver === 'one'
}

const newAttempt = (task: AttemptTask, takes_credit: boolean): Attempt => ({
  key: keyOf(task),
  task,
  takes_credit,
  stop: null,
  stage: { kind: 'arriving' },
  false_starts: 0,
  resend_at_ms: null,
})

function sayAgain(attempt: Attempt): Effect[] {
  const { stage, task } = attempt
  if (stage.kind === 'arriving') return []
  if (stage.kind === 'reporting') return stage.told ? [{ kind: 'send', message: stage.ended }] : []
  const { task_id, attempt: number } = task
  return [{ kind: 'send', message: { kind: 'accepted', task_id, attempt: number } }]
}

/** Another attempt of it will have another number: this one never runs here, whatever is still under way. */
function giveBack(worker: Worker, task: AttemptTask, why: string, now: Now): Effect[] {
  remember(worker, keyOf(task), 'returned')
  return [{ kind: 'send', message: refusal({ task }, 'returned', why, now) }]
}

/** Its record is on disk, or cannot be: then another worker may have more luck. */
export function taskKept(worker: Worker, key: string, failure: string | null, now: Now): Effect[] {
  const attempt = worker.attempts.get(key)
  if (attempt?.stage.kind !== 'arriving') return []
  if (failure !== null) return notKept(worker, attempt, failure, now)
  if (attempt.stop !== null) return reportUnstarted(worker, attempt, now)
  attempt.stage = { kind: 'queued', since_ms: now.mono_ms }
  worker.queue.push(key)
  const { task_id, attempt: number } = attempt.task
  return [{ kind: 'send', message: { kind: 'accepted', task_id, attempt: number } }]
}

/** The spool did not take what is needed to run it: it goes back, and no more are taken until there is room. */
export function notKept(worker: Worker, attempt: Attempt, why: string, now: Now): Effect[] {
  worker.disk_low = true
  // Its record goes at once, which needs no room: the next daemon must not start what somebody else may have by then.
  return [
    { kind: 'forget', key: attempt.key },
    ...report(worker, attempt, refusal(attempt, 'returned', `spool: ${why}`, now)),
  ]
}

/** The attempts that an earlier daemon of this spool left, in the order in which they came. */
export function tasksRestored(worker: Worker, restored: readonly Restored[], now: Now): Effect[] {
  const effects: Effect[] = []
  // Some of them may have ended while no daemon looked.
  worker.limits_from_ms = now.mono_ms + LISTEN_MS
  for (const { task, stop, running } of restored) {
    const attempt = newAttempt(task, false)
    attempt.stop = stop
    worker.attempts.set(attempt.key, attempt)
    if (running) {
      attempt.stage = {
        kind: 'running',
        started_ms: now.mono_ms - running.running_for_ms,
        started_at_ms: running.started_at_ms,
        limits: running.limits,
        streams: { stdout: newStream(), stderr: newStream() },
        kill_at_ms: stop === null ? null : now.mono_ms + running.limits.kill_after_ms,
      }
      worker.active.add(attempt.key)
      if (stop !== null) effects.push({ kind: 'terminate', key: attempt.key, reason: stop })
    } else if (stop !== null) effects.push(...reportUnstarted(worker, attempt, now))
    else {
      attempt.stage = { kind: 'queued', since_ms: now.mono_ms }
      worker.queue.push(attempt.key)
    }
  }
  return effects
}

/** It was stopped before it began. */
export function reportUnstarted(worker: Worker, attempt: Attempt, now: Now): Effect[] {
  worker.queue = worker.queue.filter((key) => key !== attempt.key)
  const reason = attempt.stop === 'returned' ? 'returned' : 'canceled'
  return report(worker, attempt, refusal(attempt, reason, 'stopped before it began', now))
}

/**
 * A stop for something that is not here. Its task may still be under way (broadcasts take another road), and must not
 * run when it comes.
 */
export function stopUnknown(
  worker: Worker,
  ref: { readonly task_id: string; readonly attempt: number },
  reason: 'canceled' | 'fenced',
  now: Now,
): Effect[] {
  const key = keyOf(ref)
  if (worker.over.get(key) === 'reported') return []
  remember(worker, key, reason)
  if (reason === 'fenced') return []
  return [{ kind: 'send', message: refusal({ task: ref }, 'canceled', 'it never came here', now) }]
}

/** While draining nothing starts; what any worker may do goes back. Broadcasts stay: they are for this worker alone. */
export function drainSet(worker: Worker, on: boolean, now: Now): Effect[] {
  worker.draining = on
  return on ? giveBackQueued(worker, () => true, 'the worker is draining', now) : []
}

/** What was fetched ahead and cannot start soon goes back. */
export function giveBackLate(worker: Worker, now: Now): Effect[] {
  const late = (since_ms: number): boolean => now.mono_ms >= since_ms + GIVE_BACK_MS
  if (worker.link.kind !== 'open' || worker.leaving) return []
  return giveBackQueued(worker, late, 'no slot came free soon enough', now)
}

function giveBackQueued(
  worker: Worker,
  which: (since_ms: number) => boolean,
  why: string,
  now: Now,
): Effect[] {
  const effects: Effect[] = []
  for (const key of worker.queue) {
    const attempt = worker.attempts.get(key)
    if (attempt?.stage.kind !== 'queued' || !attempt.takes_credit) continue
    if (!which(attempt.stage.since_ms)) continue
    attempt.stop = 'returned'
    // Noted before it is told: the next daemon of this spool must not start what somebody else may have by then.
    effects.push({ kind: 'note_stop', key, reason: 'returned' })
    effects.push(...report(worker, attempt, refusal(attempt, 'returned', why, now)))
  }
  worker.queue = worker.queue.filter((key) => worker.attempts.get(key)?.stage.kind === 'queued')
  return effects
}

/** When the oldest of those that go back is due; null is never. */
export function giveBackDeadline(worker: Worker): number | null {
  if (worker.link.kind !== 'open' || worker.leaving) return null
  for (const key of worker.queue) {
    const attempt = worker.attempts.get(key)
    if (attempt?.takes_credit && attempt.stage.kind === 'queued')
      return attempt.stage.since_ms + GIVE_BACK_MS
  }
  return null
}

/** The broker has the report: nothing of the attempt is needed any more. */
export function reportAcknowledged(worker: Worker, key: string): Effect[] {
  const attempt = worker.attempts.get(key)
  if (attempt?.stage.kind !== 'reporting') return []
  const { reason } = attempt.stage.ended
  return forget(
    worker,
    attempt,
    reason === 'canceled' || reason === 'returned' ? reason : 'reported',
  )
}
