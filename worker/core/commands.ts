/** What happens to a command from its start to its end: growth, timeout, stop, exit. */
import type { Effect, Event, Now } from './event.ts'
import { ending, forget, report } from './reports.ts'
import { notePace } from './slots.ts'
import { type Attempt, LISTEN_MS, type StopReason, type Worker } from './state.ts'
import { notKept, reportUnstarted, stopUnknown } from './tasks.ts'

/** A keeper that dies before the command began gets so many more tries. */
const MOST_FALSE_STARTS = 3

type Of<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>

export function commandStarted(worker: Worker, { key, at_ms }: Of<'started'>): Effect[] {
  const attempt = worker.attempts.get(key)
  if (attempt?.stage.kind !== 'running') return []
  attempt.stage.started_at_ms = at_ms
  const { task_id, attempt: number } = attempt.task
  return [{ kind: 'send', message: { kind: 'started', task_id, attempt: number, at_ms } }]
}

export function commandGrew(worker: Worker, event: Of<'grew'>): Effect[] {
  const stage = worker.attempts.get(event.key)?.stage
  if (stage?.kind !== 'running') return []
  stage.streams.stdout.size = event.stdout_bytes
  stage.streams.stderr.size = event.stderr_bytes
  return []
}

export function commandExited(worker: Worker, { key, exit }: Of<'exited'>, now: Now): Effect[] {
  const attempt = worker.attempts.get(key)
  if (attempt?.stage.kind !== 'running') return []
  if (exit.how.kind === 'code') notePace(worker, now.mono_ms - attempt.stage.started_ms)
  if (exit.how.kind === 'never_ran' && attempt.stop === null)
    return startAnew(worker, attempt, exit, now)
  if (exit.how.kind === 'not_kept') return notKept(worker, attempt, exit.how.message, now)
  return report(worker, attempt, ending(attempt, exit))
}

/** It goes to the front of the queue, under the same attempt: nothing of it ever ran. */
function startAnew(
  worker: Worker,
  attempt: Attempt,
  exit: Of<'exited'>['exit'],
  now: Now,
): Effect[] {
  attempt.false_starts += 1
  if (attempt.false_starts > MOST_FALSE_STARTS) {
    const message = 'the shell that was to start it died each time before it began'
    return report(
      worker,
      attempt,
      ending(attempt, { ...exit, how: { kind: 'not_started', message } }),
    )
  }
  attempt.stage = { kind: 'queued', since_ms: now.mono_ms }
  worker.active.delete(attempt.key)
  worker.queue.unshift(attempt.key)
  return []
}

/** The broker wants an end of it. */
export function stopAttempt(
  worker: Worker,
  key: string,
  ref: { readonly task_id: string; readonly attempt: number },
  reason: 'canceled' | 'fenced',
  now: Now,
): Effect[] {
  const attempt = worker.attempts.get(key)
  if (!attempt) return stopUnknown(worker, ref, reason, now)
  const { stage } = attempt
  if (stage.kind === 'reporting')
    return reason === 'fenced' ? forget(worker, attempt, 'fenced') : []
  if (stage.kind === 'running') return stopCommand(attempt, reason, now)
  attempt.stop = reason
  // An arriving one is reported when its record is kept.
  if (stage.kind === 'arriving') return []
  return [{ kind: 'note_stop', key, reason }, ...reportUnstarted(worker, attempt, now)]
}

function stopCommand(attempt: Attempt, reason: StopReason, now: Now): Effect[] {
  const { stage, key } = attempt
  if (stage.kind !== 'running') throw new Error(`${key} does not run`)
  // The first reason is the true one, but what nobody wants any more is not reported.
  const first = attempt.stop === null
  if (!first && reason !== 'fenced') return []
  attempt.stop = reason
  if (!first) return [{ kind: 'note_stop', key, reason }]
  stage.kill_at_ms = now.mono_ms + stage.limits.kill_after_ms
  return [{ kind: 'terminate', key, reason }]
}

/** A limit that is this late says that the daemon was stopped: it listens first (`LISTEN_MS`). */
const OVERSLEPT_MS = 100

/** Stops what is overdue, and kills what did not stop. */
export function enforceLimits(worker: Worker, now: Now): Effect[] {
  const soonest = soonestLimit(worker)
  if (soonest > worker.limits_from_ms && now.mono_ms - soonest > OVERSLEPT_MS)
    worker.limits_from_ms = now.mono_ms + LISTEN_MS
  if (now.mono_ms < worker.limits_from_ms) return []
  const effects: Effect[] = []
  for (const attempt of running(worker)) {
    const { stage } = attempt
    if (stage.kill_at_ms !== null && now.mono_ms >= stage.kill_at_ms) {
      // Should it outlive even that (a disk that hangs), it is tried again later.
      stage.kill_at_ms = now.mono_ms + Math.max(1_000, stage.limits.kill_after_ms)
      effects.push({ kind: 'kill', key: attempt.key })
    } else if (attempt.stop === null && now.mono_ms >= timeoutAt(stage))
      effects.push(...stopCommand(attempt, 'timeout', now))
  }
  return effects
}

/** When `enforceLimits` has something to do; Infinity is never. */
export const limitDeadline = (worker: Worker): number =>
  Math.max(soonestLimit(worker), worker.limits_from_ms)

function soonestLimit(worker: Worker): number {
  let soonest = Infinity
  for (const { stage, stop } of running(worker))
    soonest = Math.min(soonest, stage.kill_at_ms ?? (stop === null ? timeoutAt(stage) : Infinity))
  return soonest
}

const timeoutAt = (stage: RunningAttempt['stage']): number =>
  stage.limits.timeout_ms === null ? Infinity : stage.started_ms + stage.limits.timeout_ms

type RunningAttempt = Attempt & { stage: Extract<Attempt['stage'], { kind: 'running' }> }

function* running(worker: Worker): Generator<RunningAttempt> {
  for (const key of worker.active) {
    const attempt = worker.attempts.get(key)
    if (attempt?.stage.kind === 'running') yield attempt as RunningAttempt
  }
}
