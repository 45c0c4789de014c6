/**
 * Fills a broker's data folder with past runs, by the store's own transactions: the rows are those that a broker would
 * have written, a hundred times as fast. `node bench/past-store.ts FOLDER RUNS`.
 */
import { nextRunId, seedIds } from '../broker/core/ids.ts'
import type { Records } from '../broker/core/records.ts'
import type { Run, Task } from '../broker/core/state.ts'
import { openSqlite } from '../broker/store/sqlite.ts'

const [folder = '', runs = '0'] = process.argv.slice(2)
const AT_ONCE = 1_000
/** They ended within this time: a broker that keeps 30 days keeps them. */
const AGE_MS = 20 * 24 * 3_600_000
const LASTED_MS = 900
const JOBS = 10
const WORKERS = 20
/** One in so many failed. */
const FAILED = 100

/** What past runs have not. */
const NOTHING_ELSE = {
  cards: [],
  dropped_cards: [],
  lanes: [],
  workers: [],
  forgotten: [],
  semaphores: [],
  gates: [],
  arrivals: [],
  refusals: [],
} as const

const store = openSqlite(folder)
if ('kind' in store) throw new Error(store.message)
const ids = seedIds(1, 1)
const count = Number(runs)
const now = Date.now()
for (let first = 0; first < count; first += AT_ONCE)
  store.commit(records(first, Math.min(AT_ONCE, count - first)))
store.close()
process.stdout.write('ready\n')

function records(first: number, length: number): Records {
  const past = Array.from({ length }, (_, n) => pastRun(first + n))
  return {
    revised: [],
    forgotten_semaphores: [],
    runs: past.map((run) => ({ run, values: { params: paramsOf(run.sequence), context: {} } })),
    tasks: past.flatMap((run) => run.tasks),
    requests: past.map(({ job, run_id, sequence, created_ms }) => {
      const request_id = `bench-${String(sequence).padStart(12, '0')}`
      return { job, request_id, run_id, at_ms: created_ms }
    }),
    feed: past.map(({ run_id, flow_id, job, state, sequence }) => ({
      n: sequence + 1,
      at_ms: now,
      topic: `run.${state}.${job}.`,
      run_id,
      flow_id,
      job,
      state,
    })),
    ...NOTHING_ELSE,
  }
}

function paramsOf(n: number): Record<string, string> {
  return { date: '2026_11_23', source: `shop-${n % 1_000}`, note: 'a parameter of a usual length' }
}

function pastRun(n: number): Run {
  const created_ms = now - AGE_MS + Math.floor((n / count) * (AGE_MS - 3_600_000))
  const run_id = nextRunId(ids, created_ms)
  const failed = n % FAILED === 0
  const run: Run = {
    run_id,
    flow_id: run_id,
    parent_run_id: null,
    via: 'trigger',
    retry_of: null,
    job: `job-${n % JOBS}`,
    card: null,
    state: failed ? 'failed' : 'succeeded',
    reason: failed ? 'exit code 3' : null,
    lane: 'main',
    priority: 512,
    deliver: 'one',
    created_ms,
    started_ms: created_ms + 1,
    finished_ms: created_ms + LASTED_MS,
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
  }
  run.tasks = [pastTask(run, failed)]
  return run
}

function pastTask({ run_id, sequence, started_ms, finished_ms }: Run, failed: boolean): Task {
  const ended = {
    worker: `web${sequence % WORKERS}`,
    state: failed ? ('failed' as const) : ('succeeded' as const),
    exit_code: failed ? 3 : 0,
    signal: null,
    reason: null,
    started_ms,
    finished_ms,
  }
  return {
    ...ended,
    run_id,
    n: 0,
    attempt: 1,
    accepted: false,
    tries: failed ? 1 : 0,
    lost: 0,
    due_ms: null,
    output: {},
    stdout_bytes: 120,
    stderr_bytes: 0,
    error_tail: '',
    attempts: [{ ...ended, attempt: 1 }],
  }
}
