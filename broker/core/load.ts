/** A starting broker takes up what is alive, exactly where it was. */
import { AWAY_MS, HAND_OVER_MS, LEASE_MS, UNFOLLOWED_MS } from '../../common/protocol/limits.ts'
import { knowCard } from './crowd.ts'
import { due, dueGate, dueTask } from './deadlines.ts'
import type { Now } from './event.ts'
import { awaitSemaphores, holdFlow, joinFlow } from './flows.ts'
import { gather } from './gathering.ts'
import type { Ids } from './ids.ts'
import { enqueue, holdKey, isActive, laneNamed, recount } from './lanes.ts'
import { watch } from './leases.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { joinMembers } from './places.ts'
import { tallyNew } from './tally.ts'
import type { CardRecord, SemaphoreRecord } from './records.ts'
import {
  emptyState,
  type Gate,
  gateId,
  type Run,
  type State,
  type Task,
  taskId,
  type Worker,
} from './state.ts'
import { isOver } from './finish.ts'

/** What the store hands over. What is not stored (sessions, counts, queues) is made anew here. */
export type Alive = {
  readonly feed_head: number
  /** In the order in which they were first seen. */
  readonly cards: readonly CardRecord[]
  readonly lanes: readonly { readonly lane: string; readonly limit: number | null }[]
  /** With empty `holds` and `watched`, no session, and monotonic times of 0. */
  readonly workers: readonly Worker[]
  readonly semaphores: readonly SemaphoreRecord[]
  /** Unfinished runs with their tasks, in order of `sequence`; nothing of them counted or queued. */
  readonly runs: readonly Run[]
  /** Gates that gather, with the arrivals of their generation, oldest first. */
  readonly gates: readonly Gate[]
  /** Runs that ended after the least place of all semaphores: their flows may not be settled yet. */
  readonly outcomes: readonly {
    readonly n: number
    readonly flow_id: string
    readonly job: string
  }[]
}

/** The state after a start. Every open attempt has a new lease: its worker gets the time to come back. */
export function loadState(
  alive: Alive,
  seed: Ids,
  now: Now,
  limits: Limits = DEFAULT_LIMITS,
): State {
  const state = emptyState(seed, limits)
  state.feed_head = alive.feed_head
  for (const { hash, card } of alive.cards) knowCard(state, hash, card)
  for (const { lane, limit } of alive.lanes) laneNamed(state, lane).limit = limit
  for (const worker of alive.workers) takeWorker(state, worker, now)
  for (const run of alive.runs) takeRun(state, run, now)
  for (const record of alive.semaphores) {
    const away_at_ms = now.mono_ms + UNFOLLOWED_MS
    const semaphore = { ...record, awaited_by: new Map<string, number>(), away_at_ms }
    state.semaphores.set(record.name, semaphore)
    joinMembers(state, semaphore)
  }
  for (const gate of alive.gates) if (gate.arrivals.size > 0) takeGate(state, gate, now)
  for (const { n, flow_id, job } of alive.outcomes) awaitSemaphores(state, flow_id, job, n)
  state.may_start = true
  return state
}

function takeWorker(state: State, worker: Worker, now: Now): void {
  worker.lease_until_ms = now.mono_ms + (worker.handing_over ? HAND_OVER_MS : LEASE_MS)
  worker.away_at_ms = now.mono_ms + AWAY_MS
  state.workers.set(worker.name, worker)
  watch(state, worker)
  for (const job of worker.jobs.keys()) {
    const subscribed = state.subscribed.get(job)
    if (subscribed) subscribed.add(worker)
    else state.subscribed.set(job, new Set([worker]))
  }
}

function takeRun(state: State, run: Run, now: Now): void {
  state.runs.set(run.run_id, run)
  tallyNew(state, run)
  state.sequence = Math.max(state.sequence, run.sequence)
  joinFlow(state, run.flow_id)
  holdKey(state, run)
  for (const task of run.tasks) takeTask(state, run, task, now)
  const card = run.card === null ? undefined : state.cards.get(run.card)
  if (run.state === 'queued') enqueue(state, run)
  else if (run.state === 'waiting' && card)
    due(
      state,
      now,
      run.created_ms + run.delay_ms,
      { kind: 'delay', run_id: run.run_id },
      run.delay_ms,
    )
  else if (run.state === 'waiting') {
    const waiting = state.unannounced.get(run.job)
    if (waiting) waiting.add(run)
    else state.unannounced.set(run.job, new Set([run]))
  }
  if (card && card.expires_ms !== null && run.state !== 'running')
    due(
      state,
      now,
      run.created_ms + card.expires_ms,
      { kind: 'expires', run_id: run.run_id },
      card.expires_ms,
    )
}

function takeTask(state: State, run: Run, task: Task, now: Now): void {
  if (isOver(task)) return
  const worker = task.worker === null ? undefined : state.workers.get(task.worker)
  worker?.holds.set(taskId(task), task)
  if (isActive(task)) recount(state, run, task)
  else if (task.due_ms !== null) {
    const card = run.card === null ? undefined : state.cards.get(run.card)
    const longest_ms =
      task.state === 'delayed' ? card?.retries.max_backoff_ms : card?.offline_wait_ms
    dueTask(state, now, task, longest_ms)
  } else if (run.deliver === 'one') enqueue(state, run)
  if (task.state === 'ready') worker?.waiting.add(task)
}

function takeGate(state: State, gate: Gate, now: Now): void {
  state.gates.set(gateId(gate.semaphore, gate.key), gather(gate))
  for (const { flow_id } of gate.arrivals.values()) holdFlow(state, flow_id)
  const { timeout_ms = null } = state.semaphores.get(gate.semaphore)?.definition ?? {}
  dueGate(state, now, gate, timeout_ms ?? Infinity)
}
