/**
 * The network between the broker and everybody else: connections that lose, double, reorder and delay frames, break, and
 * hang half-open. Like ZeroMQ's: who dials comes back by itself, under another return address; the broker learns that a
 * peer is gone when it has something to say to it.
 */
import type { Agenda } from './agenda.ts'
import type { Chance } from './chance.ts'
import type { Process } from './process.ts'
import type { Weather } from './weather.ts'

export type DoorName = 'worker' | 'client'

/** Who dials. Nothing reaches a process that is not up; what reaches a stopped one waits. */
export type Caller = {
  readonly process: Process
  readonly onConnect: () => void
  readonly onDisconnect: () => void
  readonly onFrame: (frame: Buffer) => void
  readonly onPublished?: (channel: string, frame: Buffer) => void
}

export type Line = {
  readonly name: string
  /** Says something; while no connection stands it is lost. */
  send(frame: Buffer): void
  /** Hears of channels that begin like one of these, some time from now on. */
  subscribe(channels: readonly string[]): void
  /** The connection breaks, and cannot be made anew for so long. */
  cut(ms: number): void
  /** Nothing comes through for so long, and nobody is told. */
  freeze(ms: number): void
}

/** What the broker does with what comes. */
export type Doors = {
  readonly process: Process
  readonly onFrame: (door: DoorName, peer: string, frame: Buffer) => void
}

export type Net = {
  dial(name: string, door: DoorName, caller: Caller): Line
  serve(doors: Doors): void
  /** The broker's process is gone: every connection breaks. */
  broken(): void
  /** False: nobody has this return address any more. */
  sendTo(peer: string, frame: Buffer): boolean
  publish(channel: string, frame: Buffer): void
  lines(): readonly Line[]
}

type Connection = {
  readonly name: string
  readonly door: DoorName
  readonly caller: Caller
  is_up: boolean
  /** Counts connections; what was under way on an earlier one is lost. */
  epoch: number
  peer: string
  blocked_until_ms: number
  frozen_until_ms: number
  /** When what was sent last arrives, each way: later frames come after it. */
  readonly arrives_ms: { up: number; down: number }
  channels: readonly string[]
}

export type NetPorts = {
  readonly agenda: Agenda
  readonly chance: Chance
  readonly weather: () => Weather
  readonly count: (fault: string) => void
  /** Hears of every frame that arrives. */
  readonly trace: (line: string) => void
}

export function openNet(ports: NetPorts): Net {
  const { agenda, chance, weather, count, trace } = ports
  const connections = new Map<string, Connection>()
  const byPeer = new Map<string, Connection>()
  const lines: Line[] = []
  let doors: Doors | null = null

  const tryConnect = (line: Connection): void => {
    const broker = doors?.process
    const isReady = broker?.isUp() === true && !broker.isStopped()
    if (!isReady || agenda.now() < line.blocked_until_ms || !line.caller.process.isUp())
      return void agenda.after(chance.between(100, 1_000), () => tryConnect(line))
    line.is_up = true
    line.epoch += 1
    line.peer = `${line.name}~${line.epoch}`
    byPeer.set(line.peer, line)
    const { epoch } = line
    const { process, onConnect } = line.caller
    process.after(0, () => {
      if (line.epoch === epoch) onConnect()
    })
  }
  const disconnect = (line: Connection): void => {
    if (!line.is_up) return
    line.is_up = false
    line.epoch += 1
    byPeer.delete(line.peer)
    line.caller.onDisconnect()
    agenda.after(chance.between(100, 300), () => tryConnect(line))
  }
  /** Brings a frame to the other end, sooner or later, perhaps. */
  const carry = (
    line: Connection,
    way: 'up' | 'down',
    receiver: Process,
    frame: Buffer,
    arrive: () => void,
  ): void => {
    const { drop, double, overtake, late } = weather()
    if (chance.maybe(drop)) return count('frame lost')
    const copies = chance.maybe(double) ? 2 : 1
    if (copies === 2) count('frame doubled')
    const { epoch } = line
    for (let copy = 0; copy < copies; copy++) {
      let at_ms = agenda.now() + chance.between(0.1, 2)
      if (chance.maybe(late)) {
        count('frame late')
        at_ms += chance.between(500, 8_000)
      }
      // A second copy comes whenever it likes.
      if (copy > 0) at_ms += chance.maybe(0.5) ? chance.between(0, 10_000) : 0
      else if (chance.maybe(overtake)) count('frame overtaken')
      else {
        at_ms = Math.max(at_ms, line.arrives_ms[way])
        line.arrives_ms[way] = at_ms
      }
      at_ms = Math.max(at_ms, line.frozen_until_ms)
      agenda.after(at_ms - agenda.now(), () => {
        if (line.epoch !== epoch) return
        trace(`${line.name} ${way === 'up' ? '>' : '<'} ${frame.toString().slice(0, 400)}`)
        receiver.after(0, arrive)
      })
    }
  }
  const dial = (name: string, door: DoorName, caller: Caller): Line => {
    const line: Connection = {
      name,
      door,
      caller,
      is_up: false,
      epoch: 0,
      peer: '',
      blocked_until_ms: 0,
      frozen_until_ms: 0,
      arrives_ms: { up: 0, down: 0 },
      channels: [],
    }
    connections.set(name, line)
    // A process that is killed closes its connections, and its next life dials anew.
    caller.process.onEnd(() => disconnect(line))
    agenda.after(chance.between(1, 50), () => tryConnect(line))
    const outside: Line = {
      name,
      send: (frame) => {
        const serving = doors
        if (!line.is_up || !serving) return
        const { peer } = line
        carry(line, 'up', serving.process, frame, () => serving.onFrame(door, peer, frame))
      },
      subscribe: (channels) =>
        void agenda.after(chance.between(1, 300), () => {
          line.channels = channels
        }),
      cut: (ms) => {
        line.blocked_until_ms = agenda.now() + ms
        disconnect(line)
      },
      freeze: (ms) => {
        line.frozen_until_ms = agenda.now() + ms
      },
    }
    lines.push(outside)
    return outside
  }
  return {
    dial,
    serve: (serving) => {
      doors = serving
    },
    broken: () => {
      for (const line of connections.values()) disconnect(line)
    },
    sendTo: (peer, frame) => {
      const line = byPeer.get(peer)
      if (!line) return false
      const { process, onFrame } = line.caller
      carry(line, 'down', process, frame, () => onFrame(frame))
      return true
    },
    publish: (channel, frame) => {
      for (const line of connections.values()) {
        const { process, onPublished } = line.caller
        if (!line.is_up || !onPublished) continue
        if (!line.channels.some((prefix) => channel.startsWith(prefix))) continue
        if (chance.maybe(weather().deaf)) count('publication missed')
        else carry(line, 'down', process, frame, () => onPublished(channel, frame))
      }
    },
    lines: () => lines,
  }
}
