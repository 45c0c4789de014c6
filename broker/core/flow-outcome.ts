/**
 * How a flow stands, told from its runs alone. A failure may be made good: by a retry, or by the runs that the job's
 * `on_failure` started. Gates that still hold arrivals are not seen here; "settled" is decided elsewhere.
 */
import type { FlowView, RunState } from '../../common/protocol/answers.ts'
import type { Via } from './state.ts'

/** The part of a run that the outcome of its flow depends on. */
export type FlowMember = {
  readonly run_id: string
  readonly parent_run_id: string | null
  readonly retry_of: string | null
  readonly via: Via
  readonly state: RunState
}

const UNFINISHED: ReadonlySet<RunState> = new Set(['waiting', 'queued', 'running'])
const UNHAPPY: ReadonlySet<RunState> = new Set(['failed', 'expired'])

/** `runs` are all runs of one flow, oldest first. A flow without runs has succeeded. */
export function outcomeOfFlow(runs: readonly FlowMember[]): FlowView['state'] {
  if (runs.some((run) => UNFINISHED.has(run.state))) return 'running'
  const good = goodRuns(runs)
  if (runs.some((run) => UNHAPPY.has(run.state) && !good.has(run.run_id))) return 'failed'
  return runs.some((run) => run.state === 'canceled') ? 'canceled' : 'succeeded'
}

/**
 * Runs that succeeded or were cured: their newest retry is good, or all their `on_failure` runs are, of which there is
 * at least one. Retries and handlers are younger than what they cure, so one pass from the newest sees each in time.
 */
function goodRuns(runs: readonly FlowMember[]): ReadonlySet<string> {
  const good = new Set<string>()
  const newestRetry = new Map<string, boolean>()
  const handled = new Map<string, boolean>()
  for (const run of runs.toReversed()) {
    const isGood =
      run.state === 'succeeded' ||
      (UNHAPPY.has(run.state) &&
        (newestRetry.get(run.run_id) === true || handled.get(run.run_id) === true))
    if (isGood) good.add(run.run_id)
    if (run.retry_of !== null && !newestRetry.has(run.retry_of))
      newestRetry.set(run.retry_of, isGood)
    if (run.via === 'failure' && run.parent_run_id !== null)
      handled.set(run.parent_run_id, isGood && handled.get(run.parent_run_id) !== false)
  }
  return good
}
