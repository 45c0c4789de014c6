/** Follows a flow until one of its runs, or all of it, is over, telling of every change on the way. */
import type { FlowView, RunView } from '../../common/protocol/answers.ts'
import type { Api } from '../api/client.ts'
import { interrupted } from '../api/failure.ts'
import type { Failure } from '../api/failure.ts'
import { isOver } from '../show/words.ts'
import { openWakes, pause } from './wakes.ts'

export type Watch = {
  readonly flow_id: string
  /** Ends with this run; null ends with the whole flow. */
  readonly run_id: string | null
  /** Waits so long at most; null waits for as long as it takes. */
  readonly limit_ms: number | null
  readonly interrupted: AbortSignal
  /** A run is new, or its state, progress, message or reason changed. */
  readonly onChange: (run: RunView, flow: FlowView) => void
  /** The frontend does not answer any more; it is asked again. */
  readonly onLost: (failure: Failure) => void
}

export type Watched =
  | { readonly kind: 'over'; readonly flow: FlowView }
  | { readonly kind: 'still_running'; readonly flow: FlowView }
  | Failure

/** A frontend that was there is waited for this long when it goes away: it may only be restarted. */
const LOST_LIMIT_MS = 60_000
const AGAIN_MS = 1_000

export async function watchFlow(api: Api, watch: Watch): Promise<Watched> {
  const wakes = openWakes(api, watch.flow_id)
  const deadline = watch.limit_ms === null ? null : AbortSignal.timeout(watch.limit_ms)
  const ends = AbortSignal.any([watch.interrupted, ...(deadline ? [deadline] : [])])
  const tell = tellChanges(watch.onChange)
  let last: FlowView | null = null
  let lost_since_ms: number | null = null
  try {
    for (;;) {
      const asked = await api.get<FlowView>(['api', 'flows', watch.flow_id])
      if (watch.interrupted.aborted) return interrupted
      if (asked.kind === 'answer') {
        lost_since_ms = null
        last = asked.body
        tell(last)
        if (isDone(last, watch.run_id)) return { kind: 'over', flow: last }
      } else {
        if (asked.kind !== 'unreachable' || last === null) return asked
        if (lost_since_ms === null) watch.onLost(asked)
        lost_since_ms ??= Date.now()
        if (Date.now() - lost_since_ms > LOST_LIMIT_MS) return asked
      }
      if (deadline?.aborted && last !== null) return { kind: 'still_running', flow: last }
      if (lost_since_ms === null) await wakes.next(ends)
      else await pause(AGAIN_MS, ends)
    }
  } finally {
    wakes.close()
  }
}

const isDone = (flow: FlowView, run_id: string | null): boolean =>
  run_id === null ? flow.settled : flow.runs.some((run) => run.run_id === run_id && isOver(run))

/** Remembers what was told of each run, so that only changes are. */
function tellChanges(onChange: Watch['onChange']): (flow: FlowView) => void {
  const told = new Map<string, string>()
  return (flow) => {
    for (const run of flow.runs.toSorted((a, b) => compare(changedAt(a), changedAt(b)))) {
      const now = JSON.stringify([run.state, run.progress, run.message, run.reason])
      if (told.get(run.run_id) === now) continue
      told.set(run.run_id, now)
      onChange(run, flow)
    }
  }
}

const changedAt = (run: RunView): string => run.finished_at ?? run.started_at ?? run.created_at
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
