/**
 * The worker's decisions: one event in, effects out. Pure, so that a simulated world can live through years of it.
 *
 * After each event three things follow by themselves: what has a slot starts, what may be sent is sent, and room that
 * came free is announced.
 */
import { secretNamesIn } from '../../common/definition/secrets.ts'
import { RESEND_MS } from '../../common/protocol/limits.ts'
import {
  commandExited,
  commandGrew,
  commandStarted,
  enforceLimits,
  limitDeadline,
  stopAttempt,
} from './commands.ts'
import type { Effect, Event, Now } from './event.ts'
import { pumpReports, sendAgain } from './reports.ts'
import { keepUp, linkDeadline, refused, sayHello, welcomed } from './session.ts'
import { announceCredit, startQueued } from './slots.ts'
import type { Worker } from './state.ts'
import { keyOf } from './state.ts'
import { acknowledge } from './streams.ts'
import {
  drainSet,
  giveBackDeadline,
  giveBackLate,
  reportAcknowledged,
  taskCame,
  taskKept,
  tasksRestored,
  unreadableCame,
} from './tasks.ts'

/** Changes the worker, and answers what is to be done about it, in this order. */
export function decide(worker: Worker, event: Event, now: Now): Effect[] {
  const handle = ON_EVENT[event.kind] as Handler<Event>
  const effects = [
    ...handle(worker, event, now),
    ...startQueued(worker, now),
    ...pumpReports(worker, now),
    ...announceCredit(worker),
  ]
  // Without a session nothing can be said; `welcome` makes up for it.
  if (worker.link.kind === 'open' || event.kind === 'leave') return effects
  return effects.filter((effect) => effect.kind !== 'send')
}

/** When something is due by the monotonic clock, in milliseconds; null is never. A `tick` then does it. */
export function nextDeadline(worker: Worker): number | null {
  let soonest = Math.min(
    limitDeadline(worker),
    linkDeadline(worker) ?? Infinity,
    giveBackDeadline(worker) ?? Infinity,
  )
  if (worker.link.kind === 'open')
    for (const key of worker.active)
      soonest = Math.min(soonest, worker.attempts.get(key)?.resend_at_ms ?? Infinity)
  return soonest === Infinity ? null : soonest
}

type Handler<E> = (worker: Worker, event: E, now: Now) => Effect[]

const ON_EVENT: { [K in Event['kind']]: Handler<Extract<Event, { kind: K }>> } = {
  connected: (worker, _event, now) => {
    worker.heard_ms = now.mono_ms
    return worker.leaving ? [] : sayHello(worker, now)
  },
  disconnected: (worker) => {
    worker.link = { kind: 'apart' }
    return []
  },
  heard: (worker, { message }, now) => {
    worker.heard_ms = now.mono_ms
    const handle = ON_MESSAGE[message.kind] as Handler<Heard>
    return handle(worker, message, now)
  },
  broadcast: (worker, { task }, now) =>
    // Before `hello` was answered it is not known what the broker holds; it will come through the door.
    worker.link.kind === 'open' ? taskCame(worker, task, now) : [],
  unreadable_task: (worker, event, now) =>
    worker.link.kind === 'open' ? unreadableCame(worker, event, now) : [],
  restored: (worker, { attempts }, now) => tasksRestored(worker, attempts, now),
  kept: (worker, { key, failure }, now) => taskKept(worker, key, failure, now),
  started: commandStarted,
  grew: commandGrew,
  exited: commandExited,
  disk: (worker, { low }, now) => {
    if (low === worker.disk_low) return []
    worker.disk_low = low
    const message = low
      ? 'less than 5 % of the disk under the spool is free: no more tasks are taken'
      : 'there is room on the disk again'
    const told: Effect = { kind: 'log', level: low ? 'warn' : 'info', message, facts: {} }
    // What is for this worker alone and was given back takes no credit: a new session asks for it again.
    const greets = !low && worker.link.kind !== 'apart' && !worker.leaving
    return greets ? [told, ...sayHello(worker, now)] : [told]
  },
  reloaded: (worker, { jobs, reload_error }, now) => {
    worker.jobs = jobs ?? worker.jobs
    worker.secret_names = new Set([...worker.secret_names, ...secretNamesIn(worker.jobs.values())])
    worker.reload_error = reload_error
    return worker.link.kind === 'apart' || worker.leaving ? [] : sayHello(worker, now)
  },
  leave: (worker) => {
    worker.leaving = true
    return worker.link.kind === 'open' ? [{ kind: 'send', message: { kind: 'bye' } }] : []
  },
  tick: (worker, _event, now) => [
    ...enforceLimits(worker, now),
    ...keepUp(worker, now),
    ...giveBackLate(worker, now),
    ...resendDue(worker, now),
  ],
}

type Heard = (Event & { kind: 'heard' })['message']
const ON_MESSAGE: { [K in Heard['kind']]: Handler<Extract<Heard, { kind: K }>> } = {
  welcome: (worker, welcome, now) =>
    worker.link.kind === 'apart' || worker.leaving ? [] : welcomed(worker, welcome, now),
  refused: (worker, message) => refused(worker, message),
  task: (worker, task, now) => (worker.link.kind === 'open' ? taskCame(worker, task, now) : []),
  ack: (worker, ack, now) => {
    const key = keyOf(ack)
    if (ack.of === 'ended') return reportAcknowledged(worker, key)
    const attempt = worker.attempts.get(key)
    const stage = attempt?.stage
    if (!attempt || (stage?.kind !== 'running' && stage?.kind !== 'reporting')) return []
    if (stage.kind === 'reporting' && stage.told) return []
    acknowledge(stage.streams[ack.stream ?? 'stdout'], ack.offset ?? 0)
    const waits = stage.streams.stdout.in_flight.length + stage.streams.stderr.in_flight.length > 0
    attempt.resend_at_ms = waits ? now.mono_ms + RESEND_MS : null
    return []
  },
  stop: (worker, stop, now) => stopAttempt(worker, keyOf(stop), stop, stop.reason, now),
  drain: (worker, { on }, now) => drainSet(worker, on, now),
  heartbeat: (worker, { draining }, now) =>
    draining === undefined || draining === worker.draining ? [] : drainSet(worker, draining, now),
  hello_again: (worker, { session }, now) => {
    const { link } = worker
    // One that crossed our hello on its way, or is about an older session, says nothing new: to answer each of them
    // with a hello would make more of them each time.
    const isOld = link.kind === 'open' && session !== undefined && session !== link.session
    return link.kind === 'greeting' || isOld || worker.leaving ? [] : sayHello(worker, now)
  },
}

function resendDue(worker: Worker, now: Now): Effect[] {
  if (worker.link.kind !== 'open') return []
  for (const key of worker.active) {
    const attempt = worker.attempts.get(key)
    if (attempt && now.mono_ms >= (attempt.resend_at_ms ?? Infinity)) sendAgain(attempt)
  }
  return []
}
