/**
 * Lanes: the queues, and the limits that hold them back.
 *
 * A lane keeps its runs in buckets: all runs of a bucket can start under the same conditions (the same card, concurrency
 * key and choice of workers), so one look at a bucket's head answers for the whole bucket, and a run that cannot start
 * never hides one that can. A run that leaves the queue early stays in its bucket and is skipped when it comes up.
 */
import type { Card } from '../../common/definition/card.ts'
import { type Heap, makeHeap, peek, pop, push } from './heap.ts'
import type { Run, State, Task } from './state.ts'

export type Bucket = {
  readonly card: Card
  readonly concurrency_key: string | null
  readonly only_workers: readonly string[] | null
  readonly queue: Heap<Run>
}

export type Lane = {
  readonly name: string
  limit: number | null
  /** Runs that count: those with a leased or running task. */
  running: number
  queued: number
  readonly buckets: Map<string, Bucket>
}

/** What counts under one concurrency key. */
export type KeyUse = {
  /** All unfinished runs of the key. */
  readonly runs: Set<Run>
  running: number
  /** Leased and running tasks by worker, for `per: worker`. */
  readonly by_worker: Map<string, number>
}

/** Lower numbers first, then first come first served. */
export const startsBefore = (a: Run, b: Run): boolean =>
  a.priority !== b.priority ? a.priority < b.priority : a.sequence < b.sequence

export const isActive = (task: Task): boolean => task.state === 'leased' || task.state === 'running'

export function laneNamed(state: State, name: string): Lane {
  const known = state.lanes.get(name)
  if (known) return known
  const lane: Lane = { name, limit: null, running: 0, queued: 0, buckets: new Map() }
  state.lanes.set(name, lane)
  return lane
}

/** Puts a run into its lane's queue; its place there follows from its priority and its age, also the second time. */
export function enqueue(state: State, run: Run): void {
  const card = run.card === null ? undefined : state.cards.get(run.card)
  if (!card) throw new Error(`run ${run.run_id} is queued without a card`)
  if (run.in_queue) return
  const lane = laneNamed(state, run.lane)
  const key = `${run.card}\0${run.concurrency_key ?? ''}\0${run.only_workers?.join(',') ?? ''}`
  let bucket = lane.buckets.get(key)
  if (!bucket) {
    const { concurrency_key, only_workers } = run
    bucket = { card, concurrency_key, only_workers, queue: makeHeap(startsBefore) }
    lane.buckets.set(key, bucket)
  }
  push(bucket.queue, run)
  run.in_queue = true
  lane.queued += 1
  state.may_start = true
}

export function dequeue(state: State, run: Run): void {
  if (!run.in_queue) return
  run.in_queue = false
  laneNamed(state, run.lane).queued -= 1
}

/** The next run of a bucket; those that have left the queue are dropped on the way. */
export function headOf(bucket: Bucket): Run | undefined {
  for (;;) {
    const head = peek(bucket.queue)
    if (!head || head.in_queue) return head
    pop(bucket.queue)
  }
}

/** Makes an unfinished run known under its concurrency key. */
export function holdKey(state: State, run: Run): void {
  if (run.concurrency_key === null) return
  const use = state.keys.get(run.concurrency_key)
  if (use) use.runs.add(run)
  else
    state.keys.set(run.concurrency_key, { runs: new Set([run]), running: 0, by_worker: new Map() })
}

export function releaseKey(state: State, run: Run): void {
  if (run.concurrency_key === null) return
  const use = state.keys.get(run.concurrency_key)
  use?.runs.delete(run)
  if (use?.runs.size === 0) state.keys.delete(run.concurrency_key)
}

/** The only way a task changes state: it keeps what counts in lanes and keys true. */
export function moveTask(state: State, run: Run, task: Task, to: Task['state']): void {
  const was = isActive(task)
  task.state = to
  state.touched.tasks.add(task)
  if (was !== isActive(task)) recount(state, run, task)
}

/** A task became active, or ceased to be: what counts under its lane and its key follows. */
export function recount(state: State, run: Run, task: Task): void {
  const is = isActive(task)
  const use = run.concurrency_key === null ? undefined : state.keys.get(run.concurrency_key)
  if (use && task.worker !== null)
    use.by_worker.set(task.worker, (use.by_worker.get(task.worker) ?? 0) + (is ? 1 : -1))
  state.may_start = true
  const counts = is || run.tasks.some(isActive)
  if (counts === run.counted) return
  run.counted = counts
  laneNamed(state, run.lane).running += counts ? 1 : -1
  if (use) use.running += counts ? 1 : -1
}
