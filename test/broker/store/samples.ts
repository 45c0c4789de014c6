/** Runs, tasks, gates and the like with nothing special about them; a test says what is special about its own. */
import type { Card, Semaphore } from '../../../common/definition/card.ts'
import type { ArrivalRecord, FeedRecord, Records, Values } from '../../../broker/core/records.ts'
import type { Arrival, Attempt, Gate, Run, Task, Worker } from '../../../broker/core/state.ts'

const BEGINNING_MS = 1_790_000_000_000

/** The id of the nth run: they grow with n, and differ in their last characters. */
export const idOf = (n: number): string =>
  `01a0c5d4-${hex(n >>> 12, 4)}-7${hex(n & 0xfff, 3)}-8abc-0000${hex(Math.imul(n, 2_654_435_761) >>> 0, 8)}`

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

export function sampleRun(n: number, special: Partial<Run> = {}): Run {
  const run_id = special.run_id ?? idOf(n)
  return {
    run_id,
    flow_id: run_id,
    parent_run_id: null,
    via: 'trigger',
    retry_of: null,
    job: 'import',
    card: 'hash-of-import',
    state: 'queued',
    reason: null,
    lane: 'main',
    priority: 512,
    deliver: 'one',
    created_ms: BEGINNING_MS + n,
    started_ms: null,
    finished_ms: null,
    delay_ms: 0,
    cancel_requested: false,
    progress: null,
    message: null,
    concurrency_key: null,
    only_workers: null,
    depth: 0,
    sequence: n,
    tasks: [],
    handling: [],
    counted: false,
    in_queue: false,
    ...special,
  }
}

export function sampleTask(run: Run, special: Partial<Task> = {}): Task {
  return {
    run_id: run.run_id,
    n: 0,
    worker: 'web1',
    state: 'running',
    attempt: 1,
    accepted: false,
    tries: 0,
    lost: 0,
    exit_code: null,
    signal: null,
    reason: null,
    started_ms: BEGINNING_MS,
    finished_ms: null,
    due_ms: null,
    output: {},
    stdout_bytes: 0,
    stderr_bytes: 0,
    error_tail: '',
    attempts: [sampleAttempt(1)],
    ...special,
  }
}

export const sampleAttempt = (attempt: number, special: Partial<Attempt> = {}): Attempt => ({
  attempt,
  worker: 'web1',
  state: 'running',
  exit_code: null,
  signal: null,
  reason: null,
  started_ms: BEGINNING_MS,
  finished_ms: null,
  ...special,
})

export function sampleWorker(name: string, special: Partial<Worker> = {}): Worker {
  return {
    name,
    instance: `instance-of-${name}`,
    version: '0.1.0',
    slots: 4,
    jobs: new Map([['import', 'hash-of-import']]),
    draining: false,
    handing_over: false,
    reload_error: null,
    last_heard_ms: BEGINNING_MS,
    session: null,
    credit: 0,
    given: 0,
    lease_until_ms: 0,
    away_at_ms: 0,
    watched: new Set(),
    waiting: new Set(),
    holds: new Map(),
    ...special,
  }
}

export const sampleArrival = (run: Run, special: Partial<Arrival> = {}): Arrival => ({
  run_id: run.run_id,
  flow_id: run.flow_id,
  member: 0,
  distinct: null,
  at_ms: BEGINNING_MS,
  depth: run.depth,
  ...special,
})

export const arrivalAt = (
  gate: Gate,
  arrival: Arrival,
  special: Partial<ArrivalRecord> = {},
): ArrivalRecord => ({
  ...arrival,
  semaphore: gate.semaphore,
  key: gate.key,
  missing: null,
  generation: gate.generation,
  late: false,
  ...special,
})

export function sampleGate(
  key: string,
  arrivals: readonly Arrival[],
  special: Partial<Gate> = {},
): Gate {
  return {
    semaphore: 'ready',
    key,
    generation: 1,
    opened_ms: null,
    opened_by: null,
    since_ms: BEGINNING_MS,
    timeout_at_ms: null,
    failed: false,
    late: 0,
    arrivals: new Map(arrivals.map((arrival) => [arrival.run_id, arrival])),
    ...special,
  }
}

export const sampleSemaphore = (name: string, special: Partial<Semaphore> = {}): Semaphore => ({
  name,
  wait_for: [{ job: 'import', count: 2, distinct: null }],
  key: '%(date)s',
  // oxlint-disable-next-line unicorn/no-thenable -- the word of the definitions; nobody awaits one
  then: [],
  timeout_ms: null,
  on_timeout: [],
  on_member_failure: 'wait',
  repeat: false,
  ...special,
})

export const sampleCard = (job: string): Card => ({
  job,
  description: null,
  topic: job,
  deliver: 'one',
  offline_wait_ms: 0,
  require: 'present',
  params: {},
  params_only: false,
  on_success: [],
  on_failure: [],
  on_each_success: [],
  on_each_failure: [],
  timeout_ms: null,
  kill_after_ms: 10_000,
  retries: { limit: 0, backoff_ms: 10_000, max_backoff_ms: 600_000, exit_codes: null },
  on_lost: 'retry',
  lane: 'main',
  priority: 512,
  concurrency: null,
  expires_ms: null,
  output_limit_bytes: 10_485_760,
})

/** The entry that tells of a run's state. */
export const entryOf = (n: number, run: Run, special: Partial<FeedRecord> = {}): FeedRecord => ({
  n,
  at_ms: BEGINNING_MS + n,
  topic: `run.${run.state}.${run.job}.`,
  run_id: run.run_id,
  flow_id: run.flow_id,
  job: run.job,
  state: run.state,
  ...special,
})

/** A transaction of what is given and nothing else. */
export const recordsWith = (part: Partial<Records>): Records => ({
  runs: [],
  revised: [],
  tasks: [],
  requests: [],
  cards: [],
  dropped_cards: [],
  lanes: [],
  workers: [],
  forgotten: [],
  semaphores: [],
  forgotten_semaphores: [],
  gates: [],
  arrivals: [],
  refusals: [],
  feed: [],
  ...part,
})

/** New runs, started with these parameters. */
export const born = (runs: readonly Run[], params: Values = {}, context: Values = {}): Records =>
  recordsWith({
    runs: runs.map((run) => ({ run, values: { params, context } })),
    tasks: runs.flatMap((run) => run.tasks),
  })

/** Changed runs, with their tasks. */
export const changed = (runs: readonly Run[]): Records =>
  recordsWith({
    runs: runs.map((run) => ({ run, values: null })),
    tasks: runs.flatMap((run) => run.tasks),
  })

/** A run that has ended, without tasks unless they are given. */
export const ended = (n: number, state: Run['state'], special: Partial<Run> = {}): Run =>
  sampleRun(n, { state, started_ms: BEGINNING_MS, finished_ms: BEGINNING_MS + n, ...special })
