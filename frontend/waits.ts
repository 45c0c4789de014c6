/**
 * Waiting for a run or a flow to come to its end.
 *
 * Subscribe first, then ask, then wait for news and ask again; and ask every two seconds without any news. So neither a
 * lost wake nor a broker that restarts in the middle can leave anybody waiting for what has happened already.
 */
import type { FlowView, RunState, RunView } from '../common/protocol/answers.ts'
import type { Question } from '../common/protocol/client-door.ts'
import type { Subject } from './watchers.ts'
import type { Api } from './routes/route.ts'
import { unlessLeft } from './standing.ts'
import type { Stay } from './standing.ts'

const ASK_AGAIN_MS = 2_000
const LEAST_PATIENCE_MS = 500

const ENDS: ReadonlySet<RunState> = new Set(['succeeded', 'failed', 'canceled', 'expired'])
/** A later broker may know other ends; each has a time. */
export const isOver = (run: RunView): boolean => ENDS.has(run.state) || run.finished_at !== null

/** The run as it was last seen, over or not; null when the broker could not be asked. */
export const waitForRun = (
  api: Api,
  stay: Stay,
  run_id: string,
  wait_ms: number,
): Promise<RunView | null> =>
  waitFor(api, stay, wait_ms, `run:${run_id}`, { what: 'run', run_id }, isOver)

/** As `waitForRun`, until nothing more will come of the flow. */
export const waitForFlow = (
  api: Api,
  stay: Stay,
  flow_id: string,
  wait_ms: number,
): Promise<FlowView | null> =>
  waitFor<FlowView>(
    api,
    stay,
    wait_ms,
    `flow:${flow_id}`,
    { what: 'flow', flow_id },
    (flow) => flow.settled,
  )

async function waitFor<T>(
  api: Api,
  stay: Stay,
  wait_ms: number,
  subject: Subject,
  question: Question,
  isDone: (seen: T) => boolean,
): Promise<T | null> {
  const end_ms = performance.now() + wait_ms
  const watch = api.feed.watch([subject])
  let seen: T | null = null
  try {
    for (;;) {
      const patience_ms = Math.min(ASK_AGAIN_MS, end_ms - performance.now())
      const asked = await unlessLeft(
        stay,
        api.broker.ask<T>({ kind: 'query', question }, Math.max(LEAST_PATIENCE_MS, patience_ms)),
      )
      if (asked === null) return seen
      if (asked.kind === 'answered') seen = asked.result
      else if (asked.error.status < 500) return seen
      const left_ms = end_ms - performance.now()
      if ((seen !== null && isDone(seen)) || left_ms <= 0 || stay.signal.aborted) return seen
      await watch.changed(Math.min(left_ms, ASK_AGAIN_MS), stay.signal)
    }
  } finally {
    watch.end()
  }
}
