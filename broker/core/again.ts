/** Retry by hand: a new run in the same flow, of what failed and only of that; one, or many that were not retried yet. */
import type { RetryAccepted, RetryAnswer } from '../../common/protocol/answers.ts'
import type { Failure } from '../../common/protocol/client-door.ts'
import { answer, type Asker, refuse } from './effect.ts'
import type { Command, Found, Now } from './event.ts'
import { nextRunId } from './ids.ts'
import { failures } from './refusals.ts'
import type { Run, State } from './state.ts'

export function decideRetry(
  state: State,
  command: Command & { kind: 'retry' },
  asker: Asker,
  now: Now,
  found: Found,
): void {
  const worker = command.worker ?? null
  if (command.flow_id) return retryFlow(state, command.flow_id, asker, now, found)
  if (command.run_ids)
    return answer(state, asker, retryMany(state, command.run_ids, worker, now, found))
  const again = retryOne(state, command.run_id ?? '', worker, now, found)
  if ('status' in again) refuse(state, asker, again)
  else answer(state, asker, again)
}

function retryOne(
  state: State,
  run_id: string,
  worker: string | null,
  now: Now,
  found: Found,
): RetryAccepted | Failure {
  const run = state.runs.get(run_id) ?? found.runs.get(run_id)
  if (!run) return failures.unknownRun(run_id)
  if (!isFailed(run)) return failures.notFailed(run)
  const only_workers = workersFor(run, worker)
  if (only_workers !== null && only_workers.length === 0)
    return failures.retriedElsewhere(run, worker ?? '')
  const again = retry(state, now, run, only_workers)
  return { run_id: again, flow_id: run.flow_id, retry_of: run_id, state: 'queued' }
}

/** Each of these that has no retry yet: so the same list may be said again, whatever became of the first time. */
function retryMany(
  state: State,
  run_ids: readonly string[],
  worker: string | null,
  now: Now,
  found: Found,
): RetryAnswer[] {
  const retried = new Set([...found.retried, ...retriedInTurn(state)])
  return run_ids.map((run_id): RetryAnswer => {
    if (retried.has(run_id)) return { error: failures.alreadyRetried(run_id) }
    const again = retryOne(state, run_id, worker, now, found)
    if ('status' in again) return { error: again }
    retried.add(run_id)
    return again
  })
}

/** What this turn made is not in the store yet. */
const retriedInTurn = (state: State): (string | null)[] =>
  [...state.touched.runs].map((run) => run.retry_of)

/** Every failed run of a flow that was not retried already. */
function retryFlow(state: State, flow_id: string, asker: Asker, now: Now, found: Found): void {
  const runs = found.flows.get(flow_id)
  if (!runs || runs.length === 0) return refuse(state, asker, failures.unknownFlow(flow_id))
  const retried = new Set([...runs.map((run) => run.retry_of), ...retriedInTurn(state)])
  const failed = runs.filter((run) => isFailed(run) && !retried.has(run.run_id))
  if (failed.length === 0) return refuse(state, asker, failures.nothingFailed(flow_id))
  const run_ids = failed.map((run) => retry(state, now, run, workersFor(run, null)))
  answer(state, asker, { flow_id, run_ids })
}

const isFailed = (run: Run): boolean => run.state === 'failed' || run.state === 'expired'

const UNDONE: ReadonlySet<string> = new Set(['failed', 'timed_out', 'lost', 'missed'])

/**
 * Which workers run it again: for `all` those where it is undone; for `one`, and for what never
 * started, whoever may, or the one that was named.
 */
function workersFor(run: Run, worker: string | null): readonly string[] | null {
  if (run.deliver === 'one' || run.tasks.length === 0)
    return worker === null ? run.only_workers : [worker]
  const undone = run.tasks.flatMap((task) =>
    UNDONE.has(task.state) && task.worker !== null ? task.worker : [],
  )
  if (worker !== null) return undone.filter((name) => name === worker)
  return undone.length > 0 ? undone : run.only_workers
}

/** The new run is born later in this turn, with the values of the old one; its id is given now. */
function retry(state: State, now: Now, run: Run, only_workers: readonly string[] | null): string {
  const run_id = nextRunId(state.ids, now.wall_ms)
  state.following.push({ kind: 'again', run, run_id, only_workers })
  return run_id
}
