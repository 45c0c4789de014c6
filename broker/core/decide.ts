/**
 * The broker's decisions, as one function of state, event and time.
 *
 * Nothing here reads a clock, makes a random number or waits: the turn (broker/turn.ts) hands in what is needed, writes
 * down what `conclude` returns, and lets the effects out after that. So the same code runs in a simulated world.
 */
import { hideIn, secretValuesOf } from '../../common/definition/secrets.ts'
import { decideRetry } from './again.ts'
import { decideArrive } from './arrivals.ts'
import { decideCancel } from './cancel.ts'
import { decideDue } from './due.ts'
import { dispatch } from './dispatch.ts'
import { answer, type Asker, type Effect, refuse } from './effect.ts'
import { type Command, type Event, type Found, NOTHING_FOUND, type Now } from './event.ts'
import { settleFlows } from './flows.ts'
import { decideOpen, decideReset } from './gates.ts'
import { decidePlace, decideSemaphoreCommand } from './places.ts'
import { writeLazy } from './lazy.ts'
import { nothingTouched, type Records, recordsOf, touchesAnything } from './records.ts'
import { failures } from './refusals.ts'
import { decideReport } from './reports.ts'
import type { State } from './state.ts'
import { decideTrigger } from './triggers.ts'
import { decideGone, decideHello, decideRekeyed, decideWorkerCommand } from './workers.ts'

/** Takes one event in. What it changes is noted in the state; what follows from it comes with `follow`. */
export function decide(state: State, event: Event, now: Now, found: Found = NOTHING_FOUND): void {
  switch (event.kind) {
    case 'command':
      return decideCommand(
        state,
        event.command,
        { peer: event.peer, id: event.command.id },
        now,
        found,
      )
    case 'hello':
      return decideHello(state, event, now)
    case 'report':
      return decideReport(state, event, now, found)
    case 'rekeyed':
      return decideRekeyed(state, event, now)
    case 'gone':
      return decideGone(state, event)
    case 'due':
      return decideDue(state, now)
  }
}

/** Ends a turn: starts what can start, settles what is settled, and hands over what to write and what to send. */
export function conclude(state: State, now: Now): { records: Records; effects: Effect[] } {
  dispatch(state, now)
  settleFlows(state, now)
  if (touchesAnything(state.touched)) writeLazy(state)
  const { touched, effects } = state
  for (const run of touched.runs) if (run.finished_ms !== null) state.runs.delete(run.run_id)
  for (const id of touched.visited) {
    const gate = state.gates.get(id)
    if (gate && (gate.opened_ms !== null || gate.arrivals.size === 0)) state.gates.delete(id)
  }
  state.touched = nothingTouched()
  state.effects = []
  return { records: recordsOf(touched), effects }
}

function decideCommand(state: State, command: Command, asker: Asker, now: Now, found: Found): void {
  switch (command.kind) {
    case 'trigger':
      return decideTrigger(state, command, asker, now, found)
    case 'cancel':
      return decideCancel(state, command, asker, now, found)
    case 'retry':
      return decideRetry(state, command, asker, now, found)
    case 'report':
      return decideOwnReport(state, command, asker, found)
    case 'arrive':
      return decideArrive(state, command, asker, now, found)
    case 'open':
      return decideOpen(state, command, asker, now, found)
    case 'reset':
      return decideReset(state, command, asker, now, found)
    case 'place':
      return decidePlace(state, command, asker, now)
    case 'semaphore':
      return decideSemaphoreCommand(state, command, asker, now)
    case 'worker':
      return decideWorkerCommand(state, command, asker, now)
  }
}

/** Whoever asks how far it is hears it, so what is secret of the run is no part of it. */
function shownMessage(
  { secret_names }: State,
  { run_id, message }: Command & { kind: 'report' },
  { values }: Found,
): string | null {
  const secrets = secretValuesOf(secret_names, values.get(run_id)?.params ?? {})
  return message ? hideIn(message, secrets) : (message ?? null)
}

/** A job's own word on how far it is. */
function decideOwnReport(
  state: State,
  command: Command & { kind: 'report' },
  asker: Asker,
  found: Found,
): void {
  const run = state.runs.get(command.run_id)
  if (!run || run.finished_ms !== null) {
    const over = run ?? found.runs.get(command.run_id)
    return refuse(
      state,
      asker,
      over ? failures.alreadyOver(over) : failures.unknownRun(command.run_id),
    )
  }
  if (command.message !== undefined) run.message = shownMessage(state, command, found)
  if (command.progress !== undefined) run.progress = command.progress
  state.touched.runs.add(run)
  answer(state, asker, {
    run_id: run.run_id,
    state: run.state,
    message: run.message,
    progress: run.progress,
  })
}
