/**
 * How many unfinished runs of each job are in which state, kept as they move: whoever asks (a page, a scraper) gets it
 * without a walk over a million runs.
 */
import type { RunState } from '../../common/protocol/answers.ts'
import type { Run, State } from './state.ts'

export type Tally = { waiting: number; queued: number; running: number }

export const emptyTally = (): Tally => ({ waiting: 0, queued: 0, running: 0 })

/** A run that memory did not have before. */
export function tallyNew(state: State, run: Run): void {
  add(state, run.job, run.state, 1)
}

/** The only way a run changes state. */
export function moveRun(state: State, run: Run, to: RunState): void {
  add(state, run.job, run.state, -1)
  run.state = to
  add(state, run.job, to, 1)
  state.touched.runs.add(run)
}

/** Over all jobs. */
export function tallyAll(state: State): Tally {
  const all = emptyTally()
  for (const { waiting, queued, running } of state.tallies.values()) {
    all.waiting += waiting
    all.queued += queued
    all.running += running
  }
  return all
}

function add(state: State, job: string, at: RunState, by: number): void {
  if (at !== 'waiting' && at !== 'queued' && at !== 'running') return
  const tally = state.tallies.get(job) ?? emptyTally()
  tally[at] += by
  if (tally.waiting + tally.queued + tally.running > 0) state.tallies.set(job, tally)
  else state.tallies.delete(job)
}
