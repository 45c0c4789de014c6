/**
 * The link to the broker as the worker sees it: hello, welcome, heartbeats, and what to do about silence.
 *
 * Nothing but `hello` leaves without a session, so an old session's messages can never reach a new one out of order.
 */
import { HEARTBEAT_MS, RESEND_MS } from '../../common/protocol/limits.ts'
import { disagreement } from '../../common/protocol/versions.ts'
import type { Held, ToWorker, Welcome } from '../../common/protocol/worker-door.ts'
import type { Effect, Now } from './event.ts'
import { sendAgain } from './reports.ts'
import { freshCredit } from './slots.ts'
import type { Attempt, Worker } from './state.ts'

/** Silent for so many heartbeats, the broker is greeted anew … */
const SILENT_BEATS = 3
/** … and for so many, the connection is taken for dead. */
const DEAD_BEATS = 6
/** With every so many heartbeats it says what it runs. */
const HOLDING_BEATS = 6

export function sayHello(worker: Worker, now: Now): Effect[] {
  worker.link = { kind: 'greeting', since_ms: now.mono_ms }
  const held = [...worker.attempts.values()].map(heldOf)
  return [{ kind: 'hello', credit: freshCredit(worker), held, reload_error: worker.reload_error }]
}

function heldOf({ task, stage }: Attempt): Held {
  const state =
    stage.kind === 'running' ? 'running' : stage.kind === 'reporting' ? 'ended' : 'accepted'
  return { task_id: task.task_id, attempt: task.attempt, state }
}

/** A session stands: what the broker may have missed is said again, and all else goes on from there. */
export function welcomed(worker: Worker, welcome: Welcome, now: Now): Effect[] {
  const apart = disagreement(welcome.protocol, 'the broker', 'this worker')
  if (apart !== null) return quit(apart)
  const { session, heartbeat_ms, feed, channels, draining } = welcome
  worker.heartbeat_ms = heartbeat_ms
  worker.link = { kind: 'open', session, beat_at_ms: now.mono_ms + heartbeat_ms, beats: 0 }
  worker.draining = draining
  worker.is_welcome = true
  worker.shut_out = null
  const effects: Effect[] = [{ kind: 'welcomed', session, feed, channels }]
  if (draining) effects.push(DRAINING)
  for (const attempt of worker.attempts.values()) {
    sendAgain(attempt)
    const { task, stage } = attempt
    if (stage.kind !== 'running' || stage.started_at_ms === null) continue
    const { task_id, attempt: number } = task
    const at_ms = stage.started_at_ms
    effects.push({ kind: 'send', message: { kind: 'started', task_id, attempt: number, at_ms } })
  }
  return effects
}

/**
 * The door stays shut. A key may be authorised (again) while the daemon runs, so it goes on knocking, and what runs goes on; for
 * anything else somebody must start it differently.
 */
export function refused(
  worker: Worker,
  { code, message }: Extract<ToWorker, { kind: 'refused' }>,
): Effect[] {
  const hint = HINTS.get(code)?.(worker.name) ?? '; update the older one of worker and broker'
  const said = `the broker refused this worker (${code}): ${message}${hint}`
  if (code !== 'unauthorised') return quit(said)
  const isNews = worker.shut_out !== said
  worker.shut_out = said
  return isNews ? [{ kind: 'log', level: 'error', message: said, facts: {} }] : []
}

/** By the code of the refusal. */
const HINTS = new Map<string, (name: string) => string>([
  [
    'name_taken',
    (name) =>
      `; another worker is called ${name}: give this one its own --name, or stop the other one`,
  ],
  ['full', () => ''],
  ['unauthorised', () => '; beside the broker, `jobz keys` lists who may come in'],
])

const quit = (message: string): Effect[] => [
  { kind: 'log', level: 'error', message, facts: {} },
  { kind: 'quit', exit_code: 2, message },
]

/** It was told so before it was restarted; whoever restarted it may have forgotten. */
const DRAINING: Effect = {
  kind: 'log',
  level: 'warn',
  message: 'draining: nothing new starts here until somebody says `jobz drain WORKER --off`',
  facts: {},
}

/** Heartbeats, and hellos into the silence. */
export function keepUp(worker: Worker, now: Now): Effect[] {
  const { link } = worker
  if (link.kind === 'apart' || worker.leaving) return []
  if (now.mono_ms >= deadAt(worker)) {
    worker.heard_ms = now.mono_ms
    worker.link = { kind: 'apart' }
    return [{ kind: 'redial' }]
  }
  if (link.kind === 'greeting')
    return now.mono_ms >= link.since_ms + RESEND_MS ? sayHello(worker, now) : []
  if (now.mono_ms >= silentAt(worker)) return sayHello(worker, now)
  if (now.mono_ms < link.beat_at_ms) return []
  link.beat_at_ms = now.mono_ms + worker.heartbeat_ms
  link.beats += 1
  const { announced } = worker.credit
  return [
    { kind: 'send', message: { kind: 'heartbeat', credit: announced } },
    ...(link.beats % HOLDING_BEATS === 0 ? sayHeld(worker) : []),
  ]
}

/** What runs is accepted once more: if it is not wanted any more and the stop was lost, the answer is another. */
function sayHeld(worker: Worker): Effect[] {
  return [...worker.attempts.values()].flatMap(({ task, stage }): Effect[] => {
    if (stage.kind !== 'running') return []
    const { task_id, attempt } = task
    return [{ kind: 'send', message: { kind: 'accepted', task_id, attempt } }]
  })
}

/** When `keepUp` has something to do; null is never. */
export function linkDeadline(worker: Worker): number | null {
  const { link } = worker
  if (link.kind === 'apart' || worker.leaving) return null
  if (link.kind === 'greeting') return Math.min(link.since_ms + RESEND_MS, deadAt(worker))
  return Math.min(link.beat_at_ms, silentAt(worker))
}

const silentAt = (worker: Worker): number => worker.heard_ms + SILENT_BEATS * worker.heartbeat_ms
/** Never sooner than a slow broker may take to answer a hello. */
const deadAt = (worker: Worker): number =>
  worker.heard_ms + DEAD_BEATS * Math.max(worker.heartbeat_ms, HEARTBEAT_MS / 5)
