/**
 * A broker without sockets: the real decisions and the real turn over a store in memory, with a clock that the test
 * moves. Every message passes through the codec on its way in and out, and the invariants are checked after every turn.
 */
import type { ExecutionContext } from 'ava'
import { takeTurn, type TurnPorts } from '../../../broker/turn.ts'
import { nextDeadline } from '../../../broker/core/deadlines.ts'
import type { Command, Event } from '../../../broker/core/event.ts'
import { explainRun } from '../../../broker/core/explain.ts'
import { seedIds } from '../../../broker/core/ids.ts'
import { checkInvariants } from '../../../broker/core/invariants.ts'
import { loadState } from '../../../broker/core/load.ts'
import type { FeedRecord } from '../../../broker/core/records.ts'
import type { Run, State } from '../../../broker/core/state.ts'
import { hashCard } from '../../../broker/edge/card-hash.ts'
import { performer } from '../../../broker/edge/perform.ts'
import type { Store } from '../../../broker/store/store.ts'
import type { Card, Lanes, Semaphore } from '../../../common/definition/card.ts'
import type { TriggerAccepted } from '../../../common/protocol/answers.ts'
import {
  type Failure,
  FromClient,
  Reply,
  type Trigger,
} from '../../../common/protocol/client-door.ts'
import { Published } from '../../../common/protocol/feed.ts'
import {
  type Ended,
  FromWorker,
  type Held,
  type Task,
  ToWorker,
} from '../../../common/protocol/worker-door.ts'
import { memoryDisk, openMemory } from '../store/memory.ts'
import { coded } from './coded.ts'

/** The first instant of every test: 2026-11-23 00:00 UTC. */
export const START_MS = Date.UTC(2026, 10, 23)

type Outcome = Partial<
  Pick<Ended, 'exit_code' | 'signal' | 'reason' | 'output' | 'error_tail' | 'message'>
>
type Sent<Kind extends ToWorker['kind']> = ToWorker & { kind: Kind }
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never

export type World = ReturnType<typeof makeWorld>

