/**
 * A broker that does what a test tells it, on real sockets: welcomes workers, sends what it is given, keeps what it
 * hears, and acknowledges output and endings unless told not to.
 */
import type { ExecutionContext } from 'ava'
import { openPublisher } from '../../common/link/publisher.ts'
import type { RouterLink, RouterOptions } from '../../common/link/router.ts'
import { openRouter } from '../../common/link/router.ts'
import { decodeFrame } from '../../common/protocol/codec.ts'
import { taskChannel } from '../../common/protocol/feed.ts'
import { FromWorker } from '../../common/protocol/worker-door.ts'
import type { Ended, Hello, Task, ToWorker } from '../../common/protocol/worker-door.ts'
import { until } from './until.ts'

type Said<Kind extends FromWorker['kind']> = Extract<FromWorker, { kind: Kind }>

export type FakeBroker = {
  readonly address: string
  /** All that was heard, in order, as it went through the codec. */
  readonly heard: FromWorker[]
  /** What could not be read, and frames without the session they should begin with. */
  readonly faults: string[]
  /** Set to false to leave endings, or output, without acknowledgement. */
  acknowledge: { ended: boolean; output: boolean }
  /** What the next `hello` is answered with instead of a welcome. */
  refuse: { code: string; message: string } | null
  heartbeat_ms: number
  /** What the welcome says otherwise, or besides. */
  news: Record<string, unknown>
  send(message: ToWorker | Record<string, unknown>): void
  publish(topic: string, task: Task): void
  /** The nth (from 0) message of a kind that was heard and that is wanted. */
  hear<Kind extends FromWorker['kind']>(
    kind: Kind,
    which?: (message: Said<Kind>) => boolean,
    nth?: number,
  ): Promise<Said<Kind>>
  ended(task_id: string): Promise<Ended>
  /** What arrived of a stream, by offset. */
  output(task_id: string, stream: 'stdout' | 'stderr'): Map<number, Buffer>
}

/** @param bind To come back at an address of before. */
export async function openBroker(
  t: ExecutionContext,
  bind = 'tcp://127.0.0.1:*',
): Promise<FakeBroker & { close(): Promise<void> }> {
  const heard: FromWorker[] = []
  const faults: string[] = []
  let peer: string | null = null
  let sessions = 0
  const welcome = (hello: Hello): ToWorker => {
    sessions += 1
    const channels: Record<string, string> = {}
    for (const { topic } of hello.cards) channels[topic] = taskChannel(topic)
    return {
      kind: 'welcome',
      protocol: 1,
      session: `session ${sessions}`,
      heartbeat_ms: broker.heartbeat_ms,
      lease_ms: 30_000,
      feed: publisher.address,
      channels,
      draining: false,
      ...broker.news,
    }
  }
  const answer = (message: FromWorker): ToWorker | null => {
    if (message.kind === 'hello')
      return broker.refuse ? { kind: 'refused', ...broker.refuse } : welcome(message)
    if (message.kind === 'heartbeat') return { kind: 'heartbeat' }
    if (message.kind === 'ended' && broker.acknowledge.ended)
      return { kind: 'ack', of: 'ended', task_id: message.task_id, attempt: message.attempt }
    if (message.kind !== 'output' || !broker.acknowledge.output) return null
    const { task_id, attempt, stream, offset, data } = message
    const end = offset + Buffer.from(data, 'base64').byteLength
    const known = stream === 'stderr' ? stream : 'stdout'
    return { kind: 'ack', of: 'output', task_id, attempt, stream: known, offset: end }
  }
  const router = await openWhenFree({
    bind,
    key: null,
    door: 'worker',
    onGarbage: (_peer, reason) => faults.push(reason),
    onGone: () => undefined,
    onTooLarge: () => faults.push('too large'),
    onFrame: (from, frame) => {
      const decoded = decodeFrame(FromWorker, frame)
      if (decoded.kind === 'garbage') return void faults.push(decoded.reason)
      faults.push(...decoded.skipped.map(({ reason }) => reason))
      const [first] = decoded.messages
      const greeted = decoded.messages.some(({ kind }) => kind === 'hello')
      const session = first?.kind === 'session' ? first.session : null
      if (!greeted && session !== `session ${sessions}`) {
        faults.push(`a frame of ${session} in session ${sessions}`)
        return router.send(from, { kind: 'hello_again' })
      }
      peer = from
      for (const message of decoded.messages) {
        heard.push(message)
        const reply = answer(message)
        if (reply) router.send(from, reply)
      }
    },
  })
  const publisher = await openPublisher({
    bind: 'tcp://127.0.0.1:*',
    key: null,
    grants: null,
    onDenied: () => undefined,
    onTooLarge: () => faults.push('too large'),
  })
  const broker: FakeBroker & { close(): Promise<void> } = {
    address: router.address,
    heard,
    faults,
    acknowledge: { ended: true, output: true },
    refuse: null,
    heartbeat_ms: 1_000,
    news: {},
    send: (message) => {
      if (peer === null) throw new Error('no worker was heard yet')
      router.send(peer, message)
    },
    publish: (topic, task) => publisher.publish(taskChannel(topic), task),
    hear: (kind, which = () => true, nth = 0) =>
      until(`${kind} is heard`, () => {
        const all = heard.filter((message): message is Said<typeof kind> => message.kind === kind)
        return all.filter(which)[nth]
      }),
    ended: (task_id) => broker.hear('ended', (message) => message.task_id === task_id),
    output: (task_id, stream) => {
      const chunks = new Map<number, Buffer>()
      for (const message of heard)
        if (message.kind === 'output' && message.task_id === task_id && message.stream === stream)
          chunks.set(message.offset, Buffer.from(message.data, 'base64'))
      return chunks
    },
    close: async () => {
      publisher.close()
      await router.close()
    },
  }
  t.teardown(() => broker.close())
  return broker
}

/** An address that was given up a moment ago may still count as taken. */
async function openWhenFree(options: RouterOptions): Promise<RouterLink> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await openRouter(options)
    } catch (error) {
      if (tries === 200 || !String(error).includes('in use')) throw error
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }
}

let runs = 0
/** A task of a run of its own, through the door; processes of it are found on this host by its id. */
export function aTask(job: string, rest: Partial<Task> = {}): Task & { task_id: string } {
  runs += 1
  const run_id = `run-${process.pid}-${runs}`
  return {
    kind: 'task',
    run_id,
    flow_id: run_id,
    attempt: 1,
    job,
    params: {},
    context: {},
    ...rest,
    task_id: rest.task_id ?? `${run_id}.0`,
  }
}
