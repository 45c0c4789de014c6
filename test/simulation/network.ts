/**
 * The roads between the processes, and what may happen on them.
 *
 * A worker's connection is a road each way that keeps its order, unless a fault says otherwise, and that ends as a whole;
 * what was under way is lost with it. Clients' requests and broadcasts are single messages without a connection.
 */
import type { Alarm } from './timeline.ts'
import type { World } from './world.ts'

/** One direction of a road. */
export type Road = { last_ms: number; frozen_until_ms: number }
export const makeRoad = (): Road => ({ last_ms: 0, frozen_until_ms: 0 })

/** Frames that may be under way on one connection; more say that somebody talks without end. */
export const MAX_UNDER_WAY = 5_000

export type Connection = {
  /** The return address the broker knows; a new one for each connection. */
  readonly peer: string
  readonly worker: string
  readonly up: Road
  readonly down: Road
  readonly toWorker: (frame: Buffer) => void
  /** The worker's end learns that the connection is gone. */
  readonly onClosed: () => void
  open: boolean
  under_way: number
}

export type BrokerEnd = {
  isUp(): boolean
  fromWorker(connection: Connection, frame: Buffer): void
  fromClient(peer: string, frame: Buffer): void
}

export type Network = ReturnType<typeof makeNetwork>

export function makeNetwork(world: World) {
  const { chance, timeline, history } = world
  const connections = new Map<string, Connection>()
  /** Workers that nothing reaches, and until when. */
  const split = new Map<string, number>()
  /** Who follows the feed or takes broadcasts, by name. */
  const subscribers = new Map<string, (channel: string, frame: Buffer) => void>()
  const clients = new Map<string, (frame: Buffer) => void>()
  let broker: BrokerEnd = { isUp: () => false, fromWorker: ignore, fromClient: ignore }
  let dialled = 0

  const close = (connection: Connection): void => {
    if (!connection.open) return
    connection.open = false
    connections.delete(connection.peer)
    timeline.after(chance.between(1, 50), connection.onClosed)
  }
  const travel = (connection: Connection, road: Road, arrive: () => void): void => {
    connection.under_way += 1
    if (connection.under_way > MAX_UNDER_WAY)
      world.judge.accuse('bounds', `${connection.under_way} frames to or from ${connection.worker}`)
    const sent = carry(world, road, () => {
      connection.under_way -= 1
      if (connection.open) arrive()
    })
    connection.under_way += sent - 1
  }
  return {
    attach: (end: BrokerEnd): void => {
      broker = end
    },
    /** Tries to connect a worker; null when the broker cannot be reached. */
    dial: (
      worker: string,
      toWorker: Connection['toWorker'],
      onClosed: Connection['onClosed'],
    ): Connection | null => {
      if (!broker.isUp() || (split.get(worker) ?? 0) > timeline.now_ms()) return null
      dialled += 1
      const peer = `${worker}/${dialled}`
      const roads = { up: makeRoad(), down: makeRoad() }
      const connection = { peer, worker, ...roads, toWorker, onClosed, open: true, under_way: 0 }
      connections.set(peer, connection)
      return connection
    },
    close,
    closeAll: (): void => {
      for (const connection of connections.values()) close(connection)
    },
    /** Somebody pulls a cable: one connection ends. */
    cutOne: (): void => {
      const open = [...connections.values()]
      if (open.length > 0) close(chance.pick(open))
    },
    /** One connection carries nothing for a while, and both ends think that it stands. */
    freezeOne: (for_ms: number): void => {
      const open = [...connections.values()]
      if (open.length === 0) return
      const { up, down, worker } = chance.pick(open)
      history.note(`the connection of ${worker} is frozen for ${for_ms} ms`)
      up.frozen_until_ms = down.frozen_until_ms = timeline.now_ms() + for_ms
    },
    /** A worker's host is cut off for a while. */
    splitOff: (worker: string, for_ms: number): void => {
      split.set(worker, timeline.now_ms() + for_ms)
      for (const connection of connections.values())
        if (connection.worker === worker) close(connection)
    },
    heal: (): void => {
      split.clear()
      for (const { up, down } of connections.values()) up.frozen_until_ms = down.frozen_until_ms = 0
    },
    toBroker: (connection: Connection, frame: Buffer): void =>
      travel(connection, connection.up, () => broker.fromWorker(connection, frame)),
    /** False when nothing can be sent there any more. */
    toWorker: (peer: string, frame: Buffer): boolean => {
      const connection = connections.get(peer)
      if (!connection) return false
      travel(connection, connection.down, () => connection.toWorker(frame))
      return true
    },
    subscribe: (name: string, hear: (channel: string, frame: Buffer) => void): void =>
      void subscribers.set(name, hear),
    unsubscribe: (name: string): void => void subscribers.delete(name),
    publish: (channel: string, frame: Buffer): void => {
      for (const name of subscribers.keys()) {
        if (world.faults.strikes('broadcast_dropped')) continue
        if ((split.get(name) ?? 0) > timeline.now_ms()) continue
        carry(world, makeRoad(), () => subscribers.get(name)?.(channel, frame))
      }
    },
    client: (peer: string, hear: (frame: Buffer) => void): void => void clients.set(peer, hear),
    ask: (peer: string, frame: Buffer): void =>
      void carry(world, makeRoad(), () => broker.isUp() && broker.fromClient(peer, frame)),
    reply: (peer: string, frame: Buffer): void =>
      void carry(world, makeRoad(), () => clients.get(peer)?.(frame)),
  }
}

const ignore = (): void => undefined

/** Sends one frame on its way, with whatever befalls it there; returns how many copies arrive. */
function carry(world: World, road: Road, arrive: () => void): number {
  const { chance, timeline, faults } = world
  if (faults.strikes('frame_dropped')) return 0
  const now_ms = timeline.now_ms()
  let at_ms = Math.max(now_ms + 0.2 + chance.unit() * 3, road.frozen_until_ms)
  if (faults.strikes('frame_delayed')) at_ms += chance.between(50, 6_000)
  if (faults.strikes('frame_reordered')) at_ms += chance.between(1, 800)
  else road.last_ms = at_ms = Math.max(at_ms, road.last_ms)
  plan(timeline, at_ms - now_ms, arrive)
  if (!faults.strikes('frame_repeated')) return 1
  plan(timeline, at_ms - now_ms + chance.between(0, 2_000), arrive)
  return 2
}

const plan = (timeline: World['timeline'], delay_ms: number, arrive: () => void): Alarm =>
  timeline.after(delay_ms, arrive)
