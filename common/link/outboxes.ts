/**
 * What is to be sent to each peer of a router, bounded: a peer that does not read waits alone, and is ended before what
 * it is sent fills this process. What was encoded once and could not leave waits as frames, and is not looked at again.
 */

export type Outbox = {
  /** Encoded already; they go first. */
  readonly frames: readonly Buffer[]
  /** What those take. */
  readonly bytes: number
  readonly messages: unknown[]
}

export type Limits = {
  /** Bytes that wait for one peer … */
  readonly peer_bytes: number
  /** … and for all of them; past it the one that has most is ended. */
  readonly all_bytes: number
}

export type Outboxes = {
  add(peer: string, message: unknown): void
  /** Takes out what can be tried. */
  takeReady(): [peer: string, outbox: Outbox][]
  /** Puts back what could not be sent, to wait for `resume`. Returns a peer whose outbox was dropped to keep the bounds. */
  pause(peer: string, frames: readonly Buffer[], messages: readonly unknown[]): string | null
  /** Whoever waits may be tried again; false when nobody does. */
  resume(): boolean
}

export function makeOutboxes({ peer_bytes, all_bytes }: Limits): Outboxes {
  let ready = new Map<string, Outbox>()
  let paused = new Map<string, Outbox>()
  let total = 0
  const drop = (peer: string): void => {
    total -= paused.get(peer)?.bytes ?? 0
    paused.delete(peer)
  }
  return {
    add: (peer, message) => {
      const outbox = paused.get(peer) ?? ready.get(peer)
      if (outbox) outbox.messages.push(message)
      else ready.set(peer, { frames: [], bytes: 0, messages: [message] })
    },
    takeReady: () => {
      const all = [...ready]
      ready = new Map()
      return all
    },
    pause: (peer, frames, messages) => {
      const bytes = frames.reduce((sum, frame) => sum + frame.byteLength, 0)
      // What came while it was being sent.
      const later = ready.get(peer)?.messages ?? []
      ready.delete(peer)
      paused.set(peer, { frames, bytes, messages: [...messages, ...later] })
      total += bytes
      const ended = bytes > peer_bytes ? peer : total > all_bytes ? largest(paused) : null
      if (ended !== null) drop(ended)
      return ended
    },
    resume: () => {
      for (const [peer, outbox] of paused) ready.set(peer, outbox)
      const anybody = paused.size > 0
      paused = new Map()
      total = 0
      return anybody
    },
  }
}

function largest(outboxes: ReadonlyMap<string, Outbox>): string {
  let found = ''
  let most = -1
  for (const [peer, { bytes }] of outboxes) {
    if (bytes <= most) continue
    found = peer
    most = bytes
  }
  return found
}
