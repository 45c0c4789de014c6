/**
 * The listening end of a door: a ROUTER with an outbox for each peer.
 *
 * A peer is only a return address. `mandatory` and a send timeout of 0 turn a peer that is gone or that does not read
 * into an answer (EHOSTUNREACH, EAGAIN) instead of a silent loss: the first ends the peer, the second pauses its outbox
 * alone. A peer whose outbox passes its bound is ended too: it can say hello again and ask for what it missed.
 */
import { setTimeout as after } from 'node:timers/promises'
import { Router } from 'zeromq'
import { encodeFrames } from '../protocol/codec.ts'
import { MAX_FRAME_BYTES } from '../protocol/limits.ts'
import { makePump } from './pump.ts'

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

/** How long to leave peers alone that do not read. */
const PAUSE_MS = 20
/** How long a frame may stay unsent at close. */
const LINGER_MS = 500
const MAX_PENDING_MESSAGES = 200_000

export async function openRouter(options: RouterOptions): Promise<RouterLink> {
  const socket = new Router({
    mandatory: true,
    sendTimeout: 0,
    linger: LINGER_MS,
    maxMessageSize: MAX_FRAME_BYTES,
    sendHighWaterMark: 1_000,
    receiveHighWaterMark: 10_000,
  })
  await socket.bind(options.bind)
  const outboxes = new Map<string, unknown[]>()
  const pump = makePump(async () => {
    let anySent = false
    const batch = [...outboxes]
    outboxes.clear()
    for (const [peer, messages] of batch) {
      const sent = await sendTo(socket, options, peer, messages)
      anySent ||= sent.kind !== 'full'
      if (sent.kind === 'gone') options.onGone(peer)
      else if (sent.kind === 'full') keep(outboxes, options, peer, sent.rest)
    }
    if (outboxes.size > 0 && !anySent) await after(PAUSE_MS)
    return outboxes.size > 0
  })
  void receive(socket, options)
  return {
    address: socket.lastEndpoint ?? options.bind,
    send: (peer, message) => {
      const outbox = outboxes.get(peer)
      if (outbox) outbox.push(message)
      else outboxes.set(peer, [message])
      pump.wake()
    },
    close: async () => {
      await pump.end(LINGER_MS)
      socket.close()
    },
  }
}

type Sent =
  | { readonly kind: 'sent' | 'gone' }
  /** The peer does not read; these frames are still to be sent. */
  | { readonly kind: 'full'; readonly rest: readonly Buffer[] }

async function sendTo(
  socket: Router,
  options: RouterOptions,
  peer: string,
  messages: readonly unknown[],
): Promise<Sent> {
  const frames = encodeFrames(messages, (message, bytes) =>
    options.onTooLarge(peer, message, bytes),
  )
  for (const [at, frame] of frames.entries()) {
    try {
      await socket.send([Buffer.from(peer, 'latin1'), frame])
    } catch (error) {
      return codeOf(error) === 'EAGAIN'
        ? { kind: 'full', rest: frames.slice(at) }
        : { kind: 'gone' }
    }
  }
  return { kind: 'sent' }
}

/** What could not be sent goes before what came meanwhile. */
function keep(
  outboxes: Map<string, unknown[]>,
  options: RouterOptions,
  peer: string,
  frames: readonly Buffer[],
): void {
  const rest = frames.flatMap((frame) => JSON.parse(frame.toString('utf8')) as unknown[])
  const all = [...rest, ...(outboxes.get(peer) ?? [])]
  if (all.length <= MAX_PENDING_MESSAGES) outboxes.set(peer, all)
  else {
    outboxes.delete(peer)
    options.onGone(peer)
  }
}

async function receive(socket: Router, { onFrame, onGarbage }: RouterOptions): Promise<void> {
  for await (const [id, ...parts] of socket) {
    const peer = id?.toString('latin1') ?? ''
    const frame = parts[0]
    if (parts.length === 1 && frame) onFrame(peer, frame)
    else onGarbage(peer, `${parts.length} parts instead of one`)
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}
