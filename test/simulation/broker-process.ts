/**
 * The broker's process: the real turn, core and questions between doors of the simulated network and a store that fails.
 * It ends where a real one may end: before a commit, after it, between any two effects, and at any time from outside.
 */
import { takeTurn } from '../../broker/turn.ts'
import { nextDeadline } from '../../broker/core/deadlines.ts'
import type { Event } from '../../broker/core/event.ts'
import { seedIds } from '../../broker/core/ids.ts'
import { checkInvariants } from '../../broker/core/invariants.ts'
import { loadState } from '../../broker/core/load.ts'
import type { State } from '../../broker/core/state.ts'
import { openChannels } from '../../broker/edge/entry/channels.ts'
import { makeRunTokens } from '../../broker/edge/run-tokens.ts'
import { performer, publishHead } from '../../broker/edge/perform.ts'
import { answerQuestions } from '../../broker/edge/questions.ts'
import { openOutputs } from '../../broker/edge/outputs.ts'
import { makeCounters } from '../../broker/edge/counters.ts'
import type { Store } from '../../broker/store/store.ts'
import { encodeFrame } from '../../common/protocol/codec.ts'
import { HEAD_MS } from '../../common/protocol/limits.ts'
import type { Agenda } from './agenda.ts'
import { readClientFrame, readWorkerFrame } from './broker-doors.ts'
import type { Chance } from './chance.ts'
import type { Facts } from './facts.ts'
import { historyOf } from './history.ts'
import type { Net } from './net.ts'
import { openProcess, type Process } from './process.ts'
import type { Weather } from './weather.ts'

/** The end of a process in the middle of what it does. */
export class Crash extends Error {}

export type BrokerPorts = {
  readonly agenda: Agenda
  readonly chance: Chance
  readonly weather: () => Weather
  readonly net: Net
  readonly facts: Facts
  /** Opens the store that all lives of the broker share. */
  readonly open: () => Store
  readonly count: (fault: string) => void
  /** Answers are under way that only the event loop brings forward. */
  readonly unsettled: () => void
  readonly loaded: () => void
}

export type BrokerProcess = {
  readonly process: Process
  readonly start: () => void
  readonly kill: () => void
  /** Of the life that is now. */
  state(): State
  /** The most events that ever waited for a turn. */
  mostWaiting(): number
}

export function openBroker(ports: BrokerPorts): BrokerProcess {
  const { agenda, chance, weather, net, count } = ports
  const process = openProcess(agenda, 'broker')
  const outputs = new Map<string, number>()
  let state: State
  let store: Store
  let inbox: Event[] = []
  let most_waiting = 0
  let is_scheduled = false
  let unalarm = (): void => undefined
  let effects_left = Infinity
  let answer: ReturnType<typeof answerQuestions>

  /** Lets one effect out, unless this is where the process ends. */
  const letOut = (send: () => void): void => {
    if (effects_left <= 0) {
      count('broker ended between effects')
      throw new Crash()
    }
    effects_left -= 1
    send()
  }
  const say = (peer: string, message: unknown): void => {
    if (!net.sendTo(peer, encodeFrame([message]))) take({ kind: 'gone', peer })
  }
  const take = (event: Event): void => {
    inbox.push(event)
    most_waiting = Math.max(most_waiting, inbox.length)
    schedule(chance.between(0, 1))
  }
  const schedule = (ms: number): void => {
    if (is_scheduled) return
    is_scheduled = true
    process.after(ms, turn)
  }
  const turn = (): void => {
    is_scheduled = false
    effects_left = chance.maybe(weather().half_turn) ? chance.integer(0, 6) : Infinity
    try {
      const perform = performer({
        store,
        channels: openChannels,
        mayFollow: () => true,
        runTokens: RUN_TOKENS,
        secret_names: () => state.secret_names,
        workers: { say: (peer, message) => letOut(() => say(peer, message)) },
        clients: { reply: (peer, reply) => letOut(() => say(peer, reply)) },
        publisher: {
          publish: (channel, message) => letOut(() => net.publish(channel, encodeFrame([message]))),
        },
      })
      const onFailure = (): void => undefined
      const turnPorts = { state, store, now: process.now, perform, onFailure }
      inbox = inbox.slice(takeTurn(turnPorts, inbox))
      if (effects_left !== Infinity) throw new Crash()
    } catch (error) {
      if (error instanceof Crash) return kill()
      throw error
    }
    checkInvariants(state)
    if (inbox.length > 0) schedule(chance.between(0, 1))
    setAlarm()
  }
  const setAlarm = (): void => {
    unalarm()
    const at_ms = nextDeadline(state)
    if (at_ms !== null)
      unalarm = process.after(Math.ceil(at_ms - process.now().mono_ms), () => schedule(0))
  }
  const beat = (): void => {
    const publisher = {
      publish: (channel: string, message: unknown) => net.publish(channel, encodeFrame([message])),
    }
    publishHead({ publisher, channels: openChannels }, state.feed_head)
    process.after(HEAD_MS, beat)
  }
  const kill = (): void => {
    if (!process.isUp()) return
    process.die()
    inbox = []
    is_scheduled = false
    store.close()
    net.broken()
  }
  const start = (): void => {
    process.rise()
    store = ports.open()
    const seed = seedIds(chance.integer(0, 0x3fffffff), chance.integer(0, 0xffffffff))
    state = loadState(store.load(), seed, process.now())
    checkInvariants(state)
    answer = answerQuestions({
      state,
      history: historyOf(ports.facts),
      outputs: NO_OUTPUTS,
      counters: makeCounters(),
      runTokens: RUN_TOKENS,
      now: process.now,
    })
    ports.loaded()
    setAlarm()
    beat()
  }
  net.serve({
    process,
    onFrame: (door, peer, frame) => {
      if (door === 'worker')
        return readWorkerFrame(frame, peer, { state, outputs, take, say, chance })
      readClientFrame(frame, peer, {
        take,
        ask: (request) => {
          ports.unsettled()
          const mine = process.now().mono_ms
          const tell = (answered: Awaited<ReturnType<typeof answer>>): void => {
            // A process that has died meanwhile answers nobody.
            if (!process.isUp() || process.now().mono_ms < mine) return
            say(peer, { kind: 'reply', id: request.id, ok: !('error' in answered), ...answered })
          }
          void answer(request).then(tell)
        },
      })
    },
  })
  return { process, start, kill, state: () => state, mostWaiting: () => most_waiting }
}

const RUN_TOKENS = makeRunTokens('secret')

/** Nobody in the simulation reads output; what is kept of it is counted by the door. */
const NO_OUTPUTS = openOutputs('/nonexistent')
