/**
 * The worker door: frames in, events out; and what the broker says to workers.
 *
 * Output is kept right here, in files, and acknowledged at once: it never enters a decision, and it is on its file before
 * the outcome that follows it can be committed.
 */
import { randomUUID } from 'node:crypto'
import type { Log } from '../../common/daemon/log.ts'
import { openRouter, type RouterLink } from '../../common/link/router.ts'
import type { Card } from '../../common/definition/card.ts'
import { decodeFrame, type Skipped } from '../../common/protocol/codec.ts'
import { disagreement, protocolOf } from '../../common/protocol/versions.ts'
import { FromWorker, type Output, type ToWorker } from '../../common/protocol/worker-door.ts'
import type { Event, Now } from '../core/event.ts'
import { isMine, taskById } from '../core/leases.ts'
import type { State } from '../core/state.ts'
import { rememberHashes } from './card-hash.ts'
import type { Counters } from './counters.ts'
import { dropper } from './dropped.ts'
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

export async function openWorkerDoor(ports: WorkerDoorPorts): Promise<WorkerDoor> {
  const { counters, intake, log, take } = ports
  const drop = dropper('worker', counters, log)
  const hashOf = rememberHashes()
  const link = await openRouter({
    bind: ports.bind,
    onGarbage: drop,
    hasRoom: () => !intake.isFull(),
    onGone: (peer) => take({ kind: 'gone', peer }),
    onTooLarge: (_, message, bytes) =>
      log.error('a message to a worker was too large for a frame', {
        message: JSON.stringify(message).slice(0, 256),
        bytes,
      }),
    onFrame: (peer, frame) => {
      intake.took(frame.byteLength)
      const decoded = decodeFrame(FromWorker, frame)
      if (decoded.kind === 'garbage') return drop(peer, decoded.reason)
      const salvaged = decoded.skipped.flatMap((skipped) => {
        drop(peer, skipped.reason)
        return salvage(ports, link, peer, skipped)
      })
      receive({ ...ports, hashOf }, link, peer, [...decoded.messages, ...salvaged])
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
  { now, log }: WorkerDoorPorts,
  link: RouterLink,
  peer: string,
  { message, reason }: Skipped,
): FromWorker[] {
  const { kind } = Object(message) as { kind?: unknown }
  if (kind === 'ended') return asList(salvageEnded(message, reason, now().wall_ms))
  if (kind !== 'hello') return []
  const apart = disagreement(protocolOf(message), 'the worker', 'this broker')
  const hello = apart === null ? salvageHello(message) : null
  if (hello) {
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
function receive(
  ports: WorkerDoorPorts & { readonly hashOf: (card: Card) => string },
  link: RouterLink,
  peer: string,
  messages: readonly FromWorker[],
): void {
  let session = ''
  for (const message of messages) {
    ports.counters.count(`worker_${message.kind}`)
    if (message.kind === 'session') session = message.session
    else if (message.kind === 'hello')
      ports.take({
        kind: 'hello',
        peer,
        token: randomUUID(),
        hello: message,
        hashes: message.cards.map(ports.hashOf),
      })
    else if (message.kind === 'output') keep(ports, link, peer, session, message)
    else ports.take({ kind: 'report', peer, session, report: message })
  }
}

/** Keeps a chunk. One of an attempt that is over or not the sender's, or of an unknown stream, is acknowledged and not kept. */
function keep(
  ports: WorkerDoorPorts,
  link: RouterLink,
  peer: string,
  session: string,
  chunk: Output,
): void {
  const { task_id, attempt, stream, offset } = chunk
  const worker = ports.state.sessions.get(session)
  if (!worker) return link.send(peer, { kind: 'hello_again', session })
  const data = Buffer.from(chunk.data, 'base64')
  const task = taskById(ports.state, task_id)
  const isKnown = stream === 'stdout' || stream === 'stderr'
  let next = offset + data.length
  if (isKnown && task?.attempt === attempt && isMine(task, worker)) {
    const kept = ports.outputs.append({ task_id, attempt, stream, offset, data })
    if ('kind' in kept) {
      ports.counters.count('output_refused')
      return ports.log.error('could not keep output', {
        task_id,
        attempt,
        stream,
        reason: kept.message,
      })
    }
    next = kept.next
    ports.outputGrew(task.run_id)
  }
  link.send(peer, { kind: 'ack', of: 'output', task_id, attempt, stream, offset: next })
}
