/** The reading end of the broker's pub/sub socket. What it misses is fetched through a door. */
import { Subscriber } from 'zeromq'
import { MAX_FRAME_BYTES } from '../protocol/limits.ts'
import { type DialKey, dialling } from './curve.ts'
import { dial } from './line.ts'
import { reconnecting } from './reconnect.ts'

export type SubscriberLink = {
  subscribe(channel: string): void
  unsubscribe(channel: string): void
  close(): void
}

export function openSubscriber(options: {
  readonly address: string
  readonly key: DialKey | null
  readonly onFrame: (channel: string, frame: Buffer) => void
  readonly onConnect?: () => void
}): SubscriberLink {
  // How often each is wanted.
  const wanted = new Map<string, number>()
  const line = dial({
    ...options,
    make: () => {
      const socket = new Subscriber({
        linger: 0,
        maxMessageSize: MAX_FRAME_BYTES,
        ...reconnecting(),
        receiveHighWaterMark: 1_000,
        ...dialling(options.key),
      })
      if (wanted.size > 0) socket.subscribe(...wanted.keys())
      return socket
    },
    receive: async (socket) => {
      for await (const [channel, frame] of socket)
        if (channel && frame) options.onFrame(channel.toString('utf8'), frame)
    },
  })
  return {
    subscribe: (channel) => {
      const times = wanted.get(channel) ?? 0
      wanted.set(channel, times + 1)
      if (times === 0 && !line.socket().closed) line.socket().subscribe(channel)
    },
    unsubscribe: (channel) => {
      const times = wanted.get(channel) ?? 0
      if (times > 1) return void wanted.set(channel, times - 1)
      if (wanted.delete(channel) && !line.socket().closed) line.socket().unsubscribe(channel)
    },
    close: () => line.close(),
  }
}
