/**
 * The listening end of a door: a ROUTER with an outbox for each peer.
 *
 * A peer is only a return address. `mandatory` and a send timeout of 0 turn a peer that is gone or that does not read
 * into an answer (EHOSTUNREACH, EAGAIN) instead of a silent loss: the first ends the peer, the second pauses its outbox
 * alone. A peer whose outbox passes its bound is ended too: it can say hello again and ask for what it missed.
 */
import { Router } from 'zeromq'
import { encodeFrames } from '../protocol/codec.ts'
import { MAX_FRAME_BYTES } from '../protocol/limits.ts'

export type RouterLink = {
  send(peer: string, message: unknown): void
  /** Where it listens: the port is known even when 0 was asked for. */
  readonly address: string
  close(): Promise<void>
}

export type RouterOptions = {
  readonly bind: string
  readonly onFrame: (peer: string, frame: Buffer) => void
  /** More than one part, or none: counted and dropped. */
  readonly onGarbage: (peer: string, reason: string) => void
  /** Nothing more can be sent to this peer. */
  readonly onGone: (peer: string) => void
  /** A message that fits no frame was dropped. */
  readonly onTooLarge: (peer: string, message: unknown, bytes: number) => void
}

const PAUSE_MS = 20
const MAX_PENDING_MESSAGES = 200_000

export async function openRouter(options: RouterOptions): Promise<RouterLink> {
  const socket = new Router({
    mandatory: true,
    sendTimeout: 0,
    linger: 500,
    maxMessageSize: MAX_FRAME_BYTES,
    sendHighWaterMark: 1_000,
    receiveHighWaterMark: 10_000,
  })
  await socket.bind(options.bind)
  const outboxes = new Map<string, unknown[]>()
  let pumping = false
  let closed = false

  const sendTo = async (peer: string): Promise<boolean> => {
    const messages = outboxes.get(peer) ?? []
    outboxes.delete(peer)
    const frames = encodeFrames(messages, (message, bytes) =>
      options.onTooLarge(peer, message, bytes),
    )
    for (const frame of frames) {
      try {
        await socket.send([Buffer.from(peer, 'latin1'), frame])
      } catch (error) {
        if (closed) return true
        if (codeOf(error) !== 'EAGAIN') {
          options.onGone(peer)
          return true
        }
        keepRest(peer, frames.slice(frames.indexOf(frame)))
        return false
      }
    }
    return true
  }
  const keepRest = (peer: string, frames: readonly Buffer[]): void => {
    const rest = frames.flatMap((frame) => JSON.parse(frame.toString('utf8')) as unknown[])
    const all = [...rest, ...(outboxes.get(peer) ?? [])]
    if (all.length <= MAX_PENDING_MESSAGES) outboxes.set(peer, all)
    else {
      outboxes.delete(peer)
      options.onGone(peer)
    }
  }
  const pump = async (): Promise<void> => {
    if (pumping) return
    pumping = true
    await new Promise((resolve) => setImmediate(resolve))
    while (outboxes.size > 0 && !closed) {
      let anySent = false
      for (const peer of [...outboxes.keys()]) anySent = (await sendTo(peer)) || anySent
      if (!anySent) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
    pumping = false
  }
  const receive = async (): Promise<void> => {
    for await (const [id, ...parts] of socket) {
      const peer = id?.toString('latin1') ?? ''
      const frame = parts[0]
      if (parts.length === 1 && frame) options.onFrame(peer, frame)
      else options.onGarbage(peer, `${parts.length} parts instead of one`)
    }
  }

  void receive()
  return {
    address: socket.lastEndpoint ?? options.bind,
    send: (peer, message) => {
      const outbox = outboxes.get(peer)
      if (outbox) outbox.push(message)
      else outboxes.set(peer, [message])
      void pump()
    },
    close: async () => {
      while (outboxes.size > 0 && pumping && socket.writable)
        await new Promise((r) => setImmediate(r))
      closed = true
      socket.close()
    },
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}
