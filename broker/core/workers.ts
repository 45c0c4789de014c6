/** Workers as the broker knows them: who is there, what they can run, and what people tell them to do. */
import { AWAY_MS, HEARTBEAT_MS, LEASE_MS, PROTOCOL_VERSION } from '../../common/protocol/limits.ts'
import { taskChannel } from '../../common/protocol/feed.ts'
import { disagreement } from '../../common/protocol/versions.ts'
import type { Hello } from '../../common/protocol/worker-door.ts'
import { presence } from './views.ts'
import { nearestName } from '../../common/definition/nearest.ts'
import { crowded, knowCard } from './crowd.ts'
import { leaseOwn, subscribers } from './dispatch.ts'
import { answer, type Asker, refuse, say } from './effect.ts'
import type { Command, Event, Now } from './event.ts'
import { note } from './feed.ts'
import { isOver } from './finish.ts'
import { isActive, laneNamed } from './lanes.ts'
import {
  adopt,
  endTask,
  FORGOTTEN_AFTER_MS,
  handOver,
  lose,
  loseAll,
  reconcile,
  renew,
  watch,
  watchFor,
} from './leases.ts'
import { failures } from './refusals.ts'
import type { State, Worker } from './state.ts'

/** Opens a session: the worker's cards become known, and what it holds is compared with what it should hold. */
export function decideHello(state: State, event: Event & { kind: 'hello' }, now: Now): void {
  const { hello, peer } = event
  const apart = disagreement(hello.protocol, `the worker ${hello.name}`, 'this broker')
  if (apart !== null)
    return say(state, peer, { kind: 'refused', code: 'bad_protocol', message: apart })
  const known = state.workers.get(hello.name)
  const alive =
    known !== undefined &&
    (known.session !== null || known.handing_over || [...known.holds.values()].some(isActive))
  if (known && alive && known.instance !== hello.instance && known.lease_until_ms > now.mono_ms) {
    const message =
      `another worker called ${hello.name} is alive (instance ${known.instance}); ` +
      `give this one a name of its own with --name, or stop the other`
    say(state, peer, { kind: 'refused', code: 'name_taken', message })
    return
  }
  const full = crowded(state, event)
  if (full !== null) return say(state, peer, { kind: 'refused', code: 'full', message: full })
  const worker = known ?? newWorker(hello)
  const was_away = known === undefined || known.away_at_ms <= now.mono_ms
  if (worker.instance !== hello.instance) loseAll(state, now, worker)
  openSession(state, worker, event, now)
  learnCards(state, now, event)
  subscribe(state, worker, event)
  if (was_away) note(state, now, { topic: `worker.present.${worker.name}.`, worker: worker.name })
  // What is not wanted any more is stopped first: with the welcome, the worker starts what it has.
  for (const item of hello.held) adopt(state, worker, item)
  say(state, peer, {
    kind: 'welcome',
    protocol: PROTOCOL_VERSION,
    session: event.token,
    heartbeat_ms: HEARTBEAT_MS,
    lease_ms: LEASE_MS,
    feed: null,
    channels: channelsOf(hello),
    draining: worker.draining,
  })
  reconcile(state, now, worker, hello.held)
  leaseOwn(state, worker)
  state.may_start = true
}

/** `drain`, `resume` and `forget`, as people ask for them. */
export function decideWorkerCommand(
  state: State,
  command: Command & { kind: 'worker' },
  asker: Asker,
  now: Now,
): void {
  const worker = state.workers.get(command.worker)
  if (!worker) {
    const near = nearestName(command.worker, state.workers.keys())
    return refuse(state, asker, failures.unknownWorker(command.worker, near))
  }
  if (command.action === 'forget') {
    if (worker.session) return refuse(state, asker, failures.workerPresent(worker.name))
    forget(state, now, worker)
    return answer(state, asker, { worker: worker.name, state: 'forgotten' })
  }
  worker.draining = command.action === 'drain'
  state.touched.workers.add(worker)
  if (worker.session) say(state, worker.session.peer, { kind: 'drain', on: worker.draining })
  if (!worker.draining) leaseOwn(state, worker)
  state.may_start = true
  answer(state, asker, { worker: worker.name, state: presence(worker, now) })
}

/** A clean stop. The worker stays subscribed: it will be back. */
export function decideBye(state: State, worker: Worker, now: Now): void {
  if (worker.session) state.sessions.delete(worker.session.token)
  worker.session = null
  handOver(worker, now)
  state.touched.workers.add(worker)
}

/** Its return address does not answer; it will say hello again, or its lease will run out. */
export function decideGone(state: State, event: Event & { kind: 'gone' }): void {
  for (const worker of state.workers.values()) {
    if (worker.session?.peer !== event.peer) continue
    state.sessions.delete(worker.session.token)
    worker.session = null
  }
}

/**
 * A key that was taken away loses its session at once: what it says under it is not heard any more, and nothing is planned with
 * it. Everybody else says hello again, for the new names of their channels.
 */
