/**
 * The turn: gather, decide, commit, perform.
 *
 * Events gather while the process is busy with the turn before (or waits for its disk); then all of them are decided, all
 * that they change is one durable transaction, and only after it do the effects leave. So group commit comes by itself,
 * and nothing that others act on is ever ahead of the disk. A commit that fails ends the process: what is in memory is
 * not what is on disk any more, and the supervisor's next start loads what is.
 */
import { conclude, decide } from './core/decide.ts'
import { nextDeadline } from './core/deadlines.ts'
import type { Effect } from './core/effect.ts'
import {
  type Event,
  type Found,
  type Needs,
  needsOf,
  NOTHING_FOUND,
  type Now,
} from './core/event.ts'
import { follow, wantedValues } from './core/next.ts'
import { isEmpty, type Records } from './core/records.ts'
import type { State } from './core/state.ts'
import type { Store } from './store/store.ts'

/** A turn takes in no more once it has this much to write: a longer transaction makes everybody wait. */
const ENOUGH_WRITES = 2_000

export type TurnPorts = {
  readonly state: State
  readonly store: Store
  readonly now: () => Now
  /** Lets out what may leave, now that it is on disk. */
  readonly perform: (effects: readonly Effect[], records: Records) => void
  /** Called once, with what ended it; the process must end then. */
  readonly onFailure: (error: unknown) => void
}

export type Turns = {
  /** Takes an event in; its turn comes as soon as the loop is free. */
  take(event: Event): void
  /** Events that have not been decided yet. */
  waiting(): number
  stop(): void
}

export function startTurns(ports: TurnPorts): Turns {
  let inbox: Event[] = []
  let scheduled: NodeJS.Immediate | null = null
  let alarm: NodeJS.Timeout | null = null
  let stopped = false

  const schedule = (): void => {
    scheduled ??= setImmediate(run)
  }
  const run = (): void => {
    scheduled = null
    if (stopped) return
    try {
      inbox = inbox.slice(takeTurn(ports, inbox))
    } catch (error) {
      stopped = true
      ports.onFailure(error)
      return
    }
    if (inbox.length > 0) schedule()
    setAlarm()
  }
  const setAlarm = (): void => {
    if (alarm) clearTimeout(alarm)
    const at_ms = nextDeadline(ports.state)
    alarm =
      at_ms === null
        ? null
        : setTimeout(schedule, Math.min(60_000, Math.max(0, at_ms - ports.now().mono_ms)))
  }

  setAlarm()
  return {
    take: (event) => {
      inbox.push(event)
      schedule()
    },
    waiting: () => inbox.length,
    stop: () => {
      stopped = true
      if (scheduled) clearImmediate(scheduled)
      if (alarm) clearTimeout(alarm)
    },
  }
}

/** One turn over the first of these events; returns how many it took. The simulation calls it too. */
export function takeTurn(
  { state, store, now: readNow, perform }: TurnPorts,
  events: readonly Event[],
): number {
  const now = readNow()
  let taken = 0
  if ((nextDeadline(state) ?? Infinity) <= now.mono_ms) decide(state, { kind: 'due' }, now)
  const followUp = (): void => {
    while (state.following.length > 0) follow(state, now, store.values(wantedValues(state)))
  }
  for (const event of events) {
    // A command about runs means also those that follow from what was said before it.
    if (event.kind === 'command' && event.command.kind !== 'trigger') followUp()
    const needs = needsOf(event, state)
    decide(state, event, now, needs === null ? NOTHING_FOUND : gather(store, needs))
    taken += 1
    if (state.touched.runs.size + state.touched.tasks.size >= ENOUGH_WRITES) break
  }
  followUp()
  const { records, effects } = conclude(state, now)
  if (!isEmpty(records)) store.commit(records)
  perform(effects, records)
  return taken
}

/** Looks up what a decision needs. Runs that an earlier request made come with what they were started with. */
function gather(store: Store, needs: Needs): Found {
  const { gates, arrived, retried } = needs
  const requests = needs.requests ? store.requests(needs.requests) : NOTHING_FOUND.requests
  const earlier = [...requests.values()].map((request) => request.run_id)
  const run_ids = [...(needs.runs ?? []), ...earlier]
  const valued = [...(needs.values ?? []), ...earlier]
  return {
    requests,
    runs: run_ids.length === 0 ? NOTHING_FOUND.runs : store.runs(run_ids),
    values: valued.length === 0 ? NOTHING_FOUND.values : store.values(valued),
    flows: new Map(needs.flows?.map((flow_id) => [flow_id, store.flow(flow_id)])),
    gates: gates ? store.gates(gates) : NOTHING_FOUND.gates,
    arrived: arrived ? store.arrived(arrived) : NOTHING_FOUND.arrived,
    retried: retried ? store.retried(retried) : NOTHING_FOUND.retried,
  }
}
