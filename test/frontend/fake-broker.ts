/**
 * A broker that says what a test tells it to: a client door and a feed on real sockets, with scripted replies. It can
 * be stopped and started again on the same ports, as a restart looks from outside.
 */
import { createServer } from 'node:net'
import { openPublisher } from '../../common/link/publisher.ts'
import type { PublisherLink } from '../../common/link/publisher.ts'
import { openRouter } from '../../common/link/router.ts'
import type { RouterLink } from '../../common/link/router.ts'
import type { FeedEntry, ReplayAnswer, RunView } from '../../common/protocol/answers.ts'
import { FromClient } from '../../common/protocol/client-door.ts'
import type { Failure } from '../../common/protocol/client-door.ts'
import { decodeFrame } from '../../common/protocol/codec.ts'
import { cursorOf, numberOf } from '../../common/protocol/cursor.ts'
import { HEAD_CHANNEL } from '../../common/protocol/feed.ts'

/** `drop` gives no reply at all, as a broker that dies does. */
export type Scripted = { result: unknown } | { error: Failure } | 'drop'
export type Script = (request: FromClient) => Scripted | Promise<Scripted>

export type FakeBroker = {
  readonly worker: string
  readonly client: string
  readonly feed: string
  /** Every request that came, in order. */
  readonly seen: FromClient[]
  readonly entries: FeedEntry[]
  /** Entries up to this number are no longer kept. */
  forgotten: number
  script: Script
  /** Adds an entry to the feed, and wakes its followers unless told not to. */
  note(entry: Partial<FeedEntry> & { topic: string }, how?: { wake: boolean }): FeedEntry
  publish(channel: string, message: unknown): void
  /** Repeats the newest number, as the broker does each second. */
  head(): void
  /** Fulfilled with the next request for which `matches` is true, now or before. */
  request(matches: (request: FromClient) => boolean): Promise<FromClient>
  stop(): Promise<void>
  start(): Promise<void>
}

export const refusal = (status: number, code: string, retry_after_s: number | null = null) => ({
  error: { status, code, message: `scripted: ${code}`, hint: 'a hint', retry_after_s },
})

export async function openFakeBroker(script: Script = () => ({ result: {} })): Promise<FakeBroker> {
  const port = await freePorts()
  const at = (offset: number): string => `tcp://127.0.0.1:${port + offset}`
  let router: RouterLink | null = null
  let publisher: PublisherLink | null = null
  const heard = new Set<() => void>()

  const answer = async (peer: string, request: FromClient): Promise<void> => {
    broker.seen.push(request)
    for (const tell of heard) tell()
    const scripted =
      request.kind === 'replay' ? replay(broker, request) : await broker.script(request)
    if (scripted === 'drop') return
    const reply =
      'error' in scripted
        ? { ok: false, error: scripted.error }
        : { ok: true, result: scripted.result }
    router?.send(peer, { kind: 'reply', id: request.id, ...reply })
  }
  const broker: FakeBroker = {
    worker: at(0),
    client: at(1),
    feed: at(2),
    seen: [],
    entries: [],
    forgotten: 0,
    script,
    note: (entry, how = { wake: true }) => {
      const cursor = cursorOf(broker.entries.length + 1)
      const whole = { at: '2024-03-01T06:00:00.000Z', ...entry, cursor }
      broker.entries.push(whole)
      if (how.wake) publisher?.publish(entry.topic, { kind: 'wake', head: cursor })
      return whole
    },
    publish: (channel, message) => publisher?.publish(channel, message),
    head: () =>
      publisher?.publish(HEAD_CHANNEL, { kind: 'head', head: cursorOf(broker.entries.length) }),
    request: (matches) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = broker.seen.find((request) => matches(request))
          if (!found) return
          heard.delete(look)
          resolve(found)
        }
        heard.add(look)
        look()
      }),
    stop: async () => {
      publisher?.close()
      await router?.close()
      router = null
      publisher = null
    },
    start: async () => {
      router = await onceFree(() =>
        openRouter({
          bind: at(1),
          key: null,
          door: 'client',
          onFrame: (peer, frame) => {
            const decoded = decodeFrame(FromClient, frame)
            if (decoded.kind !== 'frame' || decoded.skipped.length > 0)
              throw new Error(`unreadable: ${JSON.stringify(decoded)}`)
            for (const request of decoded.messages) void answer(peer, request)
          },
          onGarbage: (_peer, reason) => {
            throw new Error(`garbage at the client door: ${reason}`)
          },
          onGone: () => {},
          onTooLarge,
        }),
      )
      publisher = await onceFree(() =>
        openPublisher({ bind: at(2), key: null, grants: null, onDenied: () => {}, onTooLarge }),
      )
    },
  }
  await broker.start()
  return broker
}

function replay(
  { entries, forgotten }: FakeBroker,
  { after, topics, limit }: FromClient & { kind: 'replay' },
): Scripted {
  const head = cursorOf(entries.length)
  const from = after === null ? 0 : after === 'head' ? entries.length : numberOf(after)
  if (from === null) return refusal(400, 'bad_place')
  const wanted = entries.filter(
    (entry) =>
      (numberOf(entry.cursor) ?? 0) > Math.max(from, forgotten) &&
      (topics.length === 0 || topics.some((topic) => entry.topic.startsWith(topic))),
  )
  // As the broker does: a page is bounded in entries and in bytes.
  let bytes = 0
  const page = wanted
    .slice(0, limit)
    .filter((entry) => (bytes += JSON.stringify(entry).length) < 512 * 1024)
  const complete_to = page.length < wanted.length ? (page.at(-1)?.cursor ?? head) : head
  return { result: { entries: page, complete_to, head } satisfies ReplayAnswer }
}

/** ZeroMQ gives a port back a moment after its socket was closed. */
async function onceFree<T>(bind: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await bind()
    } catch (error) {
      if (tries === 100 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/**
 * Three neighbouring ports that are free now, below those that the system gives out by itself: they must still be free
 * after a restart.
 */
async function freePorts(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    try {
      await freePort(port)
      await freePort(port + 1)
      await freePort(port + 2)
      return port
    } catch {
      // A neighbour is taken: elsewhere.
    }
  }
}

const freePort = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.close(() => resolve())
    })
  })

export const RUN_ID = '0190f5c2-7b1a-7000-8000-0123456789ab'

/** A run as the broker tells of it. */
export const runView = (facts: Partial<RunView> = {}): RunView => ({
  run_id: RUN_ID,
  flow_id: RUN_ID,
  parent_run_id: null,
  retry_of: null,
  job: 'load',
  params: {},
  state: 'queued',
  reason: null,
  lane: 'main',
  priority: 512,
  deliver: 'one',
  created_at: '2024-03-01T06:00:00.000Z',
  started_at: null,
  finished_at: null,
  progress: null,
  message: null,
  context: {},
  tasks: [],
  next: [],
  ...facts,
})

export const accepted = (facts: object = {}): object => ({
  run_id: RUN_ID,
  flow_id: RUN_ID,
  job: 'load',
  state: 'queued',
  deliver: 'one',
  workers: 1,
  ...facts,
})

const onTooLarge = (): never => {
  throw new Error('a message was too large for a frame')
}