export function decideRekeyed(state: State, { keys }: Event & { kind: 'rekeyed' }, now: Now): void {
  for (const worker of state.workers.values()) {
    const { session } = worker
    if (session === null) continue
    say(state, session.peer, { kind: 'hello_again', session: session.token })
    if (session.key === undefined || !keys.has(session.key)) continue
    state.sessions.delete(session.token)
    worker.session = null
    worker.away_at_ms = now.mono_ms
  }
}

/** A worker that was away for too long is forgotten by itself. */
export function forgetIfAway(state: State, now: Now, worker: Worker): void {
  worker.watched.delete('forget')
  const at_ms = worker.away_at_ms + FORGOTTEN_AFTER_MS
  if (at_ms <= now.mono_ms) forget(state, now, worker)
  else if (worker.away_at_ms <= now.mono_ms) watchFor(state, worker, 'forget', at_ms)
}

const FORGOTTEN = 'its worker was forgotten'

/** Ends its subscription, and its tasks that nobody else can run. */
function forget(state: State, now: Now, worker: Worker): void {
  unsubscribe(state, worker)
  state.workers.delete(worker.name)
  state.touched.workers.delete(worker)
  state.touched.forgotten.add(worker.name)
  for (const task of worker.holds.values()) {
    const run = state.runs.get(task.run_id)
    if (!run || isOver(task)) continue
    const card = run.card === null ? undefined : state.cards.get(run.card)
    if (run.deliver === 'one' && card?.on_lost === 'retry') lose(state, now, run, task, FORGOTTEN)
    else endTask(state, now, run, task, 'lost', FORGOTTEN)
  }
  note(state, now, { topic: `worker.forgotten.${worker.name}.`, worker: worker.name })
}

function newWorker(hello: Hello): Worker {
  return {
    name: hello.name,
    instance: hello.instance,
    version: hello.version,
    slots: 0,
    jobs: new Map(),
    draining: false,
    handing_over: false,
    reload_error: null,
    last_heard_ms: 0,
    session: null,
    credit: 0,
    given: 0,
    lease_until_ms: 0,
    away_at_ms: -AWAY_MS,
    watched: new Set(),
    holds: new Map(),
    waiting: new Set(),
  }
}

function openSession(
  state: State,
  worker: Worker,
  event: Event & { kind: 'hello' },
  now: Now,
): void {
  const { hello, peer, token, key } = event
  if (worker.session) state.sessions.delete(worker.session.token)
  const { instance, version, slots, credit, reload_error } = hello
  Object.assign(worker, {
    instance,
    version,
    slots,
    credit,
    reload_error,
    given: 0,
    handing_over: false,
  })
  worker.session = { token, peer, key }
  state.workers.set(worker.name, worker)
  state.sessions.set(token, worker)
  state.touched.workers.add(worker)
  state.touched.forgotten.delete(worker.name)
  renew(worker, now)
  watch(state, worker)
}

/** A card that was never seen becomes its job's, and releases the runs that waited for one. */
function learnCards(state: State, now: Now, { hello, hashes }: Event & { kind: 'hello' }): void {
  for (const [index, card] of hello.cards.entries()) {
    const hash = hashes[index]
    if (hash === undefined || state.cards.has(hash)) continue
    knowCard(state, hash, card)
    state.touched.cards.push({ hash, card, first_seen_ms: now.wall_ms })
    const waiting = state.unannounced.get(card.job)
    state.unannounced.delete(card.job)
    for (const run of waiting ?? []) state.following.push({ kind: 'announced', run })
  }
  for (const [name, { limit }] of Object.entries(hello.lanes)) {
    const lane = laneNamed(state, name)
    if (lane.limit === limit) continue
    lane.limit = limit
    state.touched.lanes.set(name, limit)
    state.may_start = true
  }
}

function subscribe(
  state: State,
  worker: Worker,
  { hello, hashes }: Event & { kind: 'hello' },
): void {
  unsubscribe(state, worker)
  for (const [index, card] of hello.cards.entries()) {
    worker.jobs.set(card.job, hashes[index] ?? '')
    const subscribed = state.subscribed.get(card.job)
    if (subscribed) subscribed.add(worker)
    else state.subscribed.set(card.job, new Set([worker]))
  }
}

function unsubscribe(state: State, worker: Worker): void {
  for (const job of worker.jobs.keys()) state.subscribed.get(job)?.delete(worker)
  worker.jobs.clear()
}

const channelsOf = (hello: Hello): Record<string, string> =>
  Object.fromEntries(hello.cards.map(({ topic }) => [topic, taskChannel(topic)]))

/** How many workers would run a job now (those that are away included: they stay subscribed). */
export function subscribedCount(state: State, job: string): number {
  const card = state.cards.get(state.jobs.get(job) ?? '')
  return card ? [...subscribers(state, card, null)].length : 0
}
