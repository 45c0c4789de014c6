/**
 * Who runs what next.
 *
 * Once a turn, after all its events: the heads of all buckets of all lanes compete, lowest number first, then first come
 * first served, and each that can start is started, until none can. `deliver: one` goes to the worker with the most
 * room; `all` takes every subscribed worker at once.
 */
import type { Card } from '../../common/definition/card.ts'
import { BROADCAST_GRACE_MS } from '../../common/protocol/limits.ts'
import { due, dueAt } from './deadlines.ts'
import type { Now } from './event.ts'
import { noteRun } from './feed.ts'
import { makeHeap, pop, push } from './heap.ts'
import {
  type Bucket,
  dequeue,
  headOf,
  type Lane,
  laneNamed,
  moveTask,
  startsBefore,
} from './lanes.ts'
import { type Run, type State, type Task, type Worker, taskId } from './state.ts'
import { moveRun } from './tally.ts'

/** Starts every queued run that can start now. */
export function dispatch(state: State, now: Now): void {
  if (!state.may_start) return
  state.may_start = false
  const held_back = [...state.held_back]
  state.held_back.clear()
  for (const worker of held_back) leaseOwn(state, worker)
  const contest = makeHeap<Contender>((a, b) => startsBefore(a.head, b.head))
  for (const lane of state.lanes.values()) {
    if (isLaneFull(lane)) continue
    for (const [key, bucket] of lane.buckets) {
      const head = headOf(bucket)
      if (head) push(contest, { lane, bucket, head })
      else lane.buckets.delete(key)
    }
  }
  for (let first = pop(contest); first; first = pop(contest)) {
    const { lane, bucket, head } = first
    if (!start(state, now, lane, bucket, head)) continue
    const next = headOf(bucket)
    if (next) push(contest, { lane, bucket, head: next })
  }
}

type Contender = { readonly lane: Lane; readonly bucket: Bucket; readonly head: Run }

/** Starts the head of a bucket. False when nothing of this bucket can start now. */
function start(state: State, now: Now, lane: Lane, bucket: Bucket, run: Run): boolean {
  if (isLaneFull(lane)) return false
  if (isKeyFull(state, bucket)) return false
  return bucket.card.deliver === 'one'
    ? startOne(state, now, bucket, run)
    : startAll(state, now, bucket, run)
}

const isLaneFull = ({ limit, running }: Lane): boolean => limit !== null && running >= limit

function isKeyFull(
  state: State,
  { card, concurrency_key }: Pick<Bucket, 'card' | 'concurrency_key'>,
): boolean {
  if (!card.concurrency || concurrency_key === null || card.concurrency.per === 'worker')
    return false
  return (state.keys.get(concurrency_key)?.running ?? 0) >= card.concurrency.limit
}

/** Whether a worker may take one more task of this key. */
export function hasKeyRoom(
  state: State,
  card: Card,
  concurrency_key: string | null,
  worker: Worker,
): boolean {
  if (card.concurrency?.per !== 'worker' || concurrency_key === null) return true
  return (state.keys.get(concurrency_key)?.by_worker.get(worker.name) ?? 0) < card.concurrency.limit
}

/** The workers that a run of this bucket is meant for: subscribed to its topic, and chosen if it is a retry. */
export function* subscribers(
  state: State,
  card: Card,
  only: readonly string[] | null,
): Generator<Worker> {
  for (const worker of state.subscribed.get(card.job) ?? []) {
    const announced = state.cards.get(worker.jobs.get(card.job) ?? '')
    if (announced?.topic === card.topic && (only === null || only.includes(worker.name)))
      yield worker
  }
}

function startOne(state: State, now: Now, bucket: Bucket, run: Run): boolean {
  let best: Worker | null = null
  for (const worker of subscribers(state, bucket.card, bucket.only_workers)) {
    if (!worker.session || worker.draining || worker.given >= worker.credit) continue
    if (!hasKeyRoom(state, bucket.card, bucket.concurrency_key, worker)) continue
    if (!best || worker.credit - worker.given > best.credit - best.given) best = worker
  }
  if (!best) return false
  const task = run.tasks[0] ?? newTask(run, 0)
  if (run.tasks.length === 0) run.tasks = [task]
  leaveQueue(state, now, run)
  task.worker = best.name
  best.given += 1
  lease(state, run, task, best)
  state.effects.push({
    kind: 'task',
    peer: best.session?.peer ?? '',
    run,
    n: task.n,
    attempt: task.attempt,
  })
  return true
}

