/**
 * Flows, while something of them is unfinished.
 *
 * A flow is settled when its runs are over, every known semaphore has passed the entries that concern it, and no gate
 * that gathers holds its arrivals. Until then a later step may still come, and nobody who waits for it is told.
 */
import type { Now } from './event.ts'
import { note } from './feed.ts'
import type { Flow, Run, SemaphoreState, State } from './state.ts'

export function joinFlow(state: State, flow_id: string): void {
  flowOf(state, flow_id).runs += 1
}

/** A run of the flow has ended; `n` is the number of the feed entry that tells so. */
export function leaveFlow(state: State, run: Run, n: number): void {
  flowOf(state, run.flow_id).runs -= 1
  awaitSemaphores(state, run.flow_id, run.job, n)
  state.settling.add(run.flow_id)
}

/** Every semaphore that the job is a member of must pass entry `n` before the flow is settled. */
export function awaitSemaphores(state: State, flow_id: string, job: string, n: number): void {
  for (const semaphore of state.members.get(job) ?? []) {
    if (n <= semaphore.place) continue
    // Taken out and put in again, it stands last: they are in order of `n`.
    if (!semaphore.awaited_by.delete(flow_id)) flowOf(state, flow_id).semaphores += 1
    semaphore.awaited_by.set(flow_id, n)
  }
}

/** A gathering gate took an arrival of the flow … */
export function holdFlow(state: State, flow_id: string): void {
  flowOf(state, flow_id).arrivals += 1
}

/** … or let go of it (opened, reset, replaced). */
export function freeFlow(state: State, flow_id: string): void {
  const flow = state.flows.get(flow_id)
  if (flow) flow.arrivals -= 1
  state.settling.add(flow_id)
}

/** A semaphore has followed the feed up to its place: flows that waited for that may be settled. */
export function passFlows(state: State, semaphore: SemaphoreState): void {
  for (const [flow_id, n] of semaphore.awaited_by) {
    if (n > semaphore.place) break
    semaphore.awaited_by.delete(flow_id)
    const flow = state.flows.get(flow_id)
    if (flow) flow.semaphores -= 1
    state.settling.add(flow_id)
  }
}

/** Nothing more will come of it by itself. */
export const isSettled = (flow: Flow | undefined): boolean =>
  flow === undefined || (flow.runs === 0 && flow.semaphores === 0 && flow.arrivals === 0)

/** Tells the followers of each flow that settled in this turn, and forgets it. */
export function settleFlows(state: State, now: Now): void {
  for (const flow_id of state.settling) {
    if (!isSettled(state.flows.get(flow_id))) continue
    state.flows.delete(flow_id)
    note(state, now, { topic: 'flow.settled.', flow_id })
  }
  state.settling.clear()
}

function flowOf(state: State, flow_id: string): Flow {
  const known = state.flows.get(flow_id)
  if (known) return known
  const flow: Flow = { runs: 0, semaphores: 0, arrivals: 0 }
  state.flows.set(flow_id, flow)
  return flow
}
