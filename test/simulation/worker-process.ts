/**
 * A worker daemon: the real worker core, doing its effects on a host of the simulated world. It may end before any of
 * its effects, be killed, stopped, restarted cleanly, or lose its host; its next life finds the spool as it was left.
 */
import { decide, nextDeadline } from '../../worker/core/decide.ts'
import type { Effect, Event, Restored } from '../../worker/core/event.ts'
import { brokenInvariant, newWorker, type Worker } from '../../worker/core/state.ts'
import { PROTOCOL_VERSION } from '../../common/protocol/limits.ts'
import { decodeFrame, encodeFrame } from '../../common/protocol/codec.ts'
import { Published } from '../../common/protocol/feed.ts'
import { ToWorker } from '../../common/protocol/worker-door.ts'
import type { Agenda } from './agenda.ts'
import type { Chance } from './chance.ts'
import type { Execution } from './checker.ts'
import { exitOf, type Host, type Kept, openHost } from './commands.ts'
import type { Line, Net } from './net.ts'
import { openProcess, type Process } from './process.ts'
import { EDITIONS, type Site } from './site.ts'
import type { Weather } from './weather.ts'

const SLOTS = 3
/** How often a worker looks at its disk. */
const DISK_MS = 5_000

export type WorkerPorts = {
  readonly agenda: Agenda
  readonly chance: Chance
  readonly weather: () => Weather
  readonly net: Net
  readonly count: (fault: string) => void
  readonly began: (execution: Execution, slots: number, running: number) => void
}

export type WorkerProcess = {
  readonly process: Process
  readonly host: Host
  readonly line: Line
  readonly start: () => void
  readonly kill: () => void
  /** SIGTERM: it says goodbye, and its commands go on. */
  readonly leave: () => void
  /** The host goes down with all that runs; `wiped`: and comes back with an empty spool. */
  crash(wiped: boolean): void
  /** SIGHUP, after somebody has edited the jobs. */
  reload(edition: number): void
  /** What the daemon knows; of the life that is now. */
  worker(): Worker
}

export function openWorker(name: string, ports: WorkerPorts): WorkerProcess {
  const { agenda, chance, weather, net, count } = ports
  const process = openProcess(agenda, name)
  const host = openHost(name, {
    agenda,
    chance,
    began: (execution, running) => ports.began(execution, SLOTS, running),
    ended: (key) => soon(key),
    crashed: () => {
      count('host taken down by its command')
      crash(false)
    },
  })
  let site: Site = EDITIONS[0] as Site
  let instance = 0
  let session: string | null = null
  let worker: Worker
  let events: Event[] = []
  let is_busy = false
  let untick = (): void => undefined

  const take = (event: Event): void => {
    if (!process.isUp()) return
    events.push(event)
    if (is_busy) return
    is_busy = true
    for (let next = events.shift(); next && process.isUp(); next = events.shift()) {
      const effects = decide(worker, next, process.now())
      const broken = brokenInvariant(worker)
      if (broken !== null) throw new Error(`${name}: ${broken}`)
      for (const effect of effects) {
        if (chance.maybe(weather().half_decision)) {
          count('worker ended between effects')
          kill()
        }
        if (!process.isUp()) break
        perform(effect)
      }
    }
    is_busy = false
    setTick()
  }
  const setTick = (): void => {
    untick()
    const due_ms = process.isUp() ? nextDeadline(worker) : null
    if (due_ms === null || worker.leaving) return
    untick = process.after(Math.ceil(due_ms - process.now().mono_ms), () => take({ kind: 'tick' }))
  }
  /** The daemon looks after a command that has come to its end. */
  const soon = (key: string): void => {
    process.after(chance.between(0.5, 5), () => {
      const command = host.spool.get(key)?.command
      if (command && command.how !== null) take({ kind: 'exited', key, exit: exitOf(command) })
    })
  }
  const send = (message: unknown): void =>
    line.send(encodeFrame(session === null ? [message] : [{ kind: 'session', session }, message]))

  const hands = { chance, weather, host, take, soon, send, count, process }
  const perform = (effect: Effect): void => {
    if (effect.kind === 'hello') {
      session = null
      return send(helloOf(name, `${name}-${instance}`, site, effect))
    }
    if (effect.kind === 'welcomed') {
      session = effect.session
      return line.subscribe(Object.values(effect.channels))
    }
    if (effect.kind === 'redial') return line.cut(0)
    // Somebody else has its name, for now: a supervisor starts it again.
    if (effect.kind === 'quit') return kill()
    performOnHost(hands, effect)
  }
  const line = net.dial(name, 'worker', {
    process,
    onConnect: () => take({ kind: 'connected' }),
    onDisconnect: () => {
      session = null
      take({ kind: 'disconnected' })
    },
    onFrame: (frame) => {
      const decoded = decodeFrame(ToWorker, frame)
      if (decoded.kind === 'garbage') throw new Error(decoded.reason)
      for (const message of decoded.messages)
        if (message.kind !== 'challenge') take({ kind: 'heard', message })
    },
    onPublished: (_, frame) => {
      const decoded = decodeFrame(Published, frame)
      if (decoded.kind === 'garbage') throw new Error(decoded.reason)
      for (const message of decoded.messages)
        if (message.kind === 'task') take({ kind: 'broadcast', task: message })
    },
  })
  const start = (): void => {
    process.rise()
    session = null
    events = []
    is_busy = false
    worker = newWorker({ name, slots: SLOTS, jobs: site.jobs })
    for (const [key, { command }] of host.spool) if (command && command.how !== null) soon(key)
    const attempts = [...host.spool.values()].map((kept) => restored(kept, agenda.now()))
    take({ kind: 'restored', attempts })
    lookAtDisk()
  }
  /** There is room on the disk, again. */
  const lookAtDisk = (): void => {
    take({ kind: 'disk', low: false })
    process.after(DISK_MS, lookAtDisk)
  }
  const kill = (): void => process.die()
  const crash = (wiped: boolean): void => {
    for (const command of host.running()) host.killKeeper(command)
    kill()
    if (!wiped) return
    host.spool.clear()
    instance += 1
  }
  return {
    process,
    host,
    line,
    start,
    kill,
    leave: () => {
      take({ kind: 'leave' })
      kill()
    },
    crash,
    reload: (edition) => {
      site = EDITIONS[edition] as Site
      take({ kind: 'reloaded', jobs: site.jobs, reload_error: null })
    },
    worker: () => worker,
  }
}

