/**
 * The messages of the client door: what frontends, semaphores and other clients ask of the broker.
 *
 * Each request has an `id` of the client's choosing, which the `reply` repeats, and the protocol that the client speaks. A
 * reply to `trigger`, `cancel`, `retry`, `arrive`, `open`, `reset`, `place`, `worker` or `semaphore` leaves the broker
 * only when its effect is on disk.
 */
import { z } from 'zod'
import { Semaphore } from '../definition/card.ts'
import {
  Challenge,
  ClientHello,
  ClientWelcome,
  HelloAgain,
  Knock,
  Refused,
  Session,
} from './entry.ts'
import { MAX_TRIGGERS_A_REQUEST } from './limits.ts'
import { isNear } from './versions.ts'

const text = (max: number): z.ZodString => z.string().max(max)
const id = z.union([text(64), z.number()])
/** What every request begins with. One whose protocol is too far from ours cannot be read. */
const asked = { id, protocol: z.number().int().min(1).optional().refine(isNear) }
const count = z.number().int().min(0).max(0xffffffff)

/** What a run is started with. Names, sizes and values of parameters are checked by the job's rules. */
export const Trigger = z.object({
  job: text(4096),
  params: z.record(z.string(), z.unknown()),
  request_id: text(256).nullish(),
  priority: count.nullish(),
  /** Milliseconds from now. */
  delay_ms: z.number().int().min(0).nullish(),
  /** The run whose flow the new one joins. */
  parent_run_id: text(64).nullish(),
})
export type Trigger = z.infer<typeof Trigger>

const TriggerRequest = z.object({
  kind: z.literal('trigger'),
  ...asked,
  triggers: z.array(Trigger).min(1).max(MAX_TRIGGERS_A_REQUEST),
  /** Who asks and from where, for the list of refusals. */
  from: text(256).nullish(),
})

const CancelRequest = z.object({
  kind: z.literal('cancel'),
  ...asked,
  run_id: text(64).nullish(),
  flow_id: text(64).nullish(),
})
/** One run; or all of a flow, or of a list, that were not retried yet. */
const RetryRequest = z.object({
  kind: z.literal('retry'),
  ...asked,
  run_id: text(64).nullish(),
  flow_id: text(64).nullish(),
  run_ids: z.array(text(64)).min(1).max(MAX_TRIGGERS_A_REQUEST).nullish(),
  /** Only on this worker (`deliver: one`), or only on it of the failed ones (`all`). */
  worker: text(128).nullish(),
})
/** A job's own report on itself. */
const ReportRequest = z.object({
  kind: z.literal('report'),
  ...asked,
  run_id: text(64),
  message: text(4096).nullish(),
  progress: z.number().min(0).max(100).nullish(),
})

/** A member's run reached its semaphore. `failed` tells of a member's failure, for `on_member_failure: fail`. */
const ArriveRequest = z.object({
  kind: z.literal('arrive'),
  ...asked,
  semaphore: text(128),
  /** The gate; null when it cannot be formed, and then `missing` names the placeholder without a value. */
  key: text(4096).nullable(),
  missing: text(64).nullish(),
  run_id: text(64),
  /** Which member of `wait_for`, counted from 0, and what tells it from others of the same member. */
  member: z.number().int().min(0),
  distinct: text(4096).nullable(),
  failed: z.boolean(),
})
const OpenRequest = z.object({
  kind: z.literal('open'),
  ...asked,
  semaphore: text(128),
  key: text(4096),
  /** The generation that is complete; null opens whichever is shut, by hand. */
  generation: z.number().int().min(1).nullable(),
  reason: text(1024).nullish(),
})
const ResetRequest = z.object({
  kind: z.literal('reset'),
  ...asked,
  semaphore: text(128),
  key: text(4096),
})
/**
 * Makes semaphores known and saves their place. `after` is the cursor up to which every arrival was sent; null only
 * asks. The reply has the saved place of each.
 */
const PlaceRequest = z.object({
  kind: z.literal('place'),
  ...asked,
  semaphores: z
    .array(
      z.object({ name: text(128), definition: Semaphore.nullish(), after: text(64).nullable() }),
    )
    .min(1)
    .max(10_000),
})

const WorkerRequest = z.object({
  kind: z.literal('worker'),
  ...asked,
  worker: text(128),
  action: z.enum(['drain', 'resume', 'forget']),
})

/** `forget`: its definition was taken away for good; only when no process has named it in a `place` for a while. */
const SemaphoreRequest = z.object({
  kind: z.literal('semaphore'),
  ...asked,
  semaphore: text(128),
  action: z.literal('forget'),
})

