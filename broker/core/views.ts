/** What the broker knows at this moment, in the shapes of common/protocol/answers.ts. */
import type { Card } from '../../common/definition/card.ts'
import { HIDDEN } from '../../common/definition/secrets.ts'
import type { JobView, LaneView, MetricsAnswer, WorkerView } from '../../common/protocol/answers.ts'
import { cursorOf } from '../../common/protocol/cursor.ts'
import type { Now } from './event.ts'
import { isActive } from './lanes.ts'
import type { State, Worker } from './state.ts'
import { emptyTally, tallyAll } from './tally.ts'

const iso = (ms: number): string => new Date(ms).toISOString()

export function viewJobs(state: State): JobView[] {
  return [...state.jobs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([job, hash]) => {
      const card = state.cards.get(hash)
      if (!card) throw new Error(`job ${job} has no card ${hash}`)
      const workers = [...(state.subscribed.get(job) ?? [])]
      return {
        job,
        description: card.description,
        topic: card.topic,
        deliver: card.deliver,
        lane: card.lane,
        priority: card.priority,
        params: shownRules(card.params),
        on_success: card.on_success.map((step) => step.job),
        on_failure: card.on_failure.map((step) => step.job),
        workers: workers.map(({ name }) => name).sort(),
        drift: workers
          .filter((worker) => worker.jobs.get(job) !== hash)
          .map(({ name }) => name)
          .sort(),
        ...(state.tallies.get(job) ?? emptyTally()),
      }
    })
}

/** A default is a value like any other, and so is each of an enum's. */
const shownRules = (rules: Card['params']): Card['params'] =>
  Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => [
      name,
      rule.secret
        ? { ...rule, default: rule.default && HIDDEN, values: rule.values && [HIDDEN] }
        : rule,
    ]),
  )

export const viewWorkers = (state: State, now: Now): WorkerView[] =>
  [...state.workers.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((worker) => ({
      worker: worker.name,
      instance: worker.instance,
      version: worker.version,
      state: presence(worker, now),
      slots: worker.slots,
      running: [...worker.holds.values()].filter(isActive).length,
      credit: Math.max(0, worker.credit - worker.given),
      last_heard_at: iso(worker.last_heard_ms),
      jobs: [...worker.jobs.keys()].sort(),
      reload_error: worker.reload_error,
      holds: [...worker.holds]
        .slice(0, 1000)
        .map(([task_id, task]) => `${task_id}#${task.attempt}`),
    }))

/** What people are told of a worker. */
export function presence(worker: Worker, now: Now): WorkerView['state'] {
  if (worker.handing_over) return 'handing_over'
  if (worker.away_at_ms <= now.mono_ms) return 'away'
  return worker.draining ? 'draining' : 'present'
}

export const viewLanes = (state: State): LaneView[] =>
  [...state.lanes.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, limit, running, queued }) => ({ lane: name, limit, running, queued }))

/** What `/metrics` shows of the decisions; the door adds its own counters. */
export function viewMetrics(
  state: State,
  now: Now,
): Omit<MetricsAnswer, 'version' | 'uptime_s' | 'totals'> {
  const workers = { present: 0, draining: 0, handing_over: 0, away: 0 }
  for (const worker of state.workers.values()) workers[presence(worker, now)] += 1
  return {
    feed_head: cursorOf(state.feed_head),
    runs: tallyAll(state),
    workers,
    lanes: viewLanes(state),
    reload_errors: [...state.workers.values()].flatMap(({ name, reload_error }) =>
      reload_error === null ? [] : [{ worker: name, message: reload_error }],
    ),
  }
}
