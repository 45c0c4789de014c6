/**
 * A worker's core in a world of a test's making: its clock, its broker, its runner. Every message passes the codec, and
 * the invariants are looked at after every event.
 */
import type { Job } from '../../../common/definition/job.ts'
import { decodeFrame, encodeFrame } from '../../../common/protocol/codec.ts'
import { FromWorker, ToWorker } from '../../../common/protocol/worker-door.ts'
import type { Task } from '../../../common/protocol/worker-door.ts'
import { decide, nextDeadline } from '../../../worker/core/decide.ts'
import type { Effect, Event, Exit } from '../../../worker/core/event.ts'
import type { Worker } from '../../../worker/core/state.ts'
import { brokenInvariant, newWorker } from '../../../worker/core/state.ts'
import { jobsOf } from '../jobs-of.ts'

const JOBS = jobsOf(`
jobs:
  one: {command: [one], deliver: one}
  all: {command: [all]}
  short: {command: [short], deliver: one, timeout: 10s, kill_after: 2s}
  little: {command: [little], deliver: one, output_limit: 100}
  number: {command: [number, '%(n)s'], deliver: one, params: {n: {type: int}}}
`)

export type World = {
  readonly worker: Worker
  now_ms: number
  /** What the last event brought about. */
  did: Effect[]
  happen(event: Event): Effect[]
  /** From the broker, through the codec. */
  hear(message: Record<string, unknown>): Effect[]
  /** Connects and is welcomed. */
  join(rest?: Partial<Record<string, unknown>>): void
  /** Lets time pass, doing what is due when it is due. */
  pass(ms: number): Effect[]
  task(job: string, rest?: Partial<Task>): Effect[]
  /** Answers `keep` and `start` as a runner that never fails. */
  helpful: boolean
  /** A command ends, a while after what happened last. */
  exit(key: string, rest?: Partial<Exit>, took_ms?: number): Effect[]
}

export function aWorld(slots = 2, jobs: ReadonlyMap<string, Job> = JOBS): World {
  const worker = newWorker({ name: 'web17', slots, jobs })
  const world: World = {
    worker,
    now_ms: 1_000,
    did: [],
    helpful: true,
    happen: (event) => {
      world.did = world.helpful ? settle(world, event) : once(world, event)
      return world.did
    },
    hear: (message) => {
      const decoded = decodeFrame(ToWorker, encodeFrame([message]))
      const heard = decoded.kind === 'frame' ? decoded.messages[0] : undefined
      if (!heard || heard.kind === 'challenge') throw new Error('not a message for decisions')
      return world.happen({ kind: 'heard', message: heard })
    },
    join: (rest = {}) => {
      world.happen({ kind: 'connected' })
      const channels = { one: 'task.one.' }
      const usual = { kind: 'welcome', protocol: 1, session: 's1', heartbeat_ms: 5_000, channels }
      world.hear({ ...usual, lease_ms: 30_000, feed: null, draining: false, ...rest })
    },
    pass: (ms) => {
      const end_ms = world.now_ms + ms
      const effects: Effect[] = []
      for (
        let due = nextDeadline(worker);
        due !== null && due <= end_ms;
        due = nextDeadline(worker)
      ) {
        world.now_ms = Math.max(world.now_ms, due)
        effects.push(...world.happen({ kind: 'tick' }))
        if (effects.length > 10_000) throw new Error('ticks without end')
      }
      world.now_ms = end_ms
      return effects
    },
    task: (job, rest = {}) =>
      world.hear({
        kind: 'task',
        run_id: 'r',
        flow_id: 'f',
        attempt: 1,
        job,
        params: {},
        context: {},
        ...rest,
      }),
    exit: (key, rest = {}, took_ms = 100) => {
      world.now_ms += took_ms
      return world.happen({ kind: 'exited', key, exit: { ...AN_EXIT, ...rest } })
    },
  }
  return world
}

const AN_EXIT: Exit = {
  how: { kind: 'code', exit_code: 0 },
  started_at_ms: 1_000,
  finished_at_ms: 2_000,
  stdout_bytes: 0,
  stderr_bytes: 0,
  output: {},
  error_tail: '',
}

function once(world: World, event: Event): Effect[] {
  const effects = decide(world.worker, event, {
    mono_ms: world.now_ms,
    wall_ms: 1e12 + world.now_ms,
  })
  const broken = brokenInvariant(world.worker)
  if (broken !== null) throw new Error(broken)
  for (const effect of effects) if (effect.kind === 'send') throughCodec(effect.message)
  return effects
}

function settle(world: World, event: Event): Effect[] {
  const all: Effect[] = []
  const waiting = [event]
  for (let next = waiting.shift(); next; next = waiting.shift())
    for (const effect of once(world, next)) {
      all.push(effect)
      if (effect.kind === 'keep') waiting.push({ kind: 'kept', key: effect.key, failure: null })
      if (effect.kind === 'start')
        waiting.push({ kind: 'started', key: effect.key, at_ms: world.now_ms })
    }
  return all
}

function throughCodec(message: unknown): void {
  const decoded = decodeFrame(FromWorker, encodeFrame([message]))
  if (decoded.kind !== 'frame' || decoded.messages.length !== 1)
    throw new Error(`the broker would not understand ${JSON.stringify(message)}`)
}

/** What was done, shortened to read: kinds, with the kind of a message and the task it is about. */
export function shown(effects: readonly Effect[]): string[] {
  return effects.map((effect) => {
    if (effect.kind === 'send') {
      const { message } = effect
      const about = 'task_id' in message ? ` ${message.task_id}` : ''
      const more = message.kind === 'ended' ? ` ${message.reason ?? message.exit_code}` : ''
      const credit = message.kind === 'credit' ? ` ${message.credit}` : ''
      return `${message.kind}${about}${more}${credit}`
    }
    if (effect.kind === 'send_output') return `output ${effect.offset}+${effect.length}`
    return 'key' in effect ? `${effect.kind} ${effect.key}` : effect.kind
  })
}
