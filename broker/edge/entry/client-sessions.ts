/** Who is at the client door: the sessions of those who came in, each good for one peer. */
import { randomUUID } from 'node:crypto'
import { dropFirst } from '../../../common/keys/first-out.ts'

export type ClientSessions = {
  /** @param key The public key that the peer proved to hold. */
  open(peer: string, key: string): string
  /** The key whose session it is; undefined when it is not this peer's, or none any more. */
  find(peer: string, session: string): string | undefined
  /** Ends the sessions of these keys. Returns every peer that there was, for all have to come in again. */
  end(keys: ReadonlySet<string>): readonly string[]
  /** Nothing more can be sent to this peer. */
  gone(peer: string): void
}

/** Past it, the one that came in first must come in again. */
const MOST = 10_000

export function makeClientSessions(): ClientSessions {
  const sessions = new Map<string, { readonly session: string; readonly key: string }>()
  return {
    open: (peer, key) => {
      const session = randomUUID()
      sessions.delete(peer)
      sessions.set(peer, { session, key })
      if (sessions.size > MOST) dropFirst(sessions)
      return session
    },
    find: (peer, session) => {
      const found = sessions.get(peer)
      return found?.session === session ? found.key : undefined
    },
    end: (keys) => {
      const peers = [...sessions.keys()]
      for (const [peer, { key }] of sessions) if (keys.has(key)) sessions.delete(peer)
      return peers
    },
    gone: (peer) => void sessions.delete(peer),
  }
}
