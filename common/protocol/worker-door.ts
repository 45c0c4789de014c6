/**
 * The messages of the worker door: what a worker and the broker say to each other.
 *
 * A worker's whole life: it dials, comes in (entry.ts) and says `hello` with its cards and the attempts its spool still holds; `welcome`
 * gives it a session and the channels to subscribe to. A `task` is `accepted`, `started`, its `output` is sent in
 * chunks, and `ended` comes last; the broker acknowledges each once it is safe. `heartbeat` renews all its leases.
 * `bye` before a clean stop keeps running attempts for the next daemon of the same spool.
 *
 * Unknown fields are dropped and unknown kinds are skipped, so that versions one apart understand each other.
 */
import { z } from 'zod'
import { Card, Lanes, NAME_PATTERN } from '../definition/card.ts'
import { Challenge, HelloAgain, Knock, Proof, Refused, Session } from './entry.ts'

const text = (max: number): z.ZodString => z.string().max(max)
const workerName = z.string().regex(NAME_PATTERN)
const attemptNumber = z.number().int().min(1).max(0xffffffff)
const time_ms = z.number().int().min(0)
const bytes = z.number().int().min(0)

/** Which execution a message is about. The attempt number is the fencing token. */
const AttemptRef = { task_id: text(64), attempt: attemptNumber }

/** `run_id.n` and the number of its execution, as one value. */
export type AttemptRef = { readonly task_id: string; readonly attempt: number }

/** An attempt that a worker's spool holds. `accepted`: not started yet; `ended`: its report was not acknowledged yet. */
export const Held = z.object({ ...AttemptRef, state: z.enum(['accepted', 'running', 'ended']) })
export type Held = z.infer<typeof Held>

export const Hello = z.object({
  kind: z.literal('hello'),
  protocol: z.number().int().min(1),
  version: text(64),
  name: workerName,
  /** Lives in the spool: the same instance takes its session over, another one under a live name is refused. */
  instance: text(64),
  slots: z.number().int().min(0).max(100_000),
  /** Tasks of `deliver: one` this session takes in all, so far; a later `credit` raises it. */
  credit: z.number().int().min(0),
  cards: z.array(Card).max(10_000),
  lanes: Lanes,
  held: z.array(Held).max(100_000),
  /** Why the last reload of its jobs was refused (`file:line:col: message`), or null. */
  reload_error: text(4096).nullable(),
  /** That it holds its key; a broker with keys lets nobody in without. */
  proof: Proof.optional(),
})
export type Hello = z.infer<typeof Hello>

export const Accepted = z.object({ kind: z.literal('accepted'), ...AttemptRef })
export const Started = z.object({ kind: z.literal('started'), ...AttemptRef, at_ms: time_ms })

/**
 * A piece of what a command wrote. `offset` counts from the start of the whole stream; an offset past the end of what
 * was sent before says that the middle was cut, because the job's `output_limit` was passed.
 */
export const Output = z.object({
  kind: z.literal('output'),
  ...AttemptRef,
  /** `stdout` or `stderr`. What is not known is acknowledged and not kept: until then the worker would not say `ended`. */
  stream: text(64),
  offset: bytes,
  /** Base64: a command may write any bytes. */
  data: text(128 * 1024),
})
export type Output = z.infer<typeof Output>

/** Why an attempt ended otherwise than by its own exit. `returned`: it never ran and its worker gives it back (drain). */
export type EndReason =
  'timeout' | 'canceled' | 'killed' | 'bad_parameter' | 'unknown_job' | 'spawn_failed' | 'returned'

/** The report of an attempt. A reason that is no `EndReason` is a failure of that name; null is by its own exit. */
export const Ended = z.object({
  kind: z.literal('ended'),
  ...AttemptRef,
  exit_code: z.number().int().min(0).max(255).nullable(),
  signal: text(16).nullable(),
  reason: text(64).nullable(),
  /** In words, when the reason alone does not say enough. */
  message: text(4096).nullable(),
  started_at_ms: time_ms.nullable(),
  finished_at_ms: time_ms,
  /** What the command wrote to `$JOBZ_OUTPUT`. */
  output: z.record(text(64), text(4096)),
  stdout_bytes: bytes,
  stderr_bytes: bytes,
  /** The last 4 KiB of standard error, invalid UTF-8 replaced. */
  error_tail: text(8192),
})
export type Ended = z.infer<typeof Ended>

