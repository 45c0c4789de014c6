/**
 * The broker as a process that may die at any point: the real decisions and the real turn, over a disk that outlives it.
 *
 * A turn may end before its commit, after it, or with half of its effects out; whatever is not on the disk is gone then,
 * and the next process loads what is.
 */
import { nextDeadline } from '../../broker/core/deadlines.ts'
import type { Event, Now } from '../../broker/core/event.ts'
import { seedIds } from '../../broker/core/ids.ts'
import { checkInvariants } from '../../broker/core/invariants.ts'
import { loadState } from '../../broker/core/load.ts'
import type { State } from '../../broker/core/state.ts'
import { performer } from '../../broker/edge/perform.ts'
import { takeTurn, type TurnPorts } from '../../broker/turn.ts'
import { encodeFrame, encodeFrames } from '../../common/protocol/codec.ts'
import { makeDoors } from './broker-doors.ts'
import { openWatchedStore } from './broker-store.ts'
import type { Network } from './network.ts'
import type { Alarm } from './timeline.ts'
import { Crash, wallOf, type World } from './world.ts'

/** More events than this may never wait for a turn. */
const MAX_INBOX = 20_000
/** How soon a supervisor starts it again. */
const RESTART_MS = [50, 20_000] as const

export type Life = {
  readonly state: State
  readonly now: () => Now
  inbox: Event[]
  scheduled: boolean
  alarm: Alarm | null
}

export type BrokerProcess = {
  life(): Life | null
  kill(why: string): void
  pause(for_ms: number): void
  /** Starts it if it is down, and lets it go on if it is paused. */
  revive(): void
}

