/** What happens when something is due. */
import { queue } from './birth.ts'
import type { Now } from './event.ts'
import { finish } from './finish.ts'
import { timeOutGate } from './gates.ts'
import { peek, pop } from './heap.ts'
import { writeLazy } from './lazy.ts'
import { leaseOver, resendUnaccepted, workerAway } from './leases.ts'
import { awayTooLong, waitOver } from './retries.ts'
import type { Due, State } from './state.ts'
import { forgetIfAway } from './workers.ts'

/** Does everything that is due by now. */
export function decideDue(state: State, now: Now): void {
  for (;;) {
    const next = peek(state.deadlines)
    if (!next || next.at_ms > now.mono_ms) return
    pop(state.deadlines)
    come(state, now, next)
  }
}

function come(state: State, now: Now, { what }: Due): void {
  switch (what.kind) {
    case 'delay': {
      const run = state.runs.get(what.run_id)
      if (run?.state === 'waiting' && run.card !== null) queue(state, now, run)
      return
    }
    case 'expires': {
      const run = state.runs.get(what.run_id)
      if (run && (run.state === 'waiting' || run.state === 'queued'))
        finish(state, now, run, 'expired', 'it was not started in time')
      return
    }
    case 'accept':
      return resendUnaccepted(state, what.run_id)
    case 'wait':
      return waitOver(state, now, what.run_id, what.n)
    case 'task':
      return awayTooLong(state, now, what.run_id, what.n)
    case 'lease':
    case 'away':
    case 'forget': {
      const worker = state.workers.get(what.worker)
      return worker && WORKER_DEADLINES[what.kind](state, now, worker)
    }
    case 'lazy':
      return writeLazy(state)
    case 'gate':
      return timeOutGate(state, now, what.semaphore, what.key)
  }
}

const WORKER_DEADLINES = { lease: leaseOver, away: workerAway, forget: forgetIfAway }
