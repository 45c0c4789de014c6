/** What may reach the broker's decisions, and what is looked up in the store before each. */
import type { FromClient } from '../../common/protocol/client-door.ts'
import type { FromWorker, Hello } from '../../common/protocol/worker-door.ts'
import type { RequestRecord } from './records.ts'
import { type Gate, gateId, placeOf, type Run, type State } from './state.ts'
import type { StoredValues } from './values.ts'

/** Wall clock for people and for what is kept; monotonic time for everything that is waited for. */
export type Now = { readonly wall_ms: number; readonly mono_ms: number }

/** Requests that change something. Questions are answered elsewhere, from what is committed. */
export type Command = Exclude<FromClient, { kind: 'query' | 'replay' | 'subscribe' }>
/** Who may come in, and output, are the door's own business; a session only names the sender. */
export type Report = Exclude<FromWorker, { kind: 'knock' | 'hello' | 'session' | 'output' }>

export type Event =
  | { readonly kind: 'command'; readonly peer: string; readonly command: Command }
  /** `token` is a new session's; `key` the public key that it proved to hold, where there are keys; `hashes` are those of the cards, in order. */
  | {
      readonly kind: 'hello'
      readonly peer: string
      readonly token: string
      readonly key?: string
      readonly hello: Hello
      readonly hashes: readonly string[]
    }
  | {
      readonly kind: 'report'
      readonly peer: string
      readonly session: string
      readonly report: Report
    }
  /** These keys are not authorised any more, or for something else; the names of channels are new ones. */
  | { readonly kind: 'rekeyed'; readonly keys: ReadonlySet<string> }
  /** Nothing more can be sent to this address. */
  | { readonly kind: 'gone'; readonly peer: string }
  /** Some deadline has come. */
  | { readonly kind: 'due' }

/** What an event's decision must have looked up. */
export type Needs = {
  readonly requests?: readonly { readonly job: string; readonly request_id: string }[]
  readonly runs?: readonly string[]
  /** Runs of which the parameters are needed. */
  readonly values?: readonly string[]
  readonly flows?: readonly string[]
  readonly gates?: readonly { readonly semaphore: string; readonly key: string }[]
  readonly arrived?: readonly { readonly semaphore: string; readonly run_id: string }[]
  /** Runs of which it matters whether they have a retry. */
  readonly retried?: readonly string[]
}

/** What was found. Memory comes first: what this turn changed is not in the store yet. */
export type Found = {
  readonly requests: ReadonlyMap<string, RequestRecord>
  readonly runs: ReadonlyMap<string, Run>
  readonly values: ReadonlyMap<string, StoredValues>
  readonly flows: ReadonlyMap<string, readonly Run[]>
  readonly gates: ReadonlyMap<string, Gate>
  /** `semaphore\0run_id` of arrivals that were recorded before. */
  readonly arrived: ReadonlySet<string>
  readonly retried: ReadonlySet<string>
}

export const NOTHING_FOUND: Found = {
  requests: new Map(),
  runs: new Map(),
  values: new Map(),
  flows: new Map(),
  gates: new Map(),
  arrived: new Set(),
  retried: new Set(),
}

/** What to look up before deciding an event; null for most, which need nothing. A gate in memory is not looked up. */
export function needsOf(event: Event, state: State): Needs | null {
  if (event.kind === 'report') return needsOfReport(event.report, state)
  if (event.kind !== 'command') return null
  const { command } = event
  const gate = (semaphore: string, key: string): NonNullable<Needs['gates']> =>
    state.gates.has(gateId(semaphore, key)) ? [] : [{ semaphore, key }]
  switch (command.kind) {
    case 'trigger':
      return {
        requests: command.triggers.flatMap(({ job, request_id }) =>
          request_id ? [{ job, request_id }] : [],
        ),
        runs: command.triggers.flatMap(({ parent_run_id }) => parent_run_id ?? []),
      }
    case 'retry':
      if (command.run_ids) return { runs: command.run_ids, retried: command.run_ids }
      return namedIn(command)
    case 'cancel':
      return namedIn(command)
    case 'report':
      return { runs: [command.run_id], values: command.message ? [command.run_id] : [] }
    case 'arrive':
      return {
        runs: [command.run_id],
        gates: command.key === null ? [] : gate(command.semaphore, command.key),
        arrived: [{ semaphore: command.semaphore, run_id: command.run_id }],
      }
    case 'open':
    case 'reset':
      return { gates: gate(command.semaphore, command.key) }
    case 'place':
    case 'worker':
    case 'semaphore':
      return null
  }
}

/** What ends is alive, and in memory; only what was given up before that has to be looked for. */
function needsOfReport(report: Report, { runs }: State): Needs | null {
  if (report.kind !== 'ended') return null
  const { run_id } = placeOf(report.task_id)
  return runs.has(run_id) ? null : { runs: [run_id] }
}

/** The run, or the flow, that a command is about. */
const namedIn = ({ run_id, flow_id }: Command & { kind: 'cancel' | 'retry' }): Needs => ({
  runs: run_id ? [run_id] : [],
  flows: flow_id ? [flow_id] : [],
})