export function startBroker(world: World, network: Network): BrokerProcess {
  const { timeline, chance, history, judge, faults } = world
  let life: Life | null = null
  let paused_until_ms = 0
  let restart: Alarm | null = null

  const boot = (): void => {
    restart = null
    const booted_ms = timeline.now_ms()
    const now = (): Now => ({
      wall_ms: wallOf(world, 'broker'),
      mono_ms: 1_000 + timeline.now_ms() - booted_ms,
    })
    const store = openWatchedStore(world)
    const high = chance.between(0, 0x3fffffff)
    const state = loadState(store.load(), seedIds(high, chance.between(0, 0xffffffff)), now())
    const mine: Life = { state, now, inbox: [], scheduled: false, alarm: null }
    life = mine
    history.note('broker starts')
    judge.tell.loaded(state)
    const perform = performing(world, network, mine, store, take)
    const ports: TurnPorts = { state, store, now, perform, onFailure: fail }
    turn = () => runTurn(ports, mine)
    schedule(mine)
  }
  let turn = (): void => undefined
  const fail = (error: unknown): void => {
    if (error instanceof Crash) return die(error.message)
    judge.accuse('broken', error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  const runTurn = (ports: TurnPorts, mine: Life): void => {
    const { state } = mine
    const inbox = world.sabotage.event
      ? mine.inbox.flatMap((event) => world.sabotage.event?.(event, state) ?? [])
      : mine.inbox
    for (const event of inbox)
      if (event.kind === 'report' && event.report.kind === 'ended')
        judge.tell.heard(event.peer.split('/')[0] ?? '', event.report)
    try {
      mine.inbox = inbox.slice(takeTurn(ports, inbox))
      world.sabotage.state?.(state)
      checkInvariants(state)
    } catch (error) {
      return fail(error)
    }
    if (mine.inbox.length > 0) schedule(mine)
    setAlarm(mine)
  }
  const schedule = (mine: Life): void => {
    if (mine.scheduled) return
    mine.scheduled = true
    timeline.after(Math.max(chance.unit() * 2, paused_until_ms - timeline.now_ms()), () => {
      mine.scheduled = false
      if (life !== mine) return
      if (paused_until_ms > timeline.now_ms()) schedule(mine)
      else turn()
    })
  }
  const setAlarm = (mine: Life): void => {
    mine.alarm?.cancel()
    const at_ms = nextDeadline(mine.state)
    if (at_ms === null) return
    mine.alarm = timeline.after(at_ms - mine.now().mono_ms, () => {
      if (life === mine) schedule(mine)
    })
  }
  const take = (event: Event): void => {
    if (!life) return
    life.inbox.push(event)
    if (life.inbox.length > MAX_INBOX) judge.accuse('bounds', `${life.inbox.length} events wait`)
    schedule(life)
  }
  const die = (why: string): void => {
    if (!life) return
    history.note(`broker dies: ${why}`)
    life.alarm?.cancel()
    life = null
    paused_until_ms = 0
    network.closeAll()
    restart = timeline.after(faults.stopped() ? 100 : chance.between(...RESTART_MS), boot)
  }
  const doors = makeDoors(world, network, () => life, take)
  network.attach({ isUp: () => life !== null, ...doors })
  boot()
  return {
    life: () => life,
    kill: die,
    pause: (for_ms) => {
      if (!life) return
      history.note(`broker pauses for ${for_ms} ms`)
      paused_until_ms = timeline.now_ms() + for_ms
    },
    revive: () => {
      paused_until_ms = 0
      restart?.cancel()
      if (life) schedule(life)
      else boot()
    },
  }
}

/** Lets effects out as the real performer orders them; a crash may leave the rest of them unsaid. */
function performing(
  world: World,
  network: Network,
  { state }: Life,
  store: TurnPorts['store'],
  take: (event: Event) => void,
): TurnPorts['perform'] {
  const { judge, faults, chance, history, sabotage } = world
  let left = Infinity
  const lets = (): void => {
    left -= 1
    if (left < 0) throw new Crash('amid the effects of a turn')
  }
  const outboxes = new Map<string, unknown[]>()
  const perform = performer({
    store,
    workers: {
      say: (peer, original) => {
        lets()
        const message = sabotage.leaving ? sabotage.leaving(original) : original
        if (message === null) return
        history.note(`broker to ${peer}: ${shortly(message)}`)
        judge.tell.said(peer.split('/')[0] ?? '', message)
        outboxes.set(peer, [...(outboxes.get(peer) ?? []), message])
      },
    },
    clients: {
      reply: (peer, reply) => {
        lets()
        judge.tell.replied(reply)
        network.reply(peer, encodeFrame([reply]))
      },
    },
    publisher: {
      publish: (channel, message) => {
        lets()
        const { kind } = message as { kind: string }
        if (kind === 'task') history.note(`broker publishes ${shortly(message)}`)
        network.publish(channel, encodeFrame([message]))
      },
    },
  })
  return (effects, records) => {
    left = faults.strikes('crash_amid_effects') ? chance.between(0, effects.length) : Infinity
    outboxes.clear()
    try {
      perform(effects, records)
    } finally {
      for (const [peer, messages] of outboxes)
        for (const frame of encodeFrames(messages, tooLarge))
          if (!network.toWorker(peer, frame) && state.sessions.size > 0) {
            take({ kind: 'gone', peer })
            break
          }
    }
  }
}

const tooLarge = (_: unknown, bytes: number): never => {
  throw new Error(`a message of ${bytes} bytes fits no frame`)
}

/** A message in a few words, for the history. */
export function shortly(message: unknown): string {
  const said = message as Record<string, unknown>
  const about = said['task_id'] ?? said['run_id']
  const facts = ['attempt', 'state', 'reason', 'exit_code', 'credit', 'of', 'code', 'offset']
    .filter((fact) => said[fact] !== undefined && said[fact] !== null)
    .map((fact) => `${fact} ${String(said[fact])}`)
  const held = Array.isArray(said['held'])
    ? [`holds ${(said['held'] as { task_id: string; attempt: number; state: string }[]).map((item) => `${item.task_id.slice(-10)}#${item.attempt} ${item.state}`).join(', ')}`]
    : []
  return [
    String(said['kind']),
    ...(typeof about === 'string' ? [about.slice(-10)] : []),
    ...(typeof said['job'] === 'string' ? [said['job']] : []),
    ...facts,
    ...held,
  ].join(' ')
}
