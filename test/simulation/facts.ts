/**
 * What is on the disk, as an onlooker noted it down from each commit: a copy of its own, in shapes of its own, so that the
 * checkers need not believe the core, the store or each other.
 */
import type { Card, Semaphore } from '../../common/definition/card.ts'
import type {
  ArrivalRecord,
  FeedRecord,
  Records,
  RequestRecord,
  SemaphoreRecord,
  Values,
} from '../../broker/core/records.ts'
import type { Attempt, Gate, Run, Task } from '../../broker/core/state.ts'

export type RunRow = Readonly<Omit<Run, 'tasks' | 'counted' | 'in_queue'>>
export type TaskRow = Readonly<Omit<Task, 'attempts'>> & {
  readonly task_id: string
  readonly attempts: readonly Readonly<Attempt>[]
}
export type GateRow = Readonly<Omit<Gate, 'arrivals'>>

/** One transaction, as it was written. */
export type Commit = {
  readonly runs: readonly { readonly row: RunRow; readonly params: Values | null }[]
  readonly tasks: readonly TaskRow[]
  readonly requests: readonly RequestRecord[]
  readonly feed: readonly FeedRecord[]
  readonly gates: readonly GateRow[]
  readonly arrivals: readonly ArrivalRecord[]
  readonly semaphores: readonly SemaphoreRecord[]
}

export type Facts = {
  readonly runs: Map<string, RunRow>
  readonly params: Map<string, Values>
  readonly tasks: Map<string, TaskRow>
  /** Run id to its tasks' ids. */
  readonly tasksOf: Map<string, Set<string>>
  readonly cards: Map<string, Card>
  readonly lanes: Map<string, number | null>
  readonly feed: FeedRecord[]
  /** By name; with the place at which it was first heard of. */
  readonly semaphores: Map<string, { readonly definition: Semaphore; readonly since: number }>
}

export const noFacts = (): Facts => ({
  runs: new Map(),
  params: new Map(),
  tasks: new Map(),
  tasksOf: new Map(),
  cards: new Map(),
  lanes: new Map(),
  feed: [],
  semaphores: new Map(),
})

/** Copies a transaction: what it speaks of goes on changing in the broker's memory. */
export function copyCommit(records: Records): Commit {
  return {
    runs: records.runs.map(({ run, values }) => ({
      row: { ...run },
      params: values === null ? null : { ...values.params },
    })),
    tasks: records.tasks.map((task) => ({
      ...task,
      task_id: `${task.run_id}.${task.n}`,
      attempts: task.attempts.map((attempt) => ({ ...attempt })),
    })),
    requests: [...records.requests],
    feed: [...records.feed],
    gates: records.gates.map((gate) => ({ ...gate })),
    arrivals: [...records.arrivals],
    semaphores: records.semaphores.map((semaphore) => ({ ...semaphore })),
  }
}

/** The disk after this commit. */
export function addCommit(facts: Facts, commit: Commit, records: Records): void {
  for (const { row, params } of commit.runs) {
    facts.runs.set(row.run_id, row)
    if (params !== null) facts.params.set(row.run_id, params)
  }
  for (const task of commit.tasks) {
    facts.tasks.set(task.task_id, task)
    const known = facts.tasksOf.get(task.run_id)
    if (known) known.add(task.task_id)
    else facts.tasksOf.set(task.run_id, new Set([task.task_id]))
  }
  for (const { hash, card } of records.cards) facts.cards.set(hash, card)
  for (const { lane, limit } of records.lanes) facts.lanes.set(lane, limit)
  for (const { name, definition, place } of commit.semaphores)
    facts.semaphores.set(name, {
      definition,
      since: facts.semaphores.get(name)?.since ?? place,
    })
  for (const { run_id, values } of records.revised) facts.params.set(run_id, { ...values.params })
  for (const name of records.forgotten_semaphores) facts.semaphores.delete(name)
  facts.feed.push(...commit.feed)
}

export function tasksOfRun(facts: Facts, run_id: string): TaskRow[] {
  return [...(facts.tasksOf.get(run_id) ?? [])].flatMap((task_id) => facts.tasks.get(task_id) ?? [])
}

/** The card that a run is pinned to. */
export const cardOf = (facts: Facts, run: RunRow): Card | undefined =>
  run.card === null ? undefined : facts.cards.get(run.card)

export const RUN_ENDS: ReadonlySet<string> = new Set(['succeeded', 'failed', 'canceled', 'expired'])
const TASK_ENDS: ReadonlySet<string> = new Set([
  'succeeded',
  'failed',
  'timed_out',
  'canceled',
  'lost',
  'missed',
])
export const isRunOver = (row: RunRow | undefined): boolean => RUN_ENDS.has(row?.state ?? '')
export const isTaskOver = (row: TaskRow | undefined): boolean => TASK_ENDS.has(row?.state ?? '')
export const isTaskActive = (row: TaskRow | undefined): boolean =>
  row?.state === 'leased' || row?.state === 'running'
