/**
 * Every noun of the broker, and where it lives in memory.
 *
 * Memory holds what is alive: unfinished runs, workers, cards, gates that gather. What is over is only in the store, and
 * so are the parameters of every run: a decision that needs them has them looked up first (needs.ts). Whatever changes
 * is noted in `touched`, and is written once, at the end of the turn (records.ts).
 */
import type { Card, Semaphore } from '../../common/definition/card.ts'
import type { RunState, TaskState } from '../../common/protocol/answers.ts'
import type { Due } from './deadlines.ts'
import type { Effect } from './effect.ts'
import type { GatheringGate } from './gathering.ts'
import type { Following } from './next.ts'
import { earlier, type Heap, makeHeap } from './heap.ts'
import type { Ids } from './ids.ts'
import type { Lazy } from './lazy.ts'
import type { KeyUse, Lane } from './lanes.ts'
import type { Limits } from './limits.ts'
import { nothingTouched, type Touched } from './records.ts'
import type { Tally } from './tally.ts'

/** What made a run: a trigger from outside, an outcome's next step, a semaphore, or a retry. */
export type Via =
  | 'trigger'
  | 'success'
  | 'failure'
  | 'each_success'
  | 'each_failure'
  | 'semaphore'
  | 'timeout'
  | 'retry'

/** One accepted trigger. */
export type Run = {
  readonly run_id: string
  readonly flow_id: string
  readonly parent_run_id: string | null
  readonly via: Via
  readonly retry_of: string | null
  readonly job: string
  /** The hash of the card it is pinned to; null while no worker has announced its job. */
  card: string | null
  state: RunState
  reason: string | null
  lane: string
  priority: number
  deliver: 'all' | 'one'
  readonly created_ms: number
  started_ms: number | null
  finished_ms: number | null
  /** The delay it was asked for: part of what a repeated `request_id` is compared by. */
  readonly delay_ms: number
  cancel_requested: boolean
  progress: number | null
  message: string | null
  /** The filled-in concurrency key, with its job; null without a limit. */
  concurrency_key: string | null
  /** A retry runs on these workers only; null is every one that is subscribed. */
  readonly only_workers: readonly string[] | null
  /** How many runs of its flow stand above it. */
  readonly depth: number
  /** Order of arrival, for "first come first served" within a priority. */
  readonly sequence: number
  /** Empty until it leaves the queue. `deliver: one` has one, at `n` 0. */
  tasks: Task[]
  /** Handlers (`on_failure`) that stand above it without a success between: none of them is started twice. */
  readonly handling: readonly string[]
  /** True while it counts in its lane's and its key's limits. Not stored. */
  counted: boolean
  /** True while it stands in its lane's queue. Not stored. */
  in_queue: boolean
}

/** One execution of a task, as it is kept after it. */
export type Attempt = {
  readonly attempt: number
  readonly worker: string
  state: TaskState
  exit_code: number | null
  signal: string | null
  reason: string | null
  started_ms: number | null
  finished_ms: number | null
}

/** One run on one worker. */
export type Task = {
  readonly run_id: string
  readonly n: number
  /** Who has it; null while a task of `deliver: one` is ready for anybody. */
  worker: string | null
  state: TaskState
  /** The number of the newest execution; 0 before the first. It is the fencing token. */
  attempt: number
  /** True once the worker said it has the attempt. Not stored: a restarted broker learns it from `hello`. */
  accepted: boolean
  /** Failed executions that count against `retries`. */
  tries: number
  /** Attempts whose lease ran out; one too many ends the task (limits.ts). */
  lost: number
  exit_code: number | null
  signal: string | null
  reason: string | null
  started_ms: number | null
  finished_ms: number | null
  /** Delayed until, or (an `all` task whose worker is away) missed at. */
  due_ms: number | null
  output: Readonly<Record<string, string>>
  stdout_bytes: number
  stderr_bytes: number
  error_tail: string
  attempts: Attempt[]
}

/** A host's daemon, known by name; it stays known through restarts. */
export type Worker = {
  readonly name: string
  instance: string
  version: string
  slots: number
  /** Job name to the hash of the card it announced. */
  jobs: Map<string, string>
  draining: boolean
  /** It said `bye` with commands running: their leases hold longer. */
  handing_over: boolean
  reload_error: string | null
  /** Wall clock, for people. */
  last_heard_ms: number
  /** The session's token, return address and public key (where there are keys); null while it is not connected. Not stored. */
  session: { readonly token: string; peer: string; readonly key?: string | undefined } | null
  /** Tasks of `deliver: one` it takes in this session in all, and how many it was given. */
  credit: number
  given: number
  /** Monotonic time at which its leases run out, and at which it counts as away. */
  lease_until_ms: number
  away_at_ms: number
  /** Which of its deadlines stand in the heap: each at most once. */
  readonly watched: Set<'lease' | 'away' | 'forget'>
  /** Tasks that are its own: leased, running, or waiting for it, by task id. */
  holds: Map<string, Task>
  /** Those of them that are ready, and wait for nothing but for it. */
  readonly waiting: Set<Task>
}

