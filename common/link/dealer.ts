/**
 * The dialling end of a door: a DEALER with one outbox.
 *
 * Messages that are sent within one turn of the event loop leave together, as few frames. While no connection stands
 * they wait here, where `clear` can drop them, and not inside ZeroMQ, which would deliver stale ones on reconnection.
 */
import { Dealer } from 'zeromq'
import { encodeFrames } from '../protocol/codec.ts'
import { MAX_FRAME_BYTES } from '../protocol/limits.ts'
import { type DialKey, dialling } from './curve.ts'
import { dial } from './line.ts'
import { makePump } from './pump.ts'
import { reconnecting } from './reconnect.ts'

export type DealerLink = {
  /** Queues a message; it leaves with the others of this turn of the loop. */
  send(message: unknown): void
  /** Drops what was not handed to ZeroMQ yet. */
  clear(): void
  /** Messages that wait for a connection or for room. */
  pending(): number
  close(): Promise<void>
}

export type DealerOptions = {
  readonly address: string
  readonly key: DialKey | null
  readonly onFrame: (frame: Buffer) => void
  /** What every frame begins with (a session); asked for when the frame leaves. */
  readonly opening?: () => readonly unknown[]
  readonly onConnect?: () => void
  readonly onDisconnect?: () => void
  readonly onShut?: ((why: string) => void) | undefined
  /** A message that fits no frame was dropped. */
  readonly onTooLarge: (message: unknown, bytes: number) => void
}

/** How long a frame may stay unsent at close, in ms. */
const LINGER_MS = 500

export function openDealer(options: DealerOptions): DealerLink {
  let outbox: unknown[] = []
  const line = dial({
    ...options,
    make: () =>
      new Dealer({
        immediate: true,
        linger: LINGER_MS,
        maxMessageSize: MAX_FRAME_BYTES,
        ...reconnecting(),
        sendHighWaterMark: 1_000,
        ...dialling(options.key),
      }),
    receive: async (socket) => {
      for await (const parts of socket)
        if (parts.length === 1 && parts[0]) options.onFrame(parts[0])
    },
  })
  const pump = makePump(async () => {
    const messages = outbox
    outbox = []
    // A send rejects only when the socket closes under it; on one that is closed it throws.
    for (const frame of encodeFrames(messages, options.onTooLarge, options.opening?.())) {
      const socket = line.socket()
      if (!socket.closed) await socket.send(frame).catch(() => undefined)
    }
    return outbox.length > 0
  })
  return {
    send: (message) => {
      outbox.push(message)
      pump.wake()
    },
    clear: () => {
      outbox = []
    },
    pending: () => outbox.length,
    close: async () => {
      await pump.end(LINGER_MS)
      line.close()
    },
  }
}