/** It lives; `credit` as in `credit`, so that one which was lost is made up for. */
export const WorkerHeartbeat = z.object({
  kind: z.literal('heartbeat'),
  credit: z.number().int().min(0).optional(),
})
export const Credit = z.object({ kind: z.literal('credit'), credit: z.number().int().min(0) })
export const Bye = z.object({ kind: z.literal('bye') })

export const FromWorker = z.discriminatedUnion('kind', [
  Knock,
  Hello,
  Session,
  Accepted,
  Started,
  Output,
  Ended,
  WorkerHeartbeat,
  Credit,
  Bye,
])
export type FromWorker = z.infer<typeof FromWorker>

export const Welcome = z.object({
  kind: z.literal('welcome'),
  protocol: z.number().int().min(1),
  session: text(64),
  heartbeat_ms: z.number().int().min(1),
  lease_ms: z.number().int().min(1),
  /** Where to dial for broadcasts, when it is not the worker door's port plus two; null is that. */
  feed: text(256).nullable(),
  /** Topic to the channel that carries its broadcasts. */
  channels: z.record(text(128), text(256)),
  draining: z.boolean(),
})
export type Welcome = z.infer<typeof Welcome>

/**
 * Run this job's command. A `task` through the door has `task_id`; a broadcast has `tasks` instead, the number `n` of
 * `run_id.n` for each worker that is meant.
 */
export const Task = z.object({
  kind: z.literal('task'),
  run_id: text(64),
  flow_id: text(64),
  attempt: attemptNumber,
  job: workerName,
  params: z.record(text(64), text(4096)),
  /** Built-in values beside the parameters: `gate_key`, `failed_job`, `error_tail` … */
  context: z.record(text(64), text(8192)),
  /** Which of its parameters are secret: their values are hidden in what the command writes. None when it is not there. */
  secret: z.array(text(64)).max(1000).optional(),
  /** How the run is delivered: only `one` takes credit. Without it the worker's own card says so. */
  deliver: z.enum(['all', 'one']).optional().catch(undefined),
  /** The command's `JOBZ_TOKEN`: good for its own status, and for triggers in its flow, until the run is over. */
  token: text(256).optional(),
  task_id: text(64).optional(),
  tasks: z.record(text(128), z.number().int().min(0)).optional(),
})
export type Task = z.infer<typeof Task>

/** What was said is safe. `offset` (for `output`) is the number of bytes of the stream that are. */
export const Ack = z.object({
  kind: z.literal('ack'),
  of: z.enum(['ended', 'output']),
  ...AttemptRef,
  stream: z.enum(['stdout', 'stderr']).optional(),
  offset: bytes.optional(),
})
export type Ack = z.infer<typeof Ack>

/**
 * End this attempt. `fenced`: a newer attempt exists or the task is over, nothing more about it is wanted. With a reason
 * that is not known it is ended all the same, and reported.
 */
export const Stop = z.object({
  kind: z.literal('stop'),
  ...AttemptRef,
  reason: z.enum(['canceled', 'fenced']).catch('canceled'),
})
export type Stop = z.infer<typeof Stop>

/** Take nothing new (`on`), or take tasks again. */
export const Drain = z.object({ kind: z.literal('drain'), on: z.boolean() })
/** The answer to a heartbeat; `draining` as `on` of the last `drain`, in case that was lost. */
export const BrokerHeartbeat = z.object({
  kind: z.literal('heartbeat'),
  draining: z.boolean().optional(),
})
export const ToWorker = z.discriminatedUnion('kind', [
  Challenge,
  Welcome,
  Refused,
  Task,
  Ack,
  Stop,
  Drain,
  BrokerHeartbeat,
  HelloAgain,
])
export type ToWorker = z.infer<typeof ToWorker>