function startAll(state: State, now: Now, bucket: Bucket, run: Run): boolean {
  const workers = [...subscribers(state, bucket.card, bucket.only_workers)]
  if (!workers.some((worker) => now.mono_ms < worker.away_at_ms)) return false
  workers.sort((a, b) => (a.name < b.name ? -1 : 1))
  leaveQueue(state, now, run)
  const tasks: Record<string, number> = Object.create(null) as Record<string, number>
  run.tasks = workers.map((_, n) => newTask(run, n))
  for (const [n, worker] of workers.entries()) {
    const task = run.tasks[n] as Task
    task.worker = worker.name
    if (now.mono_ms >= worker.away_at_ms && bucket.card.offline_wait_ms === 0) {
      task.finished_ms = now.wall_ms
      task.reason = 'its worker was away'
      moveTask(state, run, task, 'missed')
      continue
    }
    worker.holds.set(taskId(task), task)
    worker.waiting.add(task)
    state.touched.tasks.add(task)
    if (now.mono_ms >= worker.away_at_ms) {
      task.due_ms = now.wall_ms + bucket.card.offline_wait_ms
      due(state, now, task.due_ms, { kind: 'wait', run_id: run.run_id, n })
    } else if (canTake(state, bucket.card, run, worker)) {
      lease(state, run, task, worker)
      tasks[worker.name] = n
    }
  }
  if (run.tasks.every((task) => task.state !== 'leased')) return true
  state.effects.push({ kind: 'broadcast', topic: bucket.card.topic, run, tasks })
  dueAt(state, now.mono_ms + BROADCAST_GRACE_MS, { kind: 'accept', run_id: run.run_id })
  return true
}

/** Gives a worker those of its own tasks that wait for nothing but for it; what a limit holds back, `dispatch` tries again. */
export function leaseOwn(state: State, worker: Worker): void {
  for (const task of worker.waiting) {
    const run = state.runs.get(task.run_id)
    const card = run?.card ? state.cards.get(run.card) : undefined
    if (!run || !card || !canTake(state, card, run, worker)) continue
    if (!hasRoom(state, card, run)) {
      state.held_back.add(worker)
      continue
    }
    lease(state, run, task, worker)
    state.effects.push({
      kind: 'task',
      peer: worker.session?.peer ?? '',
      run,
      n: task.n,
      attempt: task.attempt,
    })
  }
}

const canTake = (state: State, card: Card, run: Run, worker: Worker): boolean =>
  worker.session !== null &&
  !worker.draining &&
  hasKeyRoom(state, card, run.concurrency_key, worker)

/** A run that counts has its place; one whose tasks were all delayed or lost needs one again, in its lane and its key. */
const hasRoom = (state: State, card: Card, run: Run): boolean =>
  run.counted ||
  (!isLaneFull(laneNamed(state, run.lane)) &&
    !isKeyFull(state, { card, concurrency_key: run.concurrency_key }))

/** The right to a new attempt. */
function lease(state: State, run: Run, task: Task, worker: Worker): void {
  task.attempt += 1
  Object.assign(task, UNREPORTED)
  task.attempts.push({
    attempt: task.attempt,
    worker: worker.name,
    state: 'leased',
    exit_code: null,
    signal: null,
    reason: null,
    started_ms: null,
    finished_ms: null,
  })
  worker.holds.set(taskId(task), task)
  worker.waiting.delete(task)
  moveTask(state, run, task, 'leased')
}

/** Nothing is known of an execution before it is reported, whatever an earlier one came to. */
const UNREPORTED = {
  accepted: false,
  exit_code: null,
  signal: null,
  reason: null,
  started_ms: null,
  finished_ms: null,
  due_ms: null,
  output: {},
  stdout_bytes: 0,
  stderr_bytes: 0,
  error_tail: '',
} as const satisfies Partial<Task>

function leaveQueue(state: State, now: Now, run: Run): void {
  dequeue(state, run)
  if (run.state === 'running') return
  moveRun(state, run, 'running')
  run.reason = null
  state.touched.runs.add(run)
  noteRun(state, now, run)
}

function newTask(run: Run, n: number): Task {
  return {
    run_id: run.run_id,
    n,
    worker: null,
    state: 'ready',
    attempt: 0,
    tries: 0,
    lost: 0,
    attempts: [],
    ...UNREPORTED,
  }
}
