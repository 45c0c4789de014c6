/** The broker's doors without sockets: frames in, events out, questions answered from the disk, output kept beside it. */
import type { Event } from '../../broker/core/event.ts'
import { isMine, taskById } from '../../broker/core/leases.ts'
import type { State } from '../../broker/core/state.ts'
import { agreeingValues } from '../../broker/core/values.ts'
import { viewSemaphores } from '../../broker/core/views.ts'
import { hashCard } from '../../broker/edge/card-hash.ts'
import type { FeedEntry, ReplayAnswer } from '../../common/protocol/answers.ts'
import { FromClient, type Reply } from '../../common/protocol/client-door.ts'
import { decodeFrame, encodeFrame } from '../../common/protocol/codec.ts'
import { cursorOf, numberOf } from '../../common/protocol/cursor.ts'
import { FromWorker, type Output, type ToWorker } from '../../common/protocol/worker-door.ts'
import type { MemoryDisk } from '../broker/store/memory.ts'
import type { BrokerEnd, Connection, Network } from './network.ts'
import { shortly, type Life } from './broker-process.ts'
import type { World } from './world.ts'

export function makeDoors(
  world: World,
  network: Network,
  life: () => Life | null,
  take: (event: Event) => void,
): Pick<BrokerEnd, 'fromWorker' | 'fromClient'> {
  const { history } = world
  let tokens = 0
  const fromWorker = (connection: Connection, frame: Buffer): void => {
    const state = life()?.state
    if (!state) return
    const { peer } = connection
    let session = ''
    for (const message of read(FromWorker, frame)) {
      if (message.kind !== 'session' && message.kind !== 'heartbeat')
        history.note(`broker hears ${peer}: ${shortly(message)}`)
      if (message.kind === 'session') session = message.session
      else if (message.kind === 'hello') {
        tokens += 1
        const hashes = message.cards.map(hashCard)
        take({ kind: 'hello', peer, token: `session-${tokens}`, hello: message, hashes })
      } else if (message.kind === 'output') {
        const answer = keep(world.disk, state, session, message)
        if (answer) network.toWorker(peer, encodeFrame([answer]))
      } else take({ kind: 'report', peer, session, report: message })
    }
  }
  const fromClient = (peer: string, frame: Buffer): void => {
    const state = life()?.state
    if (!state) return
    for (const request of read(FromClient, frame)) {
      const { id } = request
      const answered = (result: unknown): void => {
        const reply: Reply = { kind: 'reply', id, ok: true, result }
        network.reply(peer, encodeFrame([reply]))
      }
      if (request.kind === 'replay')
        answered(replay(world.disk, state.feed_head, request.after, request.topics, request.limit))
      else if (request.kind === 'query') answered(viewSemaphores(state))
      else take({ kind: 'command', peer, command: request })
    }
  }
  return { fromWorker, fromClient }
}

function read<T>(schema: Parameters<typeof decodeFrame<T>>[0], frame: Buffer): readonly T[] {
  const decoded = decodeFrame(schema, frame)
  if (decoded.kind === 'garbage') throw new Error(decoded.reason)
  if (decoded.skipped[0]) throw new Error(decoded.skipped[0].reason)
  return decoded.messages
}

/** How much of each stream is kept: files that outlive the broker, by `task_id#attempt stream`. */
const keptBytes = new WeakMap<MemoryDisk, Map<string, number>>()

export function keptOutput(disk: MemoryDisk): Map<string, number> {
  const known = keptBytes.get(disk)
  if (known) return known
  const fresh = new Map<string, number>()
  keptBytes.set(disk, fresh)
  return fresh
}

/** As the worker door does: a chunk of an attempt that is over or not the sender's is acknowledged and not kept. */
function keep(disk: MemoryDisk, state: State, session: string, chunk: Output): ToWorker | null {
  const { task_id, attempt, stream, offset } = chunk
  const worker = state.sessions.get(session)
  if (!worker) return { kind: 'hello_again' }
  const end = offset + Buffer.byteLength(chunk.data, 'base64')
  const task = taskById(state, task_id)
  const kept = keptOutput(disk)
  const key = `${task_id}#${attempt} ${stream}`
  if (task?.attempt === attempt && isMine(task, worker))
    kept.set(key, Math.max(kept.get(key) ?? 0, end))
  return { kind: 'ack', of: 'output', task_id, attempt, stream, offset: Math.max(end, kept.get(key) ?? 0) }
}

/** What the feed's followers read, straight from the disk. */
export function replay(
  disk: MemoryDisk,
  head: number,
  after: string | null,
  topics: readonly string[],
  limit: number,
): ReplayAnswer {
  const from = after === null ? 0 : (numberOf(after) ?? 0)
  const entries: FeedEntry[] = []
  let complete_to = from
  // Entries are numbered from 1 without a gap, so their number is their place; the feed's watcher sees to that.
  for (const record of disk.feed.slice(from)) {
    if (topics.length === 0 || topics.some((topic) => record.topic.startsWith(topic))) {
      if (entries.length >= limit) break
      const { n, at_ms, ...same } = record
      const values = ENDED.has(record.state ?? '') ? valuesOf(disk, record.run_id ?? '') : {}
      entries.push({ cursor: cursorOf(n), at: new Date(at_ms).toISOString(), ...same, ...values })
    }
    complete_to = record.n
  }
  return { entries, complete_to: cursorOf(complete_to), head: cursorOf(head) }
}

const ENDED: ReadonlySet<string> = new Set(['succeeded', 'failed', 'expired', 'canceled'])

function valuesOf(disk: MemoryDisk, run_id: string): Pick<FeedEntry, 'params' | 'output'> {
  const tasks = [...(disk.tasks.get(run_id)?.values() ?? [])]
  const outputs = tasks.filter((task) => task.state === 'succeeded').map((task) => task.output)
  return { params: { ...disk.values.get(run_id)?.params }, output: agreeingValues(outputs) }
}