/** Feed entries after a cursor whose topic begins with one of `topics` (all, when there are none). */
const ReplayRequest = z.object({
  kind: z.literal('replay'),
  ...asked,
  /** null: from the oldest that is kept; `head`: nothing, just the newest number. */
  after: text(64).nullable(),
  topics: z.array(text(256)).max(10_000),
  limit: z.number().int().min(1).max(10_000),
})

/**
 * Under which names these channels can be followed at the pub/sub socket: where there are keys, channels have names that nobody can
 * guess, and each is good only whole. The answer has a name for each channel, good until the next welcome.
 */
const SubscribeRequest = z.object({
  kind: z.literal('subscribe'),
  ...asked,
  channels: z.array(text(256)).min(1).max(10_000),
})

const runFilter = z.object({
  job: text(128).nullish(),
  state: text(64).nullish(),
  flow: text(64).nullish(),
  worker: text(128).nullish(),
  params: z.record(text(64), text(4096)).nullish(),
  since_ms: z.number().nullish(),
  limit: z.number().int().min(1).max(1000),
  before: text(64).nullish(),
  /** Only failed and expired ones that nobody has dealt with: not retried, and no `on_failure` has succeeded. */
  unhandled: z.boolean().nullish(),
})
export type RunFilter = z.infer<typeof runFilter>

export const Question = z.discriminatedUnion('what', [
  z.object({ what: z.literal('run'), run_id: text(64) }),
  z.object({ what: z.literal('runs'), filter: runFilter }),
  z.object({ what: z.literal('flow'), flow_id: text(64) }),
  z.object({ what: z.literal('explain'), run_id: text(64) }),
  z.object({
    what: z.literal('explain_job'),
    job: text(128),
    params: z.record(z.string(), z.unknown()),
  }),
  z.object({ what: z.literal('jobs') }),
  z.object({ what: z.literal('workers') }),
  z.object({ what: z.literal('semaphores') }),
  z.object({ what: z.literal('lanes') }),
  z.object({
    what: z.literal('refusals'),
    job: text(128).nullish(),
    limit: z.number().int().min(1).max(1000),
  }),
  z.object({
    what: z.literal('output'),
    run_id: text(64),
    /** `run_id.n`, its n, or a worker's name; null is the only task. */
    task: text(128).nullish(),
    attempt: z.number().int().min(1).nullish(),
    stream: z.enum(['stdout', 'stderr']),
    offset: z.number().int().min(0),
    limit: z
      .number()
      .int()
      .min(1)
      .max(512 * 1024),
  }),
  z.object({ what: z.literal('metrics') }),
  z.object({ what: z.literal('health') }),
  /** Whose token this is: the run's, while it goes on. */
  z.object({ what: z.literal('run_token'), token: text(256) }),
])
export type Question = z.infer<typeof Question>

const QueryRequest = z.object({ kind: z.literal('query'), ...asked, question: Question })

export const FromClient = z.discriminatedUnion('kind', [
  TriggerRequest,
  CancelRequest,
  RetryRequest,
  ReportRequest,
  ArriveRequest,
  OpenRequest,
  ResetRequest,
  PlaceRequest,
  WorkerRequest,
  SemaphoreRequest,
  ReplayRequest,
  SubscribeRequest,
  QueryRequest,
])
export type FromClient = z.infer<typeof FromClient>

/** All that comes in at the client door: requests, and how one comes in. */
export const AtClientDoor = z.discriminatedUnion('kind', [
  Knock,
  ClientHello,
  Session,
  ...FromClient.options,
])
export type AtClientDoor = z.infer<typeof AtClientDoor>

/** Why something was refused. `code` is stable; `status` is the HTTP status that says the same. */
export const Failure = z.object({
  status: z.number().int().min(400).max(599),
  code: text(64),
  message: text(8192),
  hint: text(4096).nullable(),
  /** Seconds after which trying again makes sense; null when it does not. */
  retry_after_s: z.number().nullable(),
})
export type Failure = z.infer<typeof Failure>

/** The `code` of a request that came without a session of its sender's: it was not looked at. */
export const NO_SESSION = 'no_session'

/** `result` has the shape that the request asks for (answers.ts). */
export const Reply = z.discriminatedUnion('ok', [
  z.object({ kind: z.literal('reply'), id, ok: z.literal(true), result: z.unknown() }),
  z.object({ kind: z.literal('reply'), id, ok: z.literal(false), error: Failure }),
])
export type Reply = z.infer<typeof Reply>

/** All that the broker says at the client door. */
export const ToClient = z.union([Reply, Challenge, ClientWelcome, Refused, HelloAgain])
export type ToClient = z.infer<typeof ToClient>
