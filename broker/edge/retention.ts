/**
 * History that does not grow for ever: what is over, and old or too much, is forgotten.
 *
 * A sweep looks through history on its thread, and deletes in steps of a few milliseconds between turns, with rests that
 * are longer when the process is busy: dispatch never waits for more than one step. Nothing is deleted of a flow that has
 * unfinished runs, or an arrival that a gathering gate holds, or (as long as the feed is kept) an outcome that a
 * semaphore has not heard of. Output files go after their runs: the store remembers which, so a crash forgets none.
 */
import type { Log } from '../../common/daemon/log.ts'
import type { Now } from '../core/event.ts'
import type { State } from '../core/state.ts'
import type { Forgetting, History, OldRuns, RequestKey } from '../store/store.ts'
import type { Outputs } from './outputs.ts'
import { openPace, type Pace } from './pace.ts'

export type RetentionPorts = {
  readonly state: Pick<State, 'runs' | 'flows'>
  readonly store: Forgetting
  readonly history: Pick<History, 'countRuns' | 'oldRuns' | 'oldRequests'>
  readonly outputs: Pick<Outputs, 'remove'>
  readonly log: Pick<Log, 'warn' | 'info'>
  readonly now: () => Now
  /** Events that have not been decided yet. */
  readonly waiting: () => number
  /** How long finished runs are kept, and how many. */
  readonly keep: { readonly days: number; readonly runs: number }
}

const DAY_MS = 24 * 3600 * 1000
/** Whoever waits for a run finds out how it ended, whatever is to be kept. */
const FRESH_MS = 60_000
/** A semaphore that is behind by more than this cannot read of it in the feed any more. */
const FEED_KEPT_MS = 7 * DAY_MS
const REQUESTS_KEPT_MS = 30 * DAY_MS
const SWEEP_EVERY_MS = 60_000
/** One step deletes no more than this … */
const STEP_ITEMS = 200
/** … and begins nothing more after this. */
const STEP_MS = 2
const ASKED_AT_ONCE = 1_000
/** A sweep gives up looking for old requests after so many answers without one; the next goes on from there. */
const IDLE_ANSWERS = 50
const OUTPUTS_AT_ONCE = 32

/** Sweeps until it is stopped; `stop` is fulfilled when nothing more will be asked of the store. */
export function startRetention(ports: RetentionPorts): { stop(): Promise<void> } {
  const pace = openPace(ports.waiting)
  const sweep = makeSweep(ports, pace)
  const work = async (): Promise<void> => {
    while (!pace.stopped()) {
      await sweep().catch((error: unknown) => {
        if (!pace.stopped()) ports.log.warn('old runs were not forgotten', { error: String(error) })
      })
      await pace.rest(SWEEP_EVERY_MS)
    }
  }
  const ended = work()
  return {
    stop: async () => {
      pace.stop()
      await ended
    },
  }
}

/** One look at everything; it ends early when the pace is stopped. */
export function makeSweep(ports: RetentionPorts, pace: Pace): () => Promise<void> {
  const sweepRequests = requestSweep(ports, pace)
  return async () => {
    const runs = await sweepRuns(ports, pace)
    if (runs > 0) ports.log.info('forgot old runs', { runs })
    await sweepRequests()
    await removeOutputs(ports, pace)
  }
}

/** Runs go oldest first: all that are too old, and as many as are too many. Returns how many went. */
async function sweepRuns(ports: RetentionPorts, pace: Pace): Promise<number> {
  const { state, store, history, now, keep } = ports
  let forgotten = 0
  let excess = (await history.countRuns()) - state.runs.size - keep.runs
  for (let after: number | null = 0; after !== null && !pace.stopped();) {
    const fresh_ms = now().wall_ms - FRESH_MS
    const old_ms = Math.min(fresh_ms, now().wall_ms - keep.days * DAY_MS)
    const found: OldRuns = await history.oldRuns(
      after,
      excess > 0 ? fresh_ms : old_ms,
      ASKED_AT_ONCE,
    )
    const queue = found.runs.filter((run) => !isHeld(ports, run))
    while (queue.length > 0 && !pace.stopped()) {
      await pace.next()
      // What is held is looked up again in each step: turns went on meanwhile.
      const step = queue.splice(0, STEP_ITEMS).filter((run) => !isHeld(ports, run))
      const due = step.filter(({ finished_ms }, at) => finished_ms < old_ms || at < excess)
      if (due.length === 0 || pace.stopped()) continue
      const done = pace.timed(() =>
        store.forgetRuns(
          due.map(({ run_id }) => run_id),
          STEP_MS,
        ),
      )
      queue.unshift(...due.slice(done))
      excess -= done
      forgotten += done
    }
    after = found.next
  }
  return forgotten
}

/** Whether the run's flow may still need it. */
function isHeld({ state, now }: RetentionPorts, run: OldRuns['runs'][number]): boolean {
  const flow = state.flows.get(run.flow_id)
  if (flow === undefined) return false
  const is_in_feed = run.finished_ms > now().wall_ms - FEED_KEPT_MS
  return flow.runs > 0 || flow.arrivals > 0 || (flow.semaphores > 0 && is_in_feed)
}

const FIRST_KEY: RequestKey = { request_id: '', job: '' }

function requestSweep({ store, history, now }: RetentionPorts, pace: Pace): () => Promise<void> {
  let place = FIRST_KEY
  return async () => {
    for (let idle = 0; idle < IDLE_ANSWERS && !pace.stopped();) {
      const { keys, next } = await history.oldRequests(place, now().wall_ms - REQUESTS_KEPT_MS)
      idle = keys.length === 0 ? idle + 1 : 0
      for (let rest = keys; rest.length > 0 && !pace.stopped();) {
        await pace.next()
        if (pace.stopped()) return
        const step = rest.slice(0, STEP_ITEMS)
        rest = rest.slice(pace.timed(() => store.forgetRequests(step, STEP_MS)))
      }
      place = next ?? FIRST_KEY
      if (next === null) return
    }
  }
}

/** Files are removed by the system's threads; one that cannot be removed is tried again by the next sweep. */
async function removeOutputs({ store, outputs, log }: RetentionPorts, pace: Pace): Promise<void> {
  for (let after = ''; !pace.stopped();) {
    await pace.next()
    if (pace.stopped()) return
    const run_ids = store.outputsToRemove(after, OUTPUTS_AT_ONCE)
    const removed: string[] = []
    for (const run_id of run_ids)
      await outputs.remove(run_id).then(
        () => removed.push(run_id),
        (error: unknown) => log.warn('output was not removed', { run_id, error: String(error) }),
      )
    if (removed.length > 0 && !pace.stopped()) pace.timed(() => store.outputsRemoved(removed))
    const last = run_ids.at(-1)
    if (last === undefined) return
    after = last
  }
}
