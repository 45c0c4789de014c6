/**
 * Slots and credit: what starts now, and how much more this worker asks for.
 *
 * A task of `deliver: one` takes credit; a broadcast takes none, but needs a slot all the same. Credit counts up over
 * a session, so that neither a lost nor a repeated message changes what it means.
 */
import { prepare } from './prepare.ts'
import { report, refusal } from './reports.ts'
import type { Effect, Now } from './event.ts'
import type { Attempt, Limits, Worker } from './state.ts'
import { countRunning } from './state.ts'
import { newStream } from './streams.ts'

/** Commands quicker than this are worth fetching ahead, because the way to the broker takes as long as they do. */
const QUICK_MS = 50
/** So many tasks for each slot are fetched ahead at the most. */
const AHEAD_PER_SLOT = 2
/** A task that was fetched ahead and still waits after this long is given back: another worker may be free. */
export const GIVE_BACK_MS = 1_000

/** Starts what there are slots for. */
export function startQueued(worker: Worker, now: Now): Effect[] {
  if (worker.leaving || worker.draining || !worker.is_welcome) return []
  const effects: Effect[] = []
  let free = worker.slots - countRunning(worker)
  while (free > 0) {
    const key = worker.queue.shift()
    if (key === undefined) break
    const attempt = worker.attempts.get(key)
    if (!attempt) throw new Error(`${key} is in the queue and not held`)
    effects.push(...startOne(worker, attempt, now))
    if (attempt.stage.kind === 'running') free -= 1
  }
  return effects
}

function startOne(worker: Worker, attempt: Attempt, now: Now): Effect[] {
  const prepared = prepare(worker.jobs, worker.name, attempt.task, now.wall_ms)
  if (prepared.kind === 'refused')
    return report(worker, attempt, refusal(attempt, prepared.reason, prepared.message, now))
  const { timeout_ms, kill_after_ms, output_limit_bytes } = prepared.job.card
  const limits: Limits = { timeout_ms, kill_after_ms, output_limit_bytes }
  attempt.stage = {
    kind: 'running',
    started_ms: now.mono_ms,
    started_at_ms: null,
    limits,
    streams: { stdout: newStream(), stderr: newStream() },
    kill_at_ms: null,
  }
  worker.active.add(attempt.key)
  const { key, task } = attempt
  return [{ kind: 'start', key, task, job: prepared.job, values: prepared.values, limits }]
}

/** Raises the credit when there is room for more than was asked for. */
export function announceCredit(worker: Worker): Effect[] {
  if (worker.link.kind !== 'open') return []
  const credit = worker.credit.received + room(worker)
  if (credit <= worker.credit.announced) return []
  worker.credit.announced = credit
  return [{ kind: 'send', message: { kind: 'credit', credit } }]
}

/** A new session counts from nothing. Answers the credit that its `hello` asks for. */
export function freshCredit(worker: Worker): number {
  worker.credit = { received: 0, announced: room(worker) }
  return worker.credit.announced
}

/** How many more tasks this worker can take. */
function room(worker: Worker): number {
  if (worker.leaving || worker.draining || worker.disk_low) return 0
  const running = countRunning(worker)
  const waiting = worker.attempts.size - worker.active.size
  return Math.max(0, worker.slots + ahead(worker) - running - waiting)
}

/** Never more than is worked off within the time that counts as quick, so that nobody waits for long behind it. */
function ahead(worker: Worker): number {
  if (worker.pace_ms === null || worker.pace_ms >= QUICK_MS) return 0
  const quick = Math.floor((worker.slots * QUICK_MS) / Math.max(1, worker.pace_ms))
  return Math.min(AHEAD_PER_SLOT * worker.slots, quick)
}

/** Notes how long a command took; the latest few count. */
export function notePace(worker: Worker, took_ms: number): void {
  worker.pace_ms = worker.pace_ms === null ? took_ms : worker.pace_ms * 0.8 + took_ms * 0.2
}
