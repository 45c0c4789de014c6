/** The reading end of the broker's pub/sub socket. What it misses is fetched through a door. */
import { Subscriber } from 'zeromq'
import { MAX_FRAME_BYTES } from '../protocol/limits.ts'
import { reconnecting } from './reconnect.ts'

export type SubscriberLink = {
  subscribe(channel: string): void
  unsubscribe(channel: string): void
  close(): void
}

export function openSubscriber(options: {
  readonly address: string
  readonly onFrame: (channel: string, frame: Buffer) => void
  readonly onConnect?: () => void
}): SubscriberLink {
  const socket = new Subscriber({
    linger: 0,
    maxMessageSize: MAX_FRAME_BYTES,
    ...reconnecting(),
    receiveHighWaterMark: 1_000,
  })
  const receive = async (): Promise<void> => {
    for await (const [channel, frame] of socket)
      if (channel && frame) options.onFrame(channel.toString('utf8'), frame)
  }
  socket.events.on('handshake', () => options.onConnect?.())
  socket.connect(options.address)
  void receive()
  return {
    subscribe: (channel) => socket.subscribe(channel),
    unsubscribe: (channel) => socket.unsubscribe(channel),
    close: () => socket.close(),
  }
}
