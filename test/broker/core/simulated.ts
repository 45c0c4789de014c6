/**
 * A broker without sockets: the real decisions and the real turn over a store in memory, with a clock that the test
 * moves. Every message passes through the codec on its way in and out, and the invariants are checked after every turn.
 */
import { takeTurn, type TurnPorts } from '../../../broker/turn.ts'
import { nextDeadline } from '../../../broker/core/deadlines.ts'
import type { Command, Event } from '../../../broker/core/event.ts'
import { seedIds } from '../../../broker/core/ids.ts'
import { checkInvariants } from '../../../broker/core/invariants.ts'
import type { Limits } from '../../../broker/core/limits.ts'
import { loadState } from '../../../broker/core/load.ts'
import type { FeedRecord } from '../../../broker/core/records.ts'
import type { State } from '../../../broker/core/state.ts'
import { hashCard } from '../../../broker/edge/card-hash.ts'
import { openChannels } from '../../../broker/edge/entry/channels.ts'
import { makeRunTokens } from '../../../broker/edge/run-tokens.ts'
import { performer } from '../../../broker/edge/perform.ts'
import type { Store } from '../../../broker/store/store.ts'
import { FromClient, Reply } from '../../../common/protocol/client-door.ts'
import { Published } from '../../../common/protocol/feed.ts'
import { FromWorker, ToWorker } from '../../../common/protocol/worker-door.ts'
import { coded } from './coded.ts'

/** The first instant of every test: 2026-11-23 00:00 UTC. */
export const START_MS = Date.UTC(2026, 10, 23)

export type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never

/** What was sent to workers and published, as they read it. */
function makeMail() {
  const inboxes = new Map<string, ToWorker[]>()
  /** Worker to its session's token. */
  const sessions = new Map<string, string>()
  const woken: string[] = []
  /** Workers that no broadcast reaches. */
  const deaf = new Set<string>()
  const inbox = (name: string): ToWorker[] => {
    const known = inboxes.get(name)
    if (known) return known
    inboxes.set(name, [])
    return inbox(name)
  }
  /** A broadcast reaches every worker that has said hello, like a subscription to everything. */
  const published = (channel: string, message: unknown): void => {
    for (const item of coded(Published, message))
      if (item.kind !== 'task') woken.push(channel)
      else for (const worker of sessions.keys()) if (!deaf.has(worker)) inbox(worker).push(item)
  }
  return { inboxes, sessions, woken, deaf, inbox, published }
}

/** Wall clock and monotonic time, which go together unless a test sets the one. */
function makeClock() {
  const time = { wall_ms: START_MS, mono_ms: 1_000 }
  return {
    now: () => ({ ...time }),
    /** Goes on to a monotonic time. */
    goOn: (mono_ms: number): void => {
      time.wall_ms += Math.max(0, mono_ms - time.mono_ms)
      time.mono_ms = Math.max(time.mono_ms, mono_ms)
    },
    /** Somebody sets the wall clock. */
    setWall: (by_ms: number): void => {
      time.wall_ms += by_ms
    },
  }
}

export function simulateBroker(store: Store, limits?: Limits) {
  const clock = makeClock()
  const mail = makeMail()
  const replies = new Map<string, Reply>()
  const feed: FeedRecord[] = []
  let state: State
  let tokens = 0
  let starts = 0
  let asked = 0
  let gathered: Event[] | null = null

  const perform = performer({
    store,
    secret_names: () => state.secret_names,
    workers: { say: (peer, message) => mail.inbox(peer).push(...coded(ToWorker, message)) },
    clients: {
      reply: (_, reply) =>
        coded(Reply, reply).forEach((item) => replies.set(String(item.id), item)),
    },
    publisher: { publish: mail.published },
    channels: openChannels,
    mayFollow: () => true,
    runTokens: makeRunTokens('secret'),
  })
  const start = (): void => {
    starts += 1
    state = loadState(store.load(), seedIds(7, 1_000_003 * starts), clock.now(), limits)
    checkInvariants(state)
  }
  const turn = (...events: Event[]): void => {
    if (gathered) return void gathered.push(...events)
    const ports: TurnPorts = {
      state,
      store,
      now: clock.now,
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
    noteSessions()
  }
  const noteSessions = (): void => {
    for (const [worker, messages] of mail.inboxes)
      for (const item of messages)
        if (item.kind === 'welcome') mail.sessions.set(worker, item.session)
  }
  const says = (worker: string, message: FromWorker): void => {
    for (const item of coded(FromWorker, message)) {
      if (item.kind === 'session' || item.kind === 'output' || item.kind === 'knock') continue
      const session = mail.sessions.get(worker) ?? ''
      tokens += 1
      const token = `token-${tokens}`
      turn(
        item.kind === 'hello'
          ? { kind: 'hello', peer: worker, token, hello: item, hashes: item.cards.map(hashCard) }
          : { kind: 'report', peer: worker, session, report: item },
      )
    }
  }
  /** Sends a command; its reply is there when the turn has been taken. */
  const post = (command: WithoutId<Command>): (() => Reply) => {
    asked += 1
    const id = `ask-${asked}`
    const [decoded] = coded(FromClient, { ...command, id })
    if (!decoded || ['query', 'replay', 'subscribe'].includes(decoded.kind))
      throw new Error('not a command')
    turn({ kind: 'command', peer: 'client', command: decoded as Command })
    return () => {
      const reply = replies.get(id)
      if (!reply) throw new Error(`no reply to ${command.kind}`)
      return reply
    }
  }

  start()
  return {
    ...mail,
    ...clock,
    store,
    feed,
    state: () => state,
    turn,
    says,
    post,
    ask: (command: WithoutId<Command>): Reply => post(command)(),
    /** All that is said meanwhile arrives in one turn. */
    atOnce: (say: () => void): void => {
      const events: Event[] = []
      gathered = events
      say()
      gathered = null
      turn(...events)
    },
    /** Ends this broker's memory, as kill -9 would, and starts another on the same store. */
    restart: (): void => {
      mail.sessions.clear()
      for (const [name, messages] of mail.inboxes)
        mail.inboxes.set(
          name,
          messages.filter(({ kind }) => kind !== 'welcome'),
        )
      start()
    },
    /** Cuts a worker off: it says nothing any more, and is sent nothing. */
    cut: (name: string): void => {
      mail.sessions.delete(name)
      mail.inboxes.delete(name)
      turn({ kind: 'gone', peer: name })
    },
    /** Lets time go by; whatever falls due on the way happens at its time. Workers that are `alive` say so. */
    pass: (ms: number, alive: readonly string[] = []): void => {
      const until = clock.now().mono_ms + ms
      for (;;) {
        const { mono_ms } = clock.now()
        const beat = alive.length > 0 ? mono_ms + 5_000 : Infinity
        clock.goOn(Math.min(nextDeadline(state) ?? Infinity, beat, until))
        for (const worker of alive) says(worker, { kind: 'heartbeat' })
        if (alive.length === 0) turn()
        if (clock.now().mono_ms >= until) return
      }
    },
  }
}
