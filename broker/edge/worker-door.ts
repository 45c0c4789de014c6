/**
 * The worker door: frames in, events out; and what the broker says to workers.
 *
 * Output is kept right here, in files, and acknowledged at once: it never enters a decision, and it is on its file before
 * the outcome that follows it can be committed.
 */
import { randomUUID } from 'node:crypto'
import type { Log } from '../../common/daemon/log.ts'
import { type Buckets, makeBuckets } from '../../common/keys/bucket.ts'
import { openRouter, type RouterLink } from '../../common/link/router.ts'
import type { Card } from '../../common/definition/card.ts'
import { decodeFrame, type Skipped } from '../../common/protocol/codec.ts'
import { WORKER_RIGHTS } from '../../common/protocol/rights.ts'
import { disagreement, protocolOf } from '../../common/protocol/versions.ts'
import {
  FromWorker,
  type Hello,
  type Output,
  type ToWorker,
} from '../../common/protocol/worker-door.ts'
import type { Event, Now } from '../core/event.ts'
import { isMine, taskById } from '../core/leases.ts'
import type { State } from '../core/state.ts'
import { rememberHashes } from './card-hash.ts'
import type { Counters } from './counters.ts'
import { dropper } from './dropped.ts'
import { admitWorker } from './entry/admit-worker.ts'
import type { DoorKeys } from './entry/door-keys.ts'
import type { Intake } from './intake.ts'
import type { Outputs } from './outputs.ts'
import { salvageEnded, salvageHello } from './salvage.ts'

export type WorkerDoor = {
  readonly address: string
  say(peer: string, message: ToWorker): void
  close(): Promise<void>
}

export type WorkerDoorPorts = {
  readonly bind: string
  /** Null: whoever reaches the door is heard. */
  readonly keys: DoorKeys | null
  readonly state: State
  readonly outputs: Outputs
  readonly counters: Counters
  readonly log: Log
  readonly take: (event: Event) => void
  readonly intake: Intake
  readonly now: () => Now
  /** More of a run's output is there to be read. */
  readonly outputGrew: (run_id: string) => void
}

/** What its functions work with. */
type Door = WorkerDoorPorts & {
  readonly link: RouterLink
  readonly hashOf: (card: Card) => string
  readonly drop: (peer: string, reason: string) => void
  /** What of its lines may be written, by what they are about. */
  readonly lines: Buckets
}

/** Lines of one sort, as many in a second and at once. */
const LINES = { rate: 1, burst: 5, most_keys: 10 }

export async function openWorkerDoor(ports: WorkerDoorPorts): Promise<WorkerDoor> {
  const { counters, intake, keys, log, take } = ports
  const drop = dropper('worker', counters, log)
  const hashOf = rememberHashes()
  const lines = makeBuckets(LINES)
  const link = await openRouter({
    bind: ports.bind,
    key: keys?.listen ?? null,
    door: 'worker',
    onGarbage: drop,
    hasRoom: () => !intake.isFull(),
    onGone: (peer) => take({ kind: 'gone', peer }),
    onTooLarge: (_, message, bytes) => {
      // Not the message itself: it has tokens and values.
      const { kind, run_id } = message as { kind?: string; run_id?: string }
      log.error('a message to a worker was too large for a frame', { kind, run_id, bytes })
    },
    onFrame: (peer, frame) => {
      intake.took(frame.byteLength)
      const decoded = decodeFrame(FromWorker, frame)
      if (decoded.kind === 'garbage') return drop(peer, decoded.reason)
      const door: Door = { ...ports, link, hashOf, drop, lines }
      const salvaged = decoded.skipped.flatMap((skipped) => {
        drop(peer, skipped.reason)
        return salvage(door, peer, skipped)
      })
      receive(door, peer, [...decoded.messages, ...salvaged])
    },
  })
  return {
    address: link.address,
    say: (peer, message) => link.send(peer, message),
    close: () => link.close(),
  }
}

