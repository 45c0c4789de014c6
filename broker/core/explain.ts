/** Why a run is where it is: what it waits for, who could take it, what holds each back, and what to do about it. */
import { formatDuration } from '../../common/definition/durations.ts'
import { nearestName } from '../../common/definition/nearest.ts'
import type { ExplainView } from '../../common/protocol/answers.ts'
import { hasKeyRoom, subscribers } from './dispatch.ts'
import type { Now } from './event.ts'
import { isOver } from './finish.ts'
import { laneNamed, startsBefore } from './lanes.ts'
import { type Run, type State, type Task, taskId, type Worker } from './state.ts'

/** Details are made only when they are asked for: they look at all that is queued, and that may be a million runs. */
type Explained = {
  readonly summary: string
  readonly details: () => string[]
  readonly hints: string[]
}

/** Explains an unfinished run. */
export function explainRun(state: State, now: Now, run: Run): ExplainView {
  const { summary, details, hints } = explain(state, now, run)
  return { run_id: run.run_id, job: run.job, state: run.state, summary, details: details(), hints }
}

/** One sentence, for whoever asks for the run: those who wait for it ask again and again. */
export const shortReason = (state: State, now: Now, run: Run): string =>
  explain(state, now, run).summary

function explain(state: State, now: Now, run: Run): Explained {
  if (run.state === 'waiting') return explainWaiting(state, now, run)
  return run.in_queue ? explainQueued(state, now, run) : explainRunning(state, now, run)
}

function explainWaiting(state: State, now: Now, run: Run): Explained {
  if (run.card !== null) {
    const left_ms = run.created_ms + run.delay_ms - now.wall_ms
    return {
      summary: `delayed: it is queued in ${formatDuration(Math.max(0, left_ms))}`,
      details: () => [],
      hints: [],
    }
  }
  const near = nearestName(run.job, state.jobs.keys())
  return {
    summary: `no worker has announced the job ${run.job}`,
    details: () => (near === null ? [] : [`a job called ${near} is known`]),
    hints: [
      `define ${run.job} in the jobs directory of a worker and reload it (SIGHUP), or cancel the run`,
    ],
  }
}

function explainQueued(state: State, now: Now, run: Run): Explained {
  const card = run.card === null ? undefined : state.cards.get(run.card)
  if (!card) throw new Error(`run ${run.run_id} is queued without a card`)
  const lane = laneNamed(state, run.lane)
  const workers = [...subscribers(state, card, run.only_workers)]
  const details = (): string[] => queuedDetails(state, now, run, workers)
  if (lane.limit !== null && lane.running >= lane.limit) {
    return {
      summary: `lane ${lane.name} is full: ${lane.running} of ${lane.limit} run`,
      details: () => [
        ...details(),
        ...holdersOf(state.runs.values(), (other) => other.lane === run.lane),
      ],
      hints: [],
    }
  }
  const use = run.concurrency_key === null ? undefined : state.keys.get(run.concurrency_key)
  if (card.concurrency?.per === 'all' && use && use.running >= card.concurrency.limit) {
    const key = run.concurrency_key?.split('\0')[1]
    const summary = `the concurrency limit of ${run.job}${key ? ` for ${key}` : ''} is reached: ${use.running} of ${card.concurrency.limit}`
    return {
      summary,
      details: () => [...details(), ...holdersOf(use.runs, () => true)],
      hints: [],
    }
  }
  if (workers.length === 0) {
    const chosen = run.only_workers === null ? '' : ` among ${run.only_workers.join(', ')}`
    return {
      summary: `no worker is subscribed to ${card.topic}${chosen}`,
      details,
      hints: [
        'jobz workers lists workers and their jobs; was one forgotten, or its --topics changed?',
      ],
    }
  }
  if (!workers.some((worker) => worker.session !== null))
    return {
      summary: `all of its workers are away: ${names(workers)}`,
      details,
      hints: ['start one of them: the run waits'],
    }
  return { summary: `waits for a free worker: ${names(workers)}`, details, hints: [] }
}

