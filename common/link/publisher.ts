/**
 * The broker's pub/sub socket: broadcasts of tasks to subscribed workers, and wakes for followers of the feed.
 * It loses messages at a slow join or a slow reader, and may: it is never the only copy of anything.
 */
import { XPublisher } from 'zeromq'
import { encodeFrames } from '../protocol/codec.ts'
import { makePump } from './pump.ts'

export type PublisherLink = {
  /** Channel first, then a frame, as two parts. */
  publish(channel: string, message: unknown): void
  readonly address: string
  close(): void
}

/** `onTooLarge`: a message that fits no frame was dropped; whoever should have had it asks elsewhere. */
export async function openPublisher(
  bind: string,
  onTooLarge: (message: unknown, bytes: number) => void,
): Promise<PublisherLink> {
  const socket = new XPublisher({ linger: 0, sendHighWaterMark: 10_000 })
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
  // Who subscribes is not our business; the notices are read so that they do not pile up.
  const drop = async (): Promise<void> => {
    for await (const notice of socket) void notice
  }

  void drop()
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