export type Arrival = {
  readonly run_id: string
  readonly flow_id: string
  readonly member: number
  readonly distinct: string | null
  readonly at_ms: number
  /** The depth of its run: a semaphore's next step stands below it. */
  readonly depth: number
}

/** One fan-in of one key. */
export type Gate = {
  readonly semaphore: string
  readonly key: string
  generation: number
  opened_ms: number | null
  opened_by: string | null
  since_ms: number
  /** When `on_timeout` starts; null when it has, or there is none. */
  timeout_at_ms: number | null
  /** `on_timeout` has been started in this generation, by the timeout or by a member's failure. */
  failed: boolean
  late: number
  /** By run id. Only of this generation. */
  arrivals: Map<string, Arrival>
}

/** What the broker knows of a semaphore: its definition, and how far its processes have followed the feed. */
export type SemaphoreState = {
  readonly name: string
  definition: Semaphore
  /** Feed number up to which every arrival was sent. */
  place: number
  /** Flows that wait for it to pass a feed number. */
  readonly awaited_by: Map<string, number>
  /** Monotonic time at which it counts as away, unless a process names it before. Not stored. */
  away_at_ms: number
}

/** Unfinished business of a flow, counted, until it is settled. */
export type Flow = {
  /** Runs that are not over. */
  runs: number
  /** Semaphores that have not passed the entries of this flow yet. */
  semaphores: number
  /** Arrivals that a gathering gate holds. */
  arrivals: number
}

export type State = {
  readonly partition: number
  readonly limits: Limits
  ids: Ids
  sequence: number
  feed_head: number
  /** Card hash to card. */
  readonly cards: Map<string, Card>
  /** How many of them were needed when that was last looked at (crowd.ts). */
  cards_kept: number
  /** Job name to the hash of its card: the one first seen latest. */
  readonly jobs: Map<string, string>
  /** Parameters that any card declares secret. What was secret once stays so: the runs of then are still shown. */
  readonly secret_names: Set<string>
  readonly workers: Map<string, Worker>
  /** Session token to the worker that has it. */
  readonly sessions: Map<string, Worker>
  /** Job name to the workers that announced it. */
  readonly subscribed: Map<string, Set<Worker>>
  readonly runs: Map<string, Run>
  /** Job name to how many of its unfinished runs are in which state (tally.ts). */
  readonly tallies: Map<string, Tally>
  /** Runs whose job nobody has announced, by job name. */
  readonly unannounced: Map<string, Set<Run>>
  readonly lanes: Map<string, Lane>
  /** Concurrency key to what counts under it. */
  readonly keys: Map<string, KeyUse>
  readonly semaphores: Map<string, SemaphoreState>
  /** Job name to the semaphores it is a member of. */
  readonly members: Map<string, Set<SemaphoreState>>
  /** `gateId` to a gate that gathers (or was touched in this turn). */
  readonly gates: Map<string, GatheringGate>
  readonly flows: Map<string, Flow>
  /** Flows that may have settled in this turn. */
  readonly settling: Set<string>
  readonly deadlines: Heap<Due>
  /** How many of them were kept when they were last swept. */
  deadlines_kept: number
  /** Something happened after which a queued run may be able to start. */
  may_start: boolean
  /** Workers with a task of their own that only a limit holds back. */
  readonly held_back: Set<Worker>
  /** What this turn writes, sends after that, and has still to follow up. */
  touched: Touched
  /** What can wait for the next write: which tasks have begun (lazy.ts). */
  readonly lazy: Lazy
  effects: Effect[]
  following: Following[]
}

export const taskId = (task: Task): string => `${task.run_id}.${task.n}`
/** Which run a task is of, and which of its tasks (-1: no task is called so). */
export function placeOf(task_id: string): { run_id: string; n: number } {
  const dot = task_id.lastIndexOf('.')
  const n = Number(task_id.slice(dot + 1))
  return { run_id: task_id.slice(0, dot), n: task_id.endsWith(`.${n}`) ? n : -1 }
}
export const gateId = (semaphore: string, key: string): string => `${semaphore}\0${key}`

/** A broker that knows nothing yet. `seed` makes its run ids differ from those of other brokers and starts. */
export const emptyState = (seed: Ids, limits: Limits): State => ({
  partition: 0,
  limits,
  ids: seed,
  sequence: 0,
  feed_head: 0,
  cards: new Map(),
  cards_kept: 0,
  jobs: new Map(),
  secret_names: new Set(),
  workers: new Map(),
  sessions: new Map(),
  subscribed: new Map(),
  runs: new Map(),
  tallies: new Map(),
  unannounced: new Map(),
  lanes: new Map(),
  keys: new Map(),
  semaphores: new Map(),
  members: new Map(),
  gates: new Map(),
  flows: new Map(),
  settling: new Set(),
  deadlines: makeHeap<Due>(earlier),
  deadlines_kept: 0,
  may_start: false,
  held_back: new Set(),
  touched: nothingTouched(),
  lazy: { runs: new Set(), tasks: new Set() },
  effects: [],
  following: [],
})
