/**
 * The faults, each a way to hurt one victim and to leave it alone again. They are chosen by chance, and several may be
 * under way at a time, but no victim has two of them.
 */
import { rmSync } from 'node:fs'
import process from 'node:process'
import { setTimeout as after } from 'node:timers/promises'
import { addKey, authorisedPath, keyPath } from '../../../common/keys/folder.ts'
import type { Proxy } from '../proxy.ts'
import type { Daemon, Kind } from './daemon.ts'
import { keepersOf } from './keepers.ts'
import type { Random } from './random.ts'
import { type Recoveries, signOf } from './recovery.ts'

export type Ground = {
  readonly random: Random
  readonly daemons: readonly Daemon[]
  readonly keys: { readonly folder: string; readonly broker_key: string }
  /** By the name of the daemon that dials through it. */
  readonly links: ReadonlyMap<string, Proxy>
  /** Of frontends, by name. */
  readonly urls: ReadonlyMap<string, string>
  readonly recoveries: Recoveries
}

export type Tally = {
  /** Faults by kind. */
  readonly faults: Map<string, number>
  /** SIGKILL and SIGTERM that were sent. */
  kills: number
  keepers_killed: number
  /** When the keeper of an attempt was killed, by wall clock: `task_id#attempt`. */
  readonly killed_ms: Map<string, number>
  /** Workers that were not heard of past their lease, by wall clock. */
  readonly silences: {
    readonly worker: string
    readonly from_ms: number
    readonly to_ms: number
  }[]
}

/** Past a lease of 30 s, and past the 30 s of silence after which a worker dials anew. */
const LONG_MS = 34_000

type Fault = {
  readonly name: string
  readonly weight: number
  readonly victims: readonly Kind[]
  /** The broker is left alone meanwhile: when it starts anew it gives every attempt a new lease. */
  readonly spares_broker?: true
  /** Fulfilled when the victim is left alone. False when it could not be done. */
  readonly hurt: (ground: Ground, victim: Daemon, tally: Tally) => Promise<boolean>
}

const ALL: readonly Kind[] = ['broker', 'worker', 'semaphore', 'frontend']
const DIALLING: readonly Kind[] = ['worker', 'semaphore', 'frontend']

const FAULTS: readonly Fault[] = [
  {
    name: 'kill',
    weight: 30,
    victims: ALL,
    hurt: (_, victim, tally) => kill(victim, tally, 'SIGKILL'),
  },
  {
    name: 'stop',
    weight: 4,
    victims: ALL,
    hurt: (_, victim, tally) => kill(victim, tally, 'SIGTERM'),
  },
  { name: 'key taken away', weight: 4, victims: ['broker'], hurt: takeKeyAway },
  { name: 'keeper kill', weight: 14, victims: ['worker'], hurt: killKeeper },
  { name: 'keeper pause', weight: 3, victims: ['worker'], hurt: pauseKeeper },
  {
    name: 'pause',
    weight: 8,
    victims: ALL,
    hurt: ({ random }, victim) => pause(victim, random.between(100, 3_000)),
  },
  {
    name: 'pause past the lease',
    weight: 0.8,
    spares_broker: true,
    victims: ['worker'],
    hurt: (_, victim) => pause(victim, LONG_MS),
  },
  {
    name: 'link cut',
    weight: 8,
    victims: DIALLING,
    hurt: onLink((link) => void link.cut(), [0, 0]),
  },
  {
    name: 'link frozen',
    weight: 5,
    victims: DIALLING,
    hurt: onLink((link) => link.freeze(), [200, 4_000]),
  },
  {
    name: 'link deaf',
    weight: 3,
    victims: DIALLING,
    hurt: onLink((link) => link.freeze('down'), [200, 4_000]),
  },
  {
    name: 'link slow',
    weight: 4,
    victims: DIALLING,
    hurt: onLink((link) => link.delay(300), [1_000, 4_000]),
  },
  {
    name: 'link refused',
    weight: 4,
    victims: DIALLING,
    hurt: onLink((link) => link.refuse(), [200, 3_000]),
  },
  {
    name: 'link cut mid frame',
    weight: 4,
    victims: DIALLING,
    hurt: onLink((link) => link.cutAfter('up', 700), [500, 1_500]),
  },
  {
    name: 'link frozen past the lease',
    weight: 0.4,
    spares_broker: true,
    victims: ['worker'],
    hurt: onLink((link) => link.freeze(), [LONG_MS, LONG_MS]),
  },
]

