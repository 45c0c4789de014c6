/** What the broker knows at this moment, in the shapes of common/protocol/answers.ts. */
import type {
  GateView,
  JobView,
  LaneView,
  MetricsAnswer,
  SemaphoreView,
  WorkerView,
} from '../../common/protocol/answers.ts'
import { cursorOf } from '../../common/protocol/cursor.ts'
import type { Now } from './event.ts'
import { isActive } from './lanes.ts'
import { isAway } from './places.ts'
import type { Gate, SemaphoreState, State, Worker } from './state.ts'
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
        params: card.params,
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

/** Gates that gather; those that are open are in the history. */
export const viewSemaphores = (state: State, now: Now): SemaphoreView[] =>
  [...state.semaphores.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((semaphore) => ({
      semaphore: semaphore.name,
      state: isAway(semaphore, now) ? 'away' : 'present',
      wait_for: semaphore.definition.wait_for.map(({ job, count }) => ({ job, count })),
      place: cursorOf(semaphore.place),
      gates: [...state.gates.values()]
        .filter((gate) => gate.semaphore === semaphore.name && gate.opened_ms === null)
        .sort((a, b) => b.since_ms - a.since_ms)
        .slice(0, 1000)
        .map((gate) => viewGate(semaphore, gate)),
      unkeyed: [],
    }))

export function viewGate({ definition }: Pick<SemaphoreState, 'definition'>, gate: Gate): GateView {
  const arrivals = [...gate.arrivals.values()]
  return {
    key: gate.key,
    generation: gate.generation,
    state: gate.opened_ms === null ? 'gathering' : 'open',
    since: iso(gate.since_ms),
    opened_at: gate.opened_ms === null ? null : iso(gate.opened_ms),
    arrived: arrivals.map(({ member, distinct, run_id, at_ms }) => ({
      job: definition.wait_for[member]?.job ?? '?',
      distinct,
      run_id,
      at: iso(at_ms),
    })),
    missing: definition.wait_for.flatMap(({ job, count }, member) => {
      const left = count - arrivals.filter((arrival) => arrival.member === member).length
      return left > 0 ? [{ job, count: left }] : []
    }),
    late: gate.late,
  }
}

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
