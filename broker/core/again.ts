/** Retry by hand: a new run in the same flow, of what failed and only of that. */
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
  if (command.flow_id) return retryFlow(state, command.flow_id, asker, now, found)
  const run_id = command.run_id ?? ''
  const run = state.runs.get(run_id) ?? found.runs.get(run_id)
  if (!run) return refuse(state, asker, failures.unknownRun(run_id))
  if (!isFailed(run)) return refuse(state, asker, failures.notFailed(run))
  const only_workers = workersFor(run, command.worker ?? null)
  if (only_workers !== null && only_workers.length === 0)
    return refuse(state, asker, failures.retriedElsewhere(run, command.worker ?? ''))
  const again = retry(state, now, run, only_workers)
  answer(state, asker, { run_id: again, flow_id: run.flow_id, retry_of: run_id, state: 'queued' })
}

/** Every failed run of a flow that was not retried already. */
function retryFlow(state: State, flow_id: string, asker: Asker, now: Now, found: Found): void {
  const runs = found.flows.get(flow_id)
  if (!runs || runs.length === 0) return refuse(state, asker, failures.unknownFlow(flow_id))
  const retried = new Set([...runs, ...state.touched.runs].map((run) => run.retry_of))
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
