/** What can happen to a worker, and what it can do about it: everything that enters and leaves the core. */
import type { Job } from '../../common/definition/job.ts'
import type {
  AttemptRef,
  FromWorker,
  Held,
  Task,
  ToWorker,
} from '../../common/protocol/worker-door.ts'
import type { AttemptKey, AttemptTask, Limits, StopReason } from './state.ts'

/** One instant by two clocks: deadlines go by the monotonic one, reports by the wall's. */
export type Now = { readonly mono_ms: number; readonly wall_ms: number }

/** How an attempt's command came to its end. */
export type Exit = {
  readonly how:
    | { readonly kind: 'code'; readonly exit_code: number }
    /** Its processes are gone, and no code was written. */
    | { readonly kind: 'killed'; readonly message: string }
    /** The keeper died before the command began: it may be started again under the same attempt. */
    | { readonly kind: 'never_ran' }
    /** It could not be started, and trying again would not help. */
    | { readonly kind: 'not_started'; readonly message: string }
    /** The spool did not take its command: it never ran, and another worker may have more luck. */
    | { readonly kind: 'not_kept'; readonly message: string }
  readonly started_at_ms: number | null
  readonly finished_at_ms: number
  readonly stdout_bytes: number
  readonly stderr_bytes: number
  readonly output: Readonly<Record<string, string>>
  readonly error_tail: string
}

/** An attempt as a spool from before this daemon's time holds it. */
export type Restored = {
  readonly task: AttemptTask
  readonly stop: StopReason | null
  /** Null: it was not started. Otherwise its end is being watched for, and `exited` will tell of it. */
  readonly running: {
    readonly running_for_ms: number
    readonly started_at_ms: number
    readonly limits: Limits
  } | null
}

export type Event =
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected' }
  /** Challenges are answered at the door. */
  | { readonly kind: 'heard'; readonly message: Exclude<ToWorker, { kind: 'challenge' }> }
  | { readonly kind: 'broadcast'; readonly task: Task }
  /** A task came through the door and cannot be read: a newer broker says something else by it. */
  | {
      readonly kind: 'unreadable_task'
      readonly ref: AttemptRef
      readonly takes_credit: boolean
      readonly why: string
    }
  | { readonly kind: 'restored'; readonly attempts: readonly Restored[] }
  /** The record of an arriving attempt is in the spool, or could not be written. */
  | { readonly kind: 'kept'; readonly key: AttemptKey; readonly failure: string | null }
  | { readonly kind: 'started'; readonly key: AttemptKey; readonly at_ms: number }
  | {
      readonly kind: 'grew'
      readonly key: AttemptKey
      readonly stdout_bytes: number
      readonly stderr_bytes: number
    }
  | { readonly kind: 'exited'; readonly key: AttemptKey; readonly exit: Exit }
  | { readonly kind: 'disk'; readonly low: boolean }
  /** `jobs` is null when the reload was refused: the last good ones stay. */
  | {
      readonly kind: 'reloaded'
      readonly jobs: ReadonlyMap<string, Job> | null
      readonly reload_error: string | null
    }
  | { readonly kind: 'leave' }
  | { readonly kind: 'tick' }

export type StreamName = 'stdout' | 'stderr'

export type Effect =
  /** Write the record; answer with `kept`. */
  | { readonly kind: 'keep'; readonly key: AttemptKey; readonly task: AttemptTask }
  /** Answer with `started`, or with `exited` when that cannot be. */
  | {
      readonly kind: 'start'
      readonly key: AttemptKey
      readonly task: AttemptTask
      readonly job: Job
      /** Everything a placeholder can name: parameters, context and built-in values. */
      readonly values: Readonly<Record<string, string>>
      readonly limits: Limits
    }
  /** Note the reason in the spool, then send TERM to all its processes. */
  | { readonly kind: 'terminate'; readonly key: AttemptKey; readonly reason: StopReason }
  | { readonly kind: 'kill'; readonly key: AttemptKey }
  /** Note the reason in the spool of an attempt that does not run. */
  | { readonly kind: 'note_stop'; readonly key: AttemptKey; readonly reason: StopReason }
  /** Remove it from the spool. */
  | { readonly kind: 'forget'; readonly key: AttemptKey }
  | {
      readonly kind: 'hello'
      readonly credit: number
      readonly held: readonly Held[]
      readonly reload_error: string | null
    }
  | {
      readonly kind: 'welcomed'
      readonly session: string
      readonly feed: string | null
      readonly channels: Readonly<Record<string, string>>
    }
  /** The connection looks dead although nothing said so: dial anew. */
  | { readonly kind: 'redial' }
  | { readonly kind: 'send'; readonly message: FromWorker }
  | {
      readonly kind: 'send_output'
      readonly key: AttemptKey
      readonly stream: StreamName
      readonly offset: number
      readonly length: number
    }
  /** Give these bytes of the stream's file back to the disk: they are past what is kept. */
  | {
      readonly kind: 'cut'
      readonly key: AttemptKey
      readonly stream: StreamName
      readonly from: number
      readonly to: number
    }
  | {
      readonly kind: 'log'
      readonly level: 'info' | 'warn' | 'error'
      readonly message: string
      readonly facts: Readonly<Record<string, unknown>>
    }
  /** The broker does not want this worker: stop, and let the process exit with this code. */
  | { readonly kind: 'quit'; readonly exit_code: number; readonly message: string }
