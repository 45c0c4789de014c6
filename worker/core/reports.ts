/** The way of an attempt's report: its output first, chunk by chunk, then `ended`, until the broker has it. */
import type { Ended, EndReason } from '../../common/protocol/worker-door.ts'
import { RESEND_MS } from '../../common/protocol/limits.ts'
import type { Effect, Exit, Now, StreamName } from './event.ts'
import type { Attempt, Over, StopReason, Streams, Worker } from './state.ts'
import {
  isDelivered,
  newStream,
  rewind,
  STREAM_WINDOW_CHUNKS,
  takeChunk,
  takeCut,
  WORKER_WINDOW_CHUNKS,
} from './streams.ts'
import { signalOf } from './signals.ts'

const STREAM_NAMES: readonly StreamName[] = ['stdout', 'stderr']

/** How many attempts that are over are remembered, so that a late copy of their task is known. */
const REMEMBERED = 10_000

/** What is told of an attempt whose command came to an end. */
export function ending(attempt: Attempt, exit: Exit): Ended {
  const stopped: StopReason | null = attempt.stop
  const { how } = exit
  const told = {
    kind: 'ended' as const,
    task_id: attempt.task.task_id,
    attempt: attempt.task.attempt,
    started_at_ms: exit.started_at_ms,
    finished_at_ms: exit.finished_at_ms,
    output: { ...exit.output },
    stdout_bytes: exit.stdout_bytes,
    stderr_bytes: exit.stderr_bytes,
    error_tail: exit.error_tail,
  }
  const reason = stopped === 'fenced' ? 'canceled' : stopped
  if (how.kind === 'code')
    return {
      ...told,
      exit_code: how.exit_code,
      signal: signalOf(how.exit_code),
      reason,
      message: null,
    }
  if (how.kind === 'killed' && reason !== null)
    return { ...told, exit_code: 137, signal: 'SIGKILL', reason, message: null }
  if (how.kind === 'killed')
    return { ...told, exit_code: null, signal: null, reason: 'killed', message: how.message }
  const message = how.kind === 'not_started' ? how.message : 'stopped before it began'
  return { ...told, exit_code: null, signal: null, reason: reason ?? 'spawn_failed', message }
}

/** What is told of an attempt that never ran. */
export function refusal(
  ref:
    | Pick<Attempt, 'task'>
    | { readonly task: { readonly task_id: string; readonly attempt: number } },
  reason: EndReason,
  message: string | null,
  now: Now,
): Ended {
  return {
    kind: 'ended',
    task_id: ref.task.task_id,
    attempt: ref.task.attempt,
    exit_code: null,
    signal: null,
    reason,
    message: message?.slice(0, 4096) ?? null,
    started_at_ms: null,
    finished_at_ms: now.wall_ms,
    output: {},
    stdout_bytes: 0,
    stderr_bytes: 0,
    error_tail: '',
  }
}

/** From here on the attempt holds no slot: only its report is left. */
export function report(worker: Worker, attempt: Attempt, ended: Ended): Effect[] {
  if (attempt.stop === 'fenced') return forget(worker, attempt, 'fenced')
  const running = attempt.stage.kind === 'running' ? attempt.stage : null
  const streams: Streams = running?.streams ?? { stdout: newStream(), stderr: newStream() }
  streams.stdout.size = ended.stdout_bytes
  streams.stderr.size = ended.stderr_bytes
  const limit_bytes = running?.limits.output_limit_bytes ?? 0
  attempt.stage = { kind: 'reporting', ended, limit_bytes, streams, told: false }
  worker.active.add(attempt.key)
  return []
}

/** The attempt leaves memory and spool; its key is remembered for a while. */
export function forget(worker: Worker, attempt: Attempt, as: Over): Effect[] {
  worker.attempts.delete(attempt.key)
  worker.active.delete(attempt.key)
  if (attempt.stage.kind === 'queued') worker.queue = worker.queue.filter((k) => k !== attempt.key)
  remember(worker, attempt.key, as)
  return [{ kind: 'forget', key: attempt.key }]
}

export function remember(worker: Worker, key: string, as: Over): void {
  worker.over.set(key, as)
  if (worker.over.size <= REMEMBERED) return
  const [oldest] = worker.over.keys()
  if (oldest !== undefined) worker.over.delete(oldest)
}

/** Sends what may be sent now: chunks as far as the windows allow, and the `ended` of those that have none left. */
export function pumpReports(worker: Worker, now: Now): Effect[] {
  const effects: Effect[] = []
  let window = WORKER_WINDOW_CHUNKS
  for (const { streams } of withStreams(worker))
    for (const name of STREAM_NAMES) window -= streams[name].in_flight.length
  for (const { attempt, streams, limit_bytes, ended } of withStreams(worker)) {
    for (const stream of STREAM_NAMES) {
      if (!ended) effects.push(...cut(attempt, stream, streams, limit_bytes))
      if (worker.link.kind !== 'open') continue
      for (let i = 0; i < STREAM_WINDOW_CHUNKS && window > 0; i += 1) {
        const chunk = takeChunk(streams[stream], limit_bytes, ended)
        if (!chunk) break
        window -= 1
        attempt.resend_at_ms ??= now.mono_ms + RESEND_MS
        effects.push({ kind: 'send_output', key: attempt.key, stream, ...chunk })
      }
    }
    if (worker.link.kind === 'open') effects.push(...tell(attempt, now))
  }
  return effects
}

function tell(attempt: Attempt, now: Now): Effect[] {
  const { stage } = attempt
  if (stage.kind !== 'reporting' || stage.told) return []
  if (!STREAM_NAMES.every((name) => isDelivered(stage.streams[name], stage.limit_bytes))) return []
  stage.told = true
  attempt.resend_at_ms = now.mono_ms + RESEND_MS
  return [{ kind: 'send', message: stage.ended }]
}

function cut(
  attempt: Attempt,
  stream: StreamName,
  streams: Streams,
  limit_bytes: number,
): Effect[] {
  const range = takeCut(streams[stream], limit_bytes)
  return range ? [{ kind: 'cut', key: attempt.key, stream, ...range }] : []
}

/** What was not acknowledged in time, or in an earlier session, is sent again. */
export function sendAgain(attempt: Attempt): void {
  const { stage } = attempt
  attempt.resend_at_ms = null
  if (stage.kind === 'reporting') stage.told = false
  if (stage.kind === 'running' || stage.kind === 'reporting')
    for (const name of STREAM_NAMES) rewind(stage.streams[name])
}

function* withStreams(worker: Worker): Generator<{
  readonly attempt: Attempt
  readonly streams: Streams
  readonly limit_bytes: number
  readonly ended: boolean
}> {
  for (const key of worker.active) {
    const attempt = worker.attempts.get(key)
    const stage = attempt?.stage
    if (!attempt || (stage?.kind !== 'running' && stage?.kind !== 'reporting')) continue
    const ended = stage.kind === 'reporting'
    const limit_bytes = ended ? stage.limit_bytes : stage.limits.output_limit_bytes
    yield { attempt, streams: stage.streams, limit_bytes, ended }
  }
}
