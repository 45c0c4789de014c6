/**
 * The port to durable storage. The turn is its only writer; whatever answers people's questions reads through
 * `History`, on a thread and a connection of its own, so that a long list never holds up a decision.
 */
import type { Failure, RunFilter } from '../../common/protocol/client-door.ts'
import type {
  FeedEntry,
  RunsAnswer,
  RunView,
  FlowView,
  RefusalView,
  GateView,
  TaskState,
} from '../../common/protocol/answers.ts'
import type { Records, RequestRecord } from '../core/records.ts'
import type { Gate, Run } from '../core/state.ts'
import type { Alive } from '../core/load.ts'
import type { StoredValues } from '../core/values.ts'

/** Only the turn calls these. All are synchronous: the process has nothing better to do than to wait for the disk. */
export type Store = {
  load(): Alive
  /** One durable transaction. Throws when it did not happen; the process must end then, and load again. */
  commit(records: Records): void
  /** Parameters and context by run id; unknown ids are left out. */
  values(run_ids: readonly string[]): Map<string, StoredValues>
  /** Which of these requests were accepted before, by `job\0request_id`. */
  requests(
    keys: readonly { readonly job: string; readonly request_id: string }[],
  ): Map<string, RequestRecord>
  /** Runs with their tasks, finished or not. */
  runs(run_ids: readonly string[]): Map<string, Run>
  /** All runs of a flow, oldest first. */
  flow(flow_id: string): Run[]
  /** Gates (open ones too) with the arrivals of their generation, by `semaphore\0key`. */
  gates(keys: readonly { readonly semaphore: string; readonly key: string }[]): Map<string, Gate>
  /** Which of these runs arrived at these semaphores before, in whatever generation, as `semaphore\0run_id`. */
  arrived(pairs: readonly { readonly semaphore: string; readonly run_id: string }[]): Set<string>
  /** Which of these runs have a retry. */
  retried(run_ids: readonly string[]): Set<string>
  close(): void
}

/**
 * How history is kept from growing for ever. Retention alone calls these, between turns: each takes a few milliseconds,
 * and none waits for the disk. What a power cut undoes of it is done again.
 */
export type Forgetting = {
  /**
   * Deletes runs that are over, with their tasks, their arrivals, and the opened gate that was their flow's own. It
   * stops when `patience_ms` have passed; returns how many of them, in order, are gone.
   */
  forgetRuns(run_ids: readonly string[], patience_ms: number): number
  /** The same for requests. */
  forgetRequests(keys: readonly RequestKey[], patience_ms: number): number
  /** Forgotten runs whose output files may still be there: those after `after`, in order of their ids. */
  outputsToRemove(after: string, limit: number): string[]
  outputsRemoved(run_ids: readonly string[]): void
}

export type RequestKey = Pick<RequestRecord, 'job' | 'request_id'>

/** Answers to questions, read-only, asynchronous. */
export type History = {
  /** By whole id, or by its last 8 characters or more where that is unambiguous. */
  find(run_id: string): Promise<RunFound>
  /** The same of a flow: its id is that of its first run, which need not be kept any more. */
  findFlow(flow_id: string): Promise<RunFound>
  /** With tasks and next. */
  run(run_id: string): Promise<RunView | null>
  runs(filter: RunFilter): Promise<RunsAnswer>
  /** All runs of the flow, without their tasks, oldest first; what `outcomeOfFlow` needs comes with them. */
  flow(flow_id: string): Promise<FlowView | null>
  /** Entries with a number above `after` whose topic starts with one of `topics` (any, if empty). `oldest` is the first that is kept. */
  replay(
    after: number,
    topics: readonly string[],
    limit: number,
  ): Promise<{ entries: FeedEntry[]; complete_to: number; oldest: number }>
  refusals(job: string | null, limit: number): Promise<RefusalView[]>
  /** Open gates newest first, and unkeyed arrivals, of one semaphore. */
  openGates(semaphore: string, limit: number): Promise<OpenGates>
  /** State and sizes of one task's attempt, to read its output. */
  attempt(
    run_id: string,
    task: string | null,
    attempt: number | null,
  ): Promise<AttemptFound | Failure>
  /** How many runs are kept, unfinished ones too. */
  countRuns(): Promise<number>
  /** Runs after `after` that ended before `ended_before_ms`, oldest first. `next` is where to go on; null: all later ones are younger. */
  oldRuns(after: number, ended_before_ms: number, limit: number): Promise<OldRuns>
  /** Requests older than `before_ms` whose run is gone. `next` is where to go on, after some milliseconds' worth of them; null: there are no more. */
  oldRequests(after: RequestKey, before_ms: number): Promise<OldRequests>
  /** Moves the write-ahead log into the database file, off the hot path. */
  checkpoint(): Promise<void>
  close(): Promise<void>
}

export type RunFound =
  | { readonly kind: 'found'; readonly run_id: string }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ambiguous'; readonly run_ids: string[] }

export type OpenGates = {
  readonly gates: readonly GateView[]
  readonly unkeyed: readonly { run_id: string; missing: string | null; at: string }[]
}

export type OldRuns = {
  readonly runs: readonly {
    readonly run_id: string
    readonly flow_id: string
    readonly finished_ms: number
  }[]
  readonly next: number | null
}

export type OldRequests = {
  readonly keys: readonly RequestKey[]
  readonly next: RequestKey | null
}

export type AttemptFound = {
  readonly task_id: string
  readonly attempt: number
  readonly state: TaskState
  readonly over: boolean
}