/** What can still be made of a message that cannot be read. A `hello` is answered in any case. */
function salvage(
  { now, lines, log, link }: Door,
  peer: string,
  { message, reason }: Skipped,
): FromWorker[] {
  const { kind } = Object(message) as { kind?: unknown }
  if (kind === 'ended') return asList(salvageEnded(message, reason, now().wall_ms))
  if (kind !== 'hello') return []
  const apart = disagreement(protocolOf(message), 'the worker', 'this broker')
  const hello = apart === null ? salvageHello(message) : null
  if (hello) {
    // It has not come in yet, and may say a thousand of them.
    if (lines.take('hello', performance.now()) === 0)
      log.warn('a part of what a worker announced was left out', {
        worker: hello.name,
        why: hello.reload_error,
      })
    return [hello]
  }
  const code = apart === null ? 'bad_hello' : 'bad_protocol'
  link.send(peer, { kind: 'refused', code, message: apart ?? reason })
  return []
}

const asList = <T>(value: T | null): T[] => (value === null ? [] : [value])

/** One frame: a `session` message says whose the others are. */
function receive(door: Door, peer: string, messages: readonly FromWorker[]): void {
  let session = ''
  for (const message of messages) {
    door.counters.count(`worker_${message.kind}`)
    if (message.kind === 'session') session = message.session
    else if (message.kind === 'knock')
      door.link.send(peer, { kind: 'challenge', challenge: door.keys?.challenges.make(peer) ?? '' })
    else if (message.kind === 'hello') greet(door, peer, message)
    else if (!maySay(door, peer, session, message))
      door.link.send(peer, { kind: 'hello_again', session })
    else if (message.kind === 'output') keep(door, peer, session, message)
    else door.take({ kind: 'report', peer, session, report: message })
  }
}

/** Where there are keys, the proof says who it is, and the key what it may announce. */
function greet(door: Door, peer: string, hello: Hello): void {
  const admitted = admitWorker(door.keys, door.state, peer, hello)
  if (admitted.kind === 'refused') {
    door.counters.count('hellos_refused')
    door.drop(peer, admitted.message)
    return door.link.send(peer, {
      kind: 'refused',
      code: 'unauthorised',
      message: admitted.message,
    })
  }
  const hashes = admitted.hello.cards.map(door.hashOf)
  door.take({ ...admitted, kind: 'hello', peer, token: randomUUID(), hashes })
}

/**
 * Whether something may be said under a session from here. With keys a session is good only for the peer that proved its own, so that one
 * that became known to somebody else is worth nothing, and only while its key is authorised.
 */
function maySay({ keys, state }: Door, peer: string, session: string, said: FromWorker): boolean {
  if (keys === null) return true
  const held = state.sessions.get(session)?.session
  const role = held?.peer === peer ? keys.find(held.key ?? '')?.role : undefined
  return role !== undefined && WORKER_RIGHTS[said.kind].includes(role)
}

/** Keeps a chunk. One of an attempt that is over or not the sender's, or of an unknown stream, is acknowledged and not kept. */
function keep(door: Door, peer: string, session: string, chunk: Output): void {
  const { counters, lines, link, log, outputs, state } = door
  const { task_id, attempt, stream, offset } = chunk
  const worker = state.sessions.get(session)
  if (!worker) return link.send(peer, { kind: 'hello_again', session })
  const data = Buffer.from(chunk.data, 'base64')
  const task = taskById(state, task_id)
  const isKnown = stream === 'stdout' || stream === 'stderr'
  let next = offset + data.length
  if (isKnown && task?.attempt === attempt && isMine(task, worker)) {
    const kept = outputs.append({ task_id, attempt, stream, offset, data })
    if ('kind' in kept) {
      counters.count('output_refused')
      if (lines.take('output', performance.now()) > 0) return
      return log.error('could not keep output', { task_id, attempt, stream, reason: kept.message })
    }
    next = kept.next
    door.outputGrew(task.run_id)
  }
  link.send(peer, { kind: 'ack', of: 'output', task_id, attempt, stream, offset: next })
}