/** One fault more, if somebody can be hurt; the promise that it is over is among those of `underWay`. */
export function hurtSomebody(
  ground: Ground,
  tally: Tally,
  underWay: Map<Daemon, Promise<void>>,
): void {
  const { random, daemons } = ground
  const fault = random.weighted(FAULTS.map((one) => [one.weight, one] as const))
  const kind = random.pick(fault.victims)
  const free = daemons.filter((one) => one.kind === kind && one.isUp() && !underWay.has(one))
  if (free.length === 0) return
  const victim = random.pick(free)
  const over = hurtOne(ground, tally, fault, victim)
  const broker = daemons.find((one) => one.kind === 'broker')
  const reserved =
    fault.spares_broker && broker && !underWay.has(broker) ? [victim, broker] : [victim]
  for (const one of reserved) underWay.set(one, over)
  void over.finally(() => reserved.forEach((one) => underWay.delete(one)))
}

async function hurtOne(ground: Ground, tally: Tally, fault: Fault, victim: Daemon): Promise<void> {
  const from_ms = Date.now()
  if (!(await fault.hurt(ground, victim, tally))) return
  if (fault.spares_broker) tally.silences.push({ worker: victim.name, from_ms, to_ms: Date.now() })
  const ofKeeper = fault.name.startsWith('keeper')
  const name = ofKeeper ? fault.name : `${fault.name}: ${victim.kind}`
  tally.faults.set(name, (tally.faults.get(name) ?? 0) + 1)
  const starts = fault.name === 'kill' || fault.name === 'stop'
  const sign = signOf(victim, ground.urls.get(victim.name) ?? null, starts)
  if (sign && !ofKeeper) ground.recoveries.await(name, sign)
}

async function kill(victim: Daemon, tally: Tally, signal: 'SIGKILL' | 'SIGTERM'): Promise<boolean> {
  if (!victim.signal(signal)) return false
  tally.kills += 1
  return true
}

async function pause(victim: Daemon, for_ms: number): Promise<boolean> {
  if (!victim.signal('SIGSTOP')) return false
  await after(for_ms)
  victim.signal('SIGCONT')
  return true
}

/** The broker looks at the folder every second. */
const SEEN_MS = 1_300

/** A key that nobody uses comes and goes: everybody must come in again, and all channels have new names. */
async function takeKeyAway({ keys: { folder, broker_key } }: Ground): Promise<boolean> {
  addKey(folder, broker_key, { name: 'spare', role: 'client' })
  await after(SEEN_MS)
  rmSync(authorisedPath(folder, 'spare'))
  rmSync(keyPath(folder, 'spare'))
  await after(SEEN_MS)
  return true
}

/** One that runs a command, where there is one. */
function someKeeper({ random }: Ground, victim: Daemon) {
  const keepers = keepersOf(victim.pid() ?? 0)
  const busy = keepers.filter(({ attempt_id }) => attempt_id !== null)
  const from = busy.length > 0 ? busy : keepers
  return from.length === 0 ? null : random.pick(from)
}

async function killKeeper(ground: Ground, victim: Daemon, tally: Tally): Promise<boolean> {
  const keeper = someKeeper(ground, victim)
  if (!keeper || !signalTo(keeper.pid, 'SIGKILL')) return false
  tally.kills += 1
  tally.keepers_killed += 1
  if (keeper.attempt_id !== null) tally.killed_ms.set(keeper.attempt_id, Date.now())
  return true
}

async function pauseKeeper(ground: Ground, victim: Daemon): Promise<boolean> {
  const keeper = someKeeper(ground, victim)
  if (!keeper || !signalTo(keeper.pid, 'SIGSTOP')) return false
  await after(ground.random.between(200, 3_000))
  signalTo(keeper.pid, 'SIGCONT')
  return true
}

/** False when it is gone. */
function signalTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

function onLink(
  hurt: (link: Proxy) => void,
  [from_ms, to_ms]: readonly [number, number],
): Fault['hurt'] {
  return async ({ links, random }, { name }) => {
    const link = links.get(name)
    if (!link) return false
    hurt(link)
    await after(random.between(from_ms, to_ms))
    link.heal()
    return true
  }
}
