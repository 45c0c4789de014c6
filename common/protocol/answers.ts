/**
 * What the broker answers: the shapes of `result` in replies, and of the JSON that the HTTP frontend shows as it is.
 * Times are ISO 8601 UTC; what is not known yet is null.
 */
import type { Failure } from './client-door.ts'

export type RunState =
  'waiting' | 'queued' | 'running' | 'succeeded' | 'failed' | 'canceled' | 'expired'

export type TaskState =
  | 'ready'
  | 'leased'
  | 'running'
  | 'delayed'
  | 'succeeded'
  | 'failed'
  | 'timed_out'
  | 'canceled'
  | 'lost'
  | 'missed'

/** One answer of `trigger` (an array, in the order of the triggers). */
export type TriggerAnswer = TriggerAccepted | { readonly error: Failure }
export type TriggerAccepted = {
  run_id: string
  flow_id: string
  job: string
  state: RunState
  deliver: 'all' | 'one'
  /** How many workers are subscribed to the job now. */
  workers: number
  /** Names of parameters that lost dangerous characters; left out when there are none. */
  sanitized?: string[]
  /** Names of parameters the job does not declare; left out when there are none. */
  undeclared?: string[]
  duplicate?: true
}

/** What became of a retry; of a list, one each, in order. */
export type RetryAnswer = RetryAccepted | { readonly error: Failure }
export type RetryAccepted = {
  run_id: string
  flow_id: string
  retry_of: string
  state: RunState
}

export type AttemptView = {
  attempt: number
  worker: string
  state: TaskState
  exit_code: number | null
  signal: string | null
  reason: string | null
  started_at: string | null
  finished_at: string | null
}

export type TaskView = {
  task_id: string
  worker: string | null
  state: TaskState
  attempt: number
  exit_code: number | null
  signal: string | null
  reason: string | null
  started_at: string | null
  finished_at: string | null
  output: Record<string, string>
  stdout_bytes: number
  stderr_bytes: number
  /** Earlier and present executions, oldest first. */
  attempts: AttemptView[]
}

/** What followed from a run: another run, or an arrival at a semaphore's gate (`late` when it was already open). */
export type NextView =
  | { on: string; job: string; run_id: string; state: RunState }
  | { semaphore: string; key: string | null; generation: number; late: boolean }

export type RunView = {
  run_id: string
  flow_id: string
  parent_run_id: string | null
  retry_of: string | null
  job: string
  params: Record<string, string>
  state: RunState
  reason: string | null
  lane: string
  priority: number
  deliver: 'all' | 'one'
  created_at: string
  started_at: string | null
  finished_at: string | null
  progress: number | null
  message: string | null
  /** What a handler was told beside its parameters (`failed_job`, `gate_key` …). */
  context: Record<string, string>
  /** Left out in lists. */
  tasks?: TaskView[]
  next?: NextView[]
  /** How many tasks and next steps did not fit the answer; left out when there are none. */
  omitted?: number
}

export type RunsAnswer = { runs: RunView[]; before: string | null }

/** `settled`: nothing more will come of it by itself. */
export type FlowView = {
  flow_id: string
  state: 'running' | 'succeeded' | 'failed' | 'canceled'
  settled: boolean
  runs: RunView[]
  /** How many of the youngest runs did not fit the answer; left out when there are none. */
  omitted?: number
}

/** Why a run is where it is: one sentence, then facts, then what to do. */
export type ExplainView = {
  run_id: string | null
  job: string
  state: RunState | null
  summary: string
  details: string[]
  hints: string[]
}

export type JobView = {
  job: string
  description: string | null
  topic: string
  deliver: 'all' | 'one'
  lane: string
  priority: number
  params: Record<string, unknown>
  on_success: string[]
  on_failure: string[]
  workers: string[]
  /** Workers that announced another card of this job than the job's own. */
  drift: string[]
  waiting: number
  queued: number
  running: number
}

export type WorkerView = {
  worker: string
  instance: string
  version: string
  state: 'present' | 'draining' | 'handing_over' | 'away'
  slots: number
  running: number
  credit: number
  last_heard_at: string
  jobs: string[]
  reload_error: string | null
  /** Attempts it holds, as `task_id#attempt`. */
  holds: string[]
}

export type GateView = {
  key: string
  generation: number
  state: 'gathering' | 'open'
  since: string
  opened_at: string | null
  /** How many are there; of those, `arrived` lists the newest hundred. */
  arrived_count: number
  arrived: { job: string; distinct: string | null; run_id: string; at: string }[]
  missing: { job: string; count: number }[]
  late: number
}

export type SemaphoreView = {
  semaphore: string
  /** `away`: no process follows it. */
  state: 'present' | 'away'
  wait_for: { job: string; count: number }[]
  place: string | null
  /** Gathering ones, and the newest open ones. */
  gates: GateView[]
  unkeyed: { run_id: string; missing: string | null; at: string }[]
}

export type LaneView = {
  lane: string
  limit: number | null
  running: number
  queued: number
}

export type RefusalView = {
  at: string
  job: string
  from: string | null
  code: string
  message: string
}

/** Text of one stream from `offset` on. */
export type OutputAnswer = {
  task_id: string
  attempt: number
  stream: 'stdout' | 'stderr'
  offset: number
  /** Base64. */
  data: string
  next_offset: number
  /** Where the whole stream ends, as far as it is known. */
  size: number
  /** Bytes left out just before `next_offset` (the middle that passed the output limit). */
  cut_bytes: number
  /** True when the attempt has ended and `next_offset` is the end: nothing more will come. */
  complete: boolean
  state: TaskState
}

export type ReplayAnswer = {
  entries: FeedEntry[]
  /** The cursor up to which `entries` are complete: the next `after`. */
  complete_to: string
  head: string
}

/** One entry of the feed. `topic` is `run.<state>.<job>.`, `gate.<state>.<semaphore>.`, `worker.<state>.<name>.`, `flow.settled.`. */
export type FeedEntry = {
  cursor: string
  at: string
  topic: string
  run_id?: string
  flow_id?: string
  job?: string
  state?: RunState
  reason?: string
  worker?: string
  semaphore?: string
  key?: string
  generation?: number
  /** Only in the answer to `replay`, for runs that ended: what a semaphore forms its key from. */
  params?: Record<string, string>
  output?: Record<string, string>
}

export type MetricsAnswer = {
  version: string
  uptime_s: number
  feed_head: string
  runs: Record<'waiting' | 'queued' | 'running', number>
  /** Since the broker started. */
  totals: Record<string, number>
  workers: Record<WorkerView['state'], number>
  lanes: LaneView[]
  reload_errors: { worker: string; message: string }[]
}

/** The name of each channel that was asked for. */
export type SubscribeAnswer = { readonly names: Readonly<Record<string, string>> }
/** Whose a token is. */
export type RunTokenAnswer = { readonly run_id: string; readonly flow_id: string }
