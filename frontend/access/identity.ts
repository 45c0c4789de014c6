/** Who asks, and what follows from it. Made by identify.ts; everything else only looks at it. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Role } from '../../common/keys/tokens.ts'

export type Identity = {
  /** What it was known by; `open` is nobody in particular. */
  readonly via: 'open' | 'token' | 'certificate' | 'run'
  /** For the logs; null for nobody in particular. */
  readonly name: string | null
  readonly role: Role
  /** Names and patterns of the jobs that it is limited to; null for all. */
  readonly jobs: readonly string[] | null
  /** The run whose own token it is, which may do a few things and nothing else. */
  readonly run: OwnRun | null
  /** Requests a second, and for whom they are counted. */
  readonly limit: { readonly key: string; readonly rate: number } | null
  /** Whether it would be let in again now: asked while a request goes on. */
  isGood(now_ms: number): boolean
}

export type OwnRun = { readonly run_id: string; readonly flow_id: string }

const plain = { via: 'open', name: null, jobs: null, run: null, limit: null } as const
const always = { isGood: () => true }

/** Everybody, on a frontend that asks nobody who they are. */
export const ANYBODY: Identity = { ...plain, ...always, role: 'admin' }
/** Whoever asks for what everybody may see. */
export const UNASKED: Identity = { ...plain, ...always, role: 'read' }

/** The address that a connection comes from, as the logs show it. What proxies say of others is not believed. */
export const addressOf = (socket: Socket): string =>
  (socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, '')

/** Who asks from where, in words, for the broker's list of refusals. */
export function sayFrom(who: Identity, req: IncomingMessage): string {
  const address = addressOf(req.socket)
  return who.name === null ? address : `${who.name} from ${address}`
}