function queuedDetails(state: State, now: Now, run: Run, workers: readonly Worker[]): string[] {
  const details = workers
    .slice(0, NAMED)
    .map((worker) => `${worker.name}: ${whyNot(state, now, run, worker)}`)
  if (workers.length > NAMED) details.push(`and ${workers.length - NAMED} workers more`)
  const ahead = aheadOf(state, run)
  if (ahead > 0)
    details.push(`${ahead} ${ahead === 1 ? 'run is' : 'runs are'} ahead of it in lane ${run.lane}`)
  return details
}

function whyNot(state: State, now: Now, run: Run, worker: Worker): string {
  const card = run.card === null ? undefined : state.cards.get(run.card)
  if (!worker.session) return awayFor(now, worker)
  if (worker.draining) return 'draining: it takes nothing new'
  if (card && !hasKeyRoom(state, card, run.concurrency_key, worker))
    return 'at the concurrency limit per worker'
  if (run.deliver === 'one' && worker.given >= worker.credit) {
    const holds = [...worker.holds.keys()].slice(0, 5).join(', ')
    return `no free slot (${worker.holds.size} tasks in ${worker.slots} slots${holds ? `: ${holds}` : ''})`
  }
  return 'free'
}

/** So many workers or tasks are gone through one by one. */
const NAMED = 100

const awayFor = (now: Now, worker: Worker): string =>
  `not connected, last heard ${formatDuration(Math.max(0, now.wall_ms - worker.last_heard_ms))} ago`

function explainRunning(state: State, now: Now, run: Run): Explained {
  const open = run.tasks.filter((task) => !isOver(task))
  const details = (): string[] =>
    open
      .slice(0, NAMED)
      .map((task) => `${task.worker ?? 'any worker'}: ${taskWord(state, now, task)}`)
  const summary = run.cancel_requested
    ? `cancel was asked for; ${open.length} of ${run.tasks.length} tasks are being stopped`
    : open.length === 1 && open[0]
      ? taskWord(state, now, open[0])
      : `${run.tasks.length - open.length} of ${run.tasks.length} tasks are over`
  return { summary, details, hints: [] }
}

function taskWord(state: State, now: Now, task: Task): string {
  const worker = task.worker === null ? undefined : state.workers.get(task.worker)
  const gone = worker && !worker.session ? ` (${awayFor(now, worker)})` : ''
  const id = `${taskId(task)} attempt ${task.attempt}`
  if (task.state === 'delayed')
    return `${id} failed; the next try is in ${formatDuration(Math.max(0, (task.due_ms ?? 0) - now.wall_ms))}`
  if (task.state === 'running') return `${id} runs on ${task.worker}${gone}`
  if (task.state === 'leased')
    return `${id} was given to ${task.worker}, which has not started it yet${gone}`
  return task.worker === null
    ? `${id} was lost and waits for a worker`
    : `waits for ${task.worker}${gone}`
}

function aheadOf(state: State, run: Run): number {
  let ahead = 0
  for (const { queue } of laneNamed(state, run.lane).buckets.values())
    for (const other of queue.items)
      if (other !== run && other.in_queue && startsBefore(other, run)) ahead += 1
  return ahead
}

function holdersOf(runs: Iterable<Run>, fits: (run: Run) => boolean): string[] {
  const holders: string[] = []
  for (const run of runs) {
    if (!run.counted || !fits(run)) continue
    holders.push(
      `held by ${run.run_id} (${run.job}${run.tasks[0]?.worker ? ` on ${run.tasks[0].worker}` : ''})`,
    )
    if (holders.length === 10) break
  }
  return holders
}

const names = (workers: readonly Worker[]): string =>
  workers
    .slice(0, 10)
    .map(({ name }) => name)
    .join(', ') + (workers.length > 10 ? ' …' : '')
