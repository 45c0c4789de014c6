/**
 * The listening end of a door: a ROUTER with an outbox for each peer.
 *
 * A peer is only a return address. `mandatory` and a send timeout of 0 turn a peer that is gone or that does not read
 * into an answer (EHOSTUNREACH, EAGAIN) instead of a silent loss: the first ends the peer, the second pauses its outbox
 * alone. A peer whose outbox passes its bound is ended too: it can say hello again and ask for what it missed. Nor is
 * more read than there is room for: what is not read stays with its sender, whose own sending stops.
 */
import { setImmediate as nextRound } from 'node:timers/promises'
import { Router } from 'zeromq'
import { encodeFrames } from '../protocol/codec.ts'
import { MAX_FRAME_BYTES } from '../protocol/limits.ts'
import { listening, type ListenKey } from './curve.ts'
import { makeOutboxes, type Limits, type Outbox } from './outboxes.ts'
import { makePump } from './pump.ts'

export type RouterLink = {
  send(peer: string, message: unknown): void
  /** Where it listens: the port is known even when 0 was asked for. */
  readonly address: string
  close(): Promise<void>
}

export type RouterOptions = {
  readonly bind: string
  /** Null: whoever reaches it is heard. */
  readonly key: ListenKey | null
  readonly door: 'worker' | 'client'
  readonly onFrame: (peer: string, frame: Buffer) => void
  /** More than one part, or none: counted and dropped. */
  readonly onGarbage: (peer: string, reason: string) => void
  /** Nothing more can be sent to this peer. */
  readonly onGone: (peer: string) => void
  /** A message that fits no frame was dropped. */
  readonly onTooLarge: (peer: string, message: unknown, bytes: number) => void
  /** Whether one more frame can be taken in; asked before each. Without it there always is room. */
  readonly hasRoom?: () => boolean
  readonly limits?: Limits
}

/** How long a peer that does not read is left alone. */
const PAUSE_MS = 20
/** How long a frame may stay unsent at close. */
const LINGER_MS = 500
/** After so long of reading frames, whatever else there is to do gets its turn. */
const ROUND_MS = 10
/** Messages that wait for a peer that does not read until they become a frame, whose size is known. */
const GATHERED = 100
const LIMITS: Limits = { peer_bytes: 32 * 1024 * 1024, all_bytes: 256 * 1024 * 1024 }
/** Frames of one peer that ZeroMQ holds beside that, in each direction: a frame may have a megabyte. */
const FRAMES_IN_SOCKET = 100

export async function openRouter(options: RouterOptions): Promise<RouterLink> {
  const socket = new Router({
    mandatory: true,
    sendTimeout: 0,
    linger: LINGER_MS,
    maxMessageSize: MAX_FRAME_BYTES,
    sendHighWaterMark: FRAMES_IN_SOCKET,
    receiveHighWaterMark: FRAMES_IN_SOCKET,
    ...listening(options.key, options.door),
  })
  await socket.bind(options.bind)
  const outboxes = makeOutboxes(options.limits ?? LIMITS)
  let pausing: NodeJS.Timeout | null = null
  const resume = (): void => {
    pausing = null
    if (outboxes.resume()) pump.wake()
  }
  const pump = makePump(async () => {
    for (const [peer, outbox] of outboxes.takeReady()) {
      const sent = await sendTo(socket, options, peer, outbox)
      if (sent.kind === 'gone') options.onGone(peer)
      if (sent.kind !== 'full') continue
      const ended = outboxes.pause(peer, sent.frames, sent.messages)
      if (ended !== null) options.onGone(ended)
      pausing ??= setTimeout(resume, PAUSE_MS)
    }
    return false
  })
  void receive(socket, options)
  return {
    address: socket.lastEndpoint ?? options.bind,
    send: (peer, message) => {
      outboxes.add(peer, message)
      pump.wake()
    },
    close: async () => {
      await pump.end(LINGER_MS)
      if (pausing) clearTimeout(pausing)
      socket.close()
    },
  }
}

type Sent =
  | { readonly kind: 'sent' | 'gone' }
  /** The peer does not read; these are still to be sent. */
  | {
      readonly kind: 'full'
      readonly frames: readonly Buffer[]
      readonly messages: readonly unknown[]
    }

/** What waits as frames goes first; while it cannot, messages gather, so that they make few frames. */
async function sendTo(
  socket: Router,
  options: RouterOptions,
  peer: string,
  { frames, messages }: Outbox,
): Promise<Sent> {
  const before = await sendFrames(socket, peer, frames)
  if (before === 'gone') return { kind: 'gone' }
  if (before.length > 0 && messages.length < GATHERED)
    return { kind: 'full', frames: before, messages }
  const onTooLarge = (message: unknown, bytes: number): void =>
    options.onTooLarge(peer, message, bytes)
  const fresh = messages.length === 0 ? [] : encodeFrames(messages, onTooLarge)
  if (before.length > 0) return { kind: 'full', frames: [...before, ...fresh], messages: [] }
  const after = await sendFrames(socket, peer, fresh)
  if (after === 'gone') return { kind: 'gone' }
  return after.length > 0 ? { kind: 'full', frames: after, messages: [] } : { kind: 'sent' }
}

/** Those that are left when the peer takes no more. */
async function sendFrames(
  socket: Router,
  peer: string,
  frames: readonly Buffer[],
): Promise<readonly Buffer[] | 'gone'> {
  for (const [at, frame] of frames.entries()) {
    try {
      await socket.send([Buffer.from(peer, 'latin1'), frame])
    } catch (error) {
      return codeOf(error) === 'EAGAIN' ? frames.slice(at) : 'gone'
    }
  }
  return []
}

async function receive(
  socket: Router,
  { onFrame, onGarbage, hasRoom = () => true }: RouterOptions,
): Promise<void> {
  let began = performance.now()
  for await (const [id, ...parts] of socket) {
    while (!hasRoom() || performance.now() - began > ROUND_MS) {
      await nextRound()
      began = performance.now()
    }
    const peer = id?.toString('latin1') ?? ''
    const frame = parts[0]
    if (parts.length === 1 && frame) onFrame(peer, frame)
    else onGarbage(peer, `${parts.length} parts instead of one`)
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}