export function makeWorld(t: ExecutionContext, store: Store = openMemory(memoryDisk())) {
  let wall_ms = START_MS
  let mono_ms = 1_000
  let state: State
  let tokens = 0
  let asked = 0
  const replies = new Map<string, Reply>()
  const inboxes = new Map<string, ToWorker[]>()
  const sessions = new Map<string, string>()
  const feed: FeedRecord[] = []
  const woken: string[] = []

  const now = () => ({ wall_ms, mono_ms })
  const perform = performer({
    store,
    workers: { say: (peer, message) => inbox(peer).push(...coded(ToWorker, message)) },
    clients: {
      reply: (_, reply) =>
        coded(Reply, reply).forEach((item) => replies.set(String(item.id), item)),
    },
    publisher: { publish: (channel, message) => published(channel, message) },
  })
  const inbox = (name: string): ToWorker[] => {
    const known = inboxes.get(name)
    if (known) return known
    inboxes.set(name, [])
    return inbox(name)
  }
  /** A broadcast reaches every worker that has said hello, like a subscription to everything. */
  const published = (channel: string, message: unknown): void => {
    for (const item of coded(Published, message))
      if (item.kind === 'task') for (const worker of sessions.keys()) inbox(worker).push(item)
      else woken.push(channel)
  }
  const start = (): void => {
    state = loadState(store.load(), seedIds(7, 11), now())
    checkInvariants(state)
  }
  const turn = (...events: Event[]): void => {
    const ports: TurnPorts = {
      state,
      store,
      now,
      onFailure: (error) => {
        throw error
      },
      perform: (effects, records) => {
        feed.push(...records.feed)
        perform(effects, records)
      },
    }
    let left = events
    do left = left.slice(takeTurn(ports, left))
    while (left.length > 0)
    checkInvariants(state)
  }
  const says = (worker: string, message: FromWorker): void => {
    for (const item of coded(FromWorker, message)) {
      if (item.kind === 'hello') {
        tokens += 1
        turn({
          kind: 'hello',
          peer: worker,
          token: `token-${tokens}`,
          hello: item,
          hashes: item.cards.map(hashCard),
        })
        const welcome = inbox(worker).findLast((sent) => sent.kind === 'welcome')
        if (welcome?.kind === 'welcome') sessions.set(worker, welcome.session)
      } else if (item.kind !== 'session' && item.kind !== 'output')
        turn({ kind: 'report', peer: worker, session: sessions.get(worker) ?? '', report: item })
    }
  }
  const ask = (command: WithoutId<Command>): Reply => {
    asked += 1
    const id = `ask-${asked}`
    const [decoded] = coded(FromClient, { ...command, id })
    if (!decoded || decoded.kind === 'query' || decoded.kind === 'replay')
      throw new Error('not a command')
    turn({ kind: 'command', peer: 'client', command: decoded })
    const reply = replies.get(id)
    if (!reply) throw new Error(`no reply to ${command.kind}`)
    replies.delete(id)
    return reply
  }

  start()
  return {
    state: () => state,
    store,
    now,
    feed,
    woken,
    turn,
    says,
    /** Ends this broker's memory, as kill -9 would, and starts another on the same store. */
    restart: (): void => {
      sessions.clear()
      start()
    },
    /** A worker says hello with these jobs. */
    worker: (
      name: string,
      options: Partial<{
        cards: Card[]
        slots: number
        credit: number
        held: Held[]
        instance: string
        lanes: Lanes
      }> = {},
    ): void =>
      says(name, {
        kind: 'hello',
        protocol: 1,
        version: 'test',
        name,
        instance: options.instance ?? `spool of ${name}`,
        slots: options.slots ?? 4,
        credit: options.credit ?? options.slots ?? 4,
        cards: options.cards ?? [],
        lanes: options.lanes ?? {},
        held: options.held ?? [],
        reload_error: null,
      }),
    /** Cuts a worker off: it says nothing any more, and is sent nothing. */
    cut: (name: string): void => {
      sessions.delete(name)
      inboxes.delete(name)
      turn({ kind: 'gone', peer: name })
    },
    ask,
    /** The result of a command that is expected to succeed. */
    result: (command: WithoutId<Command>): unknown => {
      const reply = ask(command)
      if (!reply.ok) throw new Error(`${command.kind} was refused: ${reply.error.message}`)
      return reply.result
    },
    /** The refusal of a command that is expected to be refused. */
    refusal: (command: WithoutId<Command>): Failure => {
      const reply = ask(command)
      if (reply.ok) throw new Error(`${command.kind} was not refused`)
      return reply.error
    },
    trigger: (
      job: string,
      params: Record<string, unknown> = {},
      more: Partial<Trigger> = {},
    ): TriggerAccepted => {
      const reply = ask({ kind: 'trigger', triggers: [{ job, params, ...more }] })
      const [answer] = (reply.ok ? reply.result : []) as (TriggerAccepted | { error: Failure })[]
      if (!answer || 'error' in answer)
        throw new Error(`refused: ${JSON.stringify(answer ?? reply)}`)
      return answer
    },
    triggerRefused: (
      job: string,
      params: Record<string, unknown> = {},
      more: Partial<Trigger> = {},
    ): Failure => {
      const reply = ask({ kind: 'trigger', triggers: [{ job, params, ...more }] })
      const [answer] = (reply.ok ? reply.result : []) as (TriggerAccepted | { error: Failure })[]
      if (!answer || !('error' in answer)) throw new Error('was not refused')
      return answer.error
    },
    /** Takes what was sent to a worker since the last look, of one kind. */
    sent: <Kind extends ToWorker['kind']>(worker: string, kind: Kind): Sent<Kind>[] => {
      const all = inbox(worker)
      const wanted = all.filter((item): item is Sent<Kind> => item.kind === kind)
      inboxes.set(
        worker,
        all.filter((item) => item.kind !== kind),
      )
      return wanted
    },
    /** Takes the tasks a worker was given, as (task_id, attempt, …); broadcasts that name it count. */
    tasks: (worker: string): (Task & { task_id: string })[] => {
      const all = inbox(worker)
      inboxes.set(
        worker,
        all.filter((item) => item.kind !== 'task'),
      )
      return all.flatMap((item) => {
        if (item.kind !== 'task') return []
        const n = item.tasks?.[worker]
        const task_id = item.task_id ?? (n === undefined ? undefined : `${item.run_id}.${n}`)
        return task_id === undefined ? [] : [{ ...item, task_id }]
      })
    },
    accept: (worker: string, task: { task_id: string; attempt: number }): void =>
      says(worker, { kind: 'accepted', task_id: task.task_id, attempt: task.attempt }),
    begin: (worker: string, task: { task_id: string; attempt: number }): void =>
      says(worker, {
        kind: 'started',
        task_id: task.task_id,
        attempt: task.attempt,
        at_ms: wall_ms,
      }),
    end: (
      worker: string,
      task: { task_id: string; attempt: number },
      outcome: Outcome = {},
    ): void =>
      says(worker, {
        kind: 'ended',
        task_id: task.task_id,
        attempt: task.attempt,
        exit_code: 0,
        signal: null,
        reason: null,
        message: null,
        started_at_ms: wall_ms,
        finished_at_ms: wall_ms,
        output: {},
        stdout_bytes: 0,
        stderr_bytes: 0,
        error_tail: '',
        ...outcome,
      }),
    /** Lets time go by; whatever falls due on the way happens at its time. */
    pass: (ms: number, alive: readonly string[] = []): void => {
      const until = mono_ms + ms
      for (;;) {
        const at = Math.min(
          nextDeadline(state) ?? Infinity,
          alive.length > 0 ? mono_ms + 5_000 : Infinity,
          until,
        )
        wall_ms += Math.max(0, at - mono_ms)
        mono_ms = Math.max(mono_ms, at)
        for (const worker of alive) says(worker, { kind: 'heartbeat' })
        if (alive.length === 0) turn()
        if (mono_ms >= until) return
      }
    },
    /** A run as it is on disk. */
    run: (run_id: string): Run => {
      const run = store.runs([run_id]).get(run_id)
      if (!run) throw new Error(`no run ${run_id}`)
      return run
    },
    /** Runs of a job that are on disk, oldest first. */
    runsOf: (job: string): Run[] => {
      const ids = new Set(
        feed.flatMap((entry) => (entry.job === job && entry.run_id ? entry.run_id : [])),
      )
      return [...store.runs([...ids]).values()].sort((a, b) => a.sequence - b.sequence)
    },
    paramsOf: (run_id: string): Readonly<Record<string, string>> => ({
      ...store.values([run_id]).get(run_id)?.params,
    }),
    contextOf: (run_id: string): Readonly<Record<string, string>> => ({
      ...store.values([run_id]).get(run_id)?.context,
    }),
    why: (run_id: string) => {
      const run = state.runs.get(run_id)
      if (!run) throw new Error(`run ${run_id} is not in memory`)
      return explainRun(state, now(), run)
    },
    /** Makes semaphores known, as their process does at its start. */
    semaphores: (...definitions: Semaphore[]): void => {
      ask({
        kind: 'place',
        semaphores: definitions.map((definition) => ({
          name: definition.name,
          definition,
          after: null,
        })),
      })
    },
    /** Nothing was sent to any worker that the test has not looked at. */
    nothingElse: (): void => {
      for (const [worker, messages] of inboxes)
        t.deepEqual(
          messages.filter(({ kind }) => !QUIET.has(kind)),
          [],
          `nothing else was sent to ${worker}`,
        )
    },
  }
}

const QUIET: ReadonlySet<string> = new Set(['welcome', 'heartbeat', 'ack'])
