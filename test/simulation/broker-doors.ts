/** Frames to events, as the broker's two doors make them (broker/edge/worker-door.ts, client-door.ts), without sockets. */
import type { Event } from '../../broker/core/event.ts'
import { isMine, taskById } from '../../broker/core/leases.ts'
import type { State } from '../../broker/core/state.ts'
import { hashCard } from '../../broker/edge/card-hash.ts'
import { decodeFrame } from '../../common/protocol/codec.ts'
import { FromClient } from '../../common/protocol/client-door.ts'
import { FromWorker, type Output } from '../../common/protocol/worker-door.ts'
import type { Chance } from './chance.ts'

type WorkerDoor = {
  readonly state: State
  /** `task_id#attempt stream` to how many bytes of it are kept; on disk, so it outlives the broker. */
  readonly outputs: Map<string, number>
  readonly take: (event: Event) => void
  readonly say: (peer: string, message: unknown) => void
  readonly chance: Chance
}

export function readWorkerFrame(frame: Buffer, peer: string, door: WorkerDoor): void {
  let session = ''
  for (const message of read(FromWorker, frame)) {
    if (message.kind === 'session') session = message.session
    else if (message.kind === 'output') keep(door, peer, session, message)
    else if (message.kind === 'hello') {
      const token = `session-${door.chance.integer(0, 2 ** 48)}`
      door.take({ kind: 'hello', peer, token, hello: message, hashes: message.cards.map(hashCard) })
    } else if (message.kind !== 'knock')
      door.take({ kind: 'report', peer, session, report: message })
  }
}

function keep(door: WorkerDoor, peer: string, session: string, chunk: Output): void {
  const { task_id, attempt, stream, offset } = chunk
  const worker = door.state.sessions.get(session)
  if (!worker) return door.say(peer, { kind: 'hello_again', session })
  let next = offset + Buffer.from(chunk.data, 'base64').length
  const task = taskById(door.state, task_id)
  if (task?.attempt === attempt && isMine(task, worker)) {
    const key = `${task_id}#${attempt} ${stream}`
    const kept = door.outputs.get(key) ?? 0
    // A chunk that overtook the one before it has to come again.
    if (offset <= kept) door.outputs.set(key, Math.max(kept, next))
    next = door.outputs.get(key) ?? 0
  }
  door.say(peer, { kind: 'ack', of: 'output', task_id, attempt, stream, offset: next })
}

type ClientDoor = {
  readonly take: (event: Event) => void
  readonly ask: (request: FromClient & { kind: 'query' | 'replay' }) => void
}

export function readClientFrame(frame: Buffer, peer: string, { take, ask }: ClientDoor): void {
  for (const message of read(FromClient, frame))
    if (message.kind === 'query' || message.kind === 'replay') ask(message)
    else if (message.kind !== 'subscribe') take({ kind: 'command', peer, command: message })
}

function read<T>(schema: Parameters<typeof decodeFrame<T>>[0], frame: Buffer): readonly T[] {
  const decoded = decodeFrame(schema, frame)
  if (decoded.kind === 'garbage') throw new Error(decoded.reason)
  if (decoded.skipped.length > 0) throw new Error(JSON.stringify(decoded.skipped))
  return decoded.messages
}