const helloOf = (
  name: string,
  instance: string,
  site: Site,
  effect: Effect & { kind: 'hello' },
) => ({
  kind: 'hello',
  protocol: PROTOCOL_VERSION,
  version: 'simulated',
  name,
  instance,
  slots: SLOTS,
  credit: effect.credit,
  cards: [...site.jobs.values()].map((job) => job.card),
  lanes: site.lanes,
  held: effect.held,
  reload_error: effect.reload_error,
})

type Hands = {
  readonly chance: Chance
  readonly weather: () => Weather
  readonly host: Host
  readonly take: (event: Event) => void
  readonly soon: (key: string) => void
  readonly send: (message: unknown) => void
  readonly count: (fault: string) => void
  readonly process: Process
}

type OnHost = Exclude<Effect, { kind: 'hello' | 'welcomed' | 'redial' | 'quit' }>

/** What an effect does to the spool and the commands. */
function performOnHost(hands: Hands, effect: OnHost): void {
  const { host, take, send } = hands
  const kept = 'key' in effect ? host.spool.get(effect.key) : undefined
  switch (effect.kind) {
    case 'keep': {
      const failed = hands.chance.maybe(hands.weather().full_disk)
      if (failed) hands.count('spool could not be written')
      else host.spool.set(effect.key, { task: effect.task, stop: null, command: null })
      return take({ kind: 'kept', key: effect.key, failure: failed ? 'no room' : null })
    }
    case 'start':
      return begin(hands, effect, kept)
    case 'terminate':
    case 'note_stop':
      if (kept) kept.stop = effect.reason
      if (effect.kind === 'terminate' && kept?.command) host.terminate(kept.command)
      return
    case 'kill':
      return kept?.command ? host.kill(kept.command) : undefined
    case 'forget':
      return void host.spool.delete(effect.key)
    case 'send':
      return send(effect.message)
    case 'send_output': {
      if (!kept) return
      const { task_id, attempt } = kept.task
      const { stream, offset, length } = effect
      const data = Buffer.alloc(length).toString('base64')
      return send({ kind: 'output', task_id, attempt, stream, offset, data })
    }
    case 'cut':
    case 'log':
      return undefined
  }
}

function begin(hands: Hands, effect: Effect & { kind: 'start' }, kept: Kept | undefined): void {
  const { host, chance, weather, take, process } = hands
  if (!kept) throw new Error(`${effect.key} starts and is not in the spool`)
  if (chance.maybe(weather().false_start)) {
    hands.count('keeper died before the command')
    const at_ms = process.now().wall_ms
    const exit = { how: { kind: 'never_ran' } as const, started_at_ms: null, finished_at_ms: at_ms }
    const nothing = { stdout_bytes: 0, stderr_bytes: 0, output: {}, error_tail: '' }
    process.after(1, () => take({ kind: 'exited', key: effect.key, exit: { ...exit, ...nothing } }))
    return
  }
  host.begin(kept, effect.limits)
  const at_ms = process.now().wall_ms
  process.after(chance.between(0.2, 2), () => take({ kind: 'started', key: effect.key, at_ms }))
}

/** What a new daemon makes of its spool. */
function restored({ task, stop, command }: Kept, now_ms: number): Restored {
  if (command === null) return { task, stop, running: null }
  const { execution, limits } = command
  const running_for_ms = now_ms - execution.begun_ms
  const started_at_ms = Math.max(0, Math.floor(Date.UTC(2026, 10, 23) + execution.begun_ms))
  return { task, stop, running: { running_for_ms, started_at_ms, limits } }
}
