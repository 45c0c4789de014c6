/**
 * All that a worker knows while it lives: its link to the broker, the attempts it holds, and what it promised to take.
 *
 * The spool on disk says the same of the attempts; this is the copy that decisions are made from.
 */
import type { Job } from '../../common/definition/job.ts'
import { secretNamesIn } from '../../common/definition/secrets.ts'
import type { Ended, Task } from '../../common/protocol/worker-door.ts'
import type { Stream } from './streams.ts'

/** `task_id#attempt`, unique for ever. The command carries it as `JOBZ_ATTEMPT_ID`, so that its processes are found. */
export type AttemptKey = string

/** What a task says, for one attempt of one worker: the record that the spool keeps. */
export type AttemptTask = {
  readonly task_id: string
  readonly attempt: number
  /** The command's `JOBZ_TOKEN`; an older broker gives none. */
  readonly token?: string | undefined
  /** Names of parameters whose values are hidden in what the command writes. */
  readonly secret?: readonly string[] | undefined
} & Pick<Task, 'run_id' | 'flow_id' | 'job' | 'params' | 'context'>

/** `fenced`: nobody wants the outcome any more, so none is reported. `returned`: it goes back, and must not start here. */
export type StopReason = 'timeout' | 'canceled' | 'fenced' | 'returned'

/** The rules a command was started under; a reload of the jobs does not change them. */
export type Limits = {
  readonly timeout_ms: number | null
  readonly kill_after_ms: number
  readonly output_limit_bytes: number
}

/** What a command wrote, as far as it is known here and at the broker. */
export type Streams = { readonly stdout: Stream; readonly stderr: Stream }

type Stage =
  /** It came, and its record is being written. */
  | { readonly kind: 'arriving' }
  | { readonly kind: 'queued'; readonly since_ms: number }
  | Running
  | Reporting

type Running = {
  readonly kind: 'running'
  readonly started_ms: number
  /** By the wall's clock; null until the keeper has the command. */
  started_at_ms: number | null
  readonly limits: Limits
  readonly streams: Streams
  /** When KILL follows TERM; null while nothing is being stopped. */
  kill_at_ms: number | null
}

type Reporting = {
  readonly kind: 'reporting'
  readonly ended: Ended
  readonly limit_bytes: number
  readonly streams: Streams
  /** `ended` goes out when all output is acknowledged, and again until it is acknowledged itself. */
  told: boolean
}

export type Attempt = {
  readonly key: AttemptKey
  readonly task: AttemptTask
  readonly takes_credit: boolean
  stop: StopReason | null
  stage: Stage
  /** How often a keeper died before the command began. */
  false_starts: number
  /** When what was sent and not acknowledged is sent again. */
  resend_at_ms: number | null
}

type Link =
  /** No connection stands. */
  | { readonly kind: 'apart' }
  /** `hello` was said, `welcome` did not come yet. */
  | { readonly kind: 'greeting'; readonly since_ms: number }
  | {
      readonly kind: 'open'
      readonly session: string
      beat_at_ms: number
      /** Heartbeats said in this session. */
      beats: number
    }

/** After a time in which it could not hear of what ended, a worker listens for so long before it enforces limits. */
export const LISTEN_MS = 500

export type Over = 'reported' | 'canceled' | 'fenced' | 'returned'

export type Worker = {
  readonly name: string
  readonly slots: number
  jobs: ReadonlyMap<string, Job>
  /** What any of them declares secret, and what they did before a reload. */
  secret_names: ReadonlySet<string>
  reload_error: string | null
  link: Link
  heartbeat_ms: number
  /** Why its key does not let it in, as it was told last; null when it does. */
  shut_out: string | null
  /** When the broker was last heard. */
  heard_ms: number
  /** A broker has welcomed this daemon: before that, nobody knows whether what the spool holds is still wanted. */
  is_welcome: boolean
  /** The broker wants nothing new to start here. */
  draining: boolean
  /** This daemon is about to stop: nothing new starts, nothing that runs is touched. */
  leaving: boolean
  disk_low: boolean
  /** No limit is enforced before this: what has ended in time, unheard, must not be taken for overdue. */
  limits_from_ms: number
  readonly attempts: Map<AttemptKey, Attempt>
  /** Keys of those that wait for a slot, in order. */
  queue: AttemptKey[]
  /** Keys of those that run or are being reported. */
  readonly active: Set<AttemptKey>
  /** What is over and forgotten, given back, or was stopped before it came: a late copy of its task must not run it. */
  readonly over: Map<AttemptKey, Over>
  /** Tasks of `deliver: one` taken in this session, and how many it said that it takes. */
  credit: { received: number; announced: number }
  /** How long commands take of late, in milliseconds; null before the first has ended. */
  pace_ms: number | null
}

export function newWorker(options: {
  readonly name: string
  readonly slots: number
  readonly jobs: ReadonlyMap<string, Job>
  readonly reload_error?: string | null
}): Worker {
  return {
    ...options,
    secret_names: secretNamesIn(options.jobs.values()),
    reload_error: options.reload_error ?? null,
    link: { kind: 'apart' },
    heartbeat_ms: 5_000,
    shut_out: null,
    heard_ms: 0,
    is_welcome: false,
    draining: false,
    leaving: false,
    disk_low: false,
    limits_from_ms: -Infinity,
    attempts: new Map(),
    queue: [],
    active: new Set(),
    over: new Map(),
    credit: { received: 0, announced: 0 },
    pace_ms: null,
  }
}

export const keyOf = (ref: { readonly task_id: string; readonly attempt: number }): AttemptKey =>
  `${ref.task_id}#${ref.attempt}`

export function countRunning(worker: Worker): number {
  let running = 0
  for (const key of worker.active)
    if (worker.attempts.get(key)?.stage.kind === 'running') running += 1
  return running
}

/** What must hold after every decision; a worker that breaks it must not go on. */
export function brokenInvariant(worker: Worker): string | null {
  for (const key of worker.queue)
    if (worker.attempts.get(key)?.stage.kind !== 'queued')
      return `${key} is in the queue and not queued`
  if (new Set(worker.queue).size !== worker.queue.length) return 'an attempt is queued twice'
  for (const [key, attempt] of worker.attempts) {
    const active = attempt.stage.kind === 'running' || attempt.stage.kind === 'reporting'
    if (active !== worker.active.has(key))
      return `${key} is ${attempt.stage.kind}, active: ${!active}`
    if (worker.over.has(key)) return `${key} is held and over`
  }
  return null
}
