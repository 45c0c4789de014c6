/**
 * The broker's pub/sub socket: broadcasts of tasks to subscribed workers, and wakes for followers of the feed.
 * It loses messages at a slow join or a slow reader, and may: it is never the only copy of anything.
 */
import { setImmediate as nextRound } from 'node:timers/promises'
import { XPublisher } from 'zeromq'
import { encodeFrames } from '../protocol/codec.ts'
import { listening, type ListenKey } from './curve.ts'
import { makePump } from './pump.ts'

export type PublisherLink = {
  /** Channel first, then a frame, as two parts. */
  publish(channel: string, message: unknown): void
  readonly address: string
  close(): void
}

export type PublisherOptions = {
  readonly bind: string
  /** Null: whoever reaches it may follow anything. */
  readonly key: ListenKey | null
  /** Whether a peer may have what begins so; null grants everything. */
  readonly grants: ((name: string) => boolean) | null
  /** A subscription was not granted. */
  readonly onDenied: () => void
  /** A message that fits no frame was dropped; whoever should have had it asks elsewhere. */
  readonly onTooLarge: (message: unknown, bytes: number) => void
}

/** Frames that wait for a subscriber that reads too slowly; it misses those that come then. */
const UNREAD = 1_000
/** A channel's name, and a byte: whoever sends more is cut off. */
const MAX_SUBSCRIPTION_BYTES = 1_024
/** ZMQ_SUBSCRIBE and ZMQ_UNSUBSCRIBE: in manual mode they are about the peer whose notice was read last. */
const GRANT = 6
const REVOKE = 7
const SUBSCRIBES = 1
const UNSUBSCRIBES = 0
/** Messages that are passed over at a time. */
const ROUND = 100

/** An XPUB that decides by itself about subscriptions, which the binding offers to its own subclasses. */
class Granting extends XPublisher {
  grant(name: Buffer): void {
    this.setStringOption(GRANT, name)
  }
  revoke(name: Buffer): void {
    this.setStringOption(REVOKE, name)
  }
}

export async function openPublisher(options: PublisherOptions): Promise<PublisherLink> {
  const { bind, key, grants, onTooLarge } = options
  const socket = new Granting({
    linger: 0,
    sendHighWaterMark: UNREAD,
    receiveHighWaterMark: UNREAD,
    maxMessageSize: MAX_SUBSCRIPTION_BYTES,
    manual: grants !== null,
    ...listening(key, 'feed'),
  })
  await socket.bind(bind)
  let outbox = new Map<string, unknown[]>()
  const pump = makePump(async () => {
    const channels = outbox
    outbox = new Map()
    for (const [channel, messages] of channels)
      for (const frame of encodeFrames(messages, onTooLarge))
        // A send rejects when the socket closes under it; on one that is closed it throws.
        if (!socket.closed) await socket.send([channel, frame]).catch(() => undefined)
    return outbox.size > 0
  })
  void judge(socket, options)
  return {
    address: socket.lastEndpoint ?? bind,
    publish: (channel, message) => {
      const messages = outbox.get(channel)
      if (messages) messages.push(message)
      else outbox.set(channel, [message])
      pump.wake()
    },
    close: () => {
      void pump.end(0)
      socket.close()
    },
  }
}

/** Notices are read also where all is granted, so that they do not pile up. Between a notice and its grant nothing else is read. */
async function judge(
  socket: Granting,
  { grants, onDenied }: Pick<PublisherOptions, 'grants' | 'onDenied'>,
): Promise<void> {
  // It may have been closed since the notice came, with subscribers that leave at the same time.
  while (!socket.closed) {
    const notice = await nextNotice(socket)
    if (grants === null || notice === 'none' || socket.closed) continue
    if (notice === 'foreign') await passOver(socket, onDenied)
    else if (notice[0] !== SUBSCRIBES) socket.revoke(notice.subarray(1))
    else if (grants(notice.toString('latin1', 1))) socket.grant(notice.subarray(1))
    else onDenied()
  }
}

/** A notice; `foreign` for what a subscriber wrote that is none, and `none` when nothing came, or a part of something. */
async function nextNotice(socket: Granting): Promise<Buffer | 'foreign' | 'none'> {
  try {
    const [notice, ...rest] = await socket.receive()
    const is_notice = notice?.[0] === SUBSCRIBES || notice?.[0] === UNSUBSCRIBES
    return notice && is_notice && rest.length === 0 ? notice : 'foreign'
  } catch (error) {
    if (!socket.closed && codeOf(error) !== 'EAGAIN') throw error
    // Of a message with several parts ZeroMQ leaves out those that are subscriptions which stand: its end may never come.
    return 'none'
  }
}

/**
 * ZeroMQ keeps whose notices wait beside the notices, and nothing there for what is no notice: once such a thing was read, a grant is for
 * whoever comes next. Both are in step again when nothing waits any more; until then nothing is granted.
 */
async function passOver(socket: Granting, onDenied: () => void): Promise<void> {
  socket.receiveTimeout = 0
  for (let read = 1; !socket.closed && (await nextNotice(socket)) !== 'none'; read += 1) {
    onDenied()
    // Whoever writes faster than this reads must not keep all else from its turn.
    if (read % ROUND === 0) await nextRound()
  }
  if (!socket.closed) socket.receiveTimeout = -1
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''
