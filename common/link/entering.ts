/**
 * How a client comes in at the client door with its key (common/protocol/entry.ts): it knocks when a connection stands, proves its key, and is in
 * until the connection breaks or the broker says that it must come in again. Without a key it is in as soon as it is connected.
 */
import { VERSION } from '../daemon/version.ts'
import { proofOf } from '../keys/proof.ts'
import type { Challenge, Refused } from '../protocol/entry.ts'
import { PROTOCOL_VERSION } from '../protocol/limits.ts'
import type { DialKey } from './curve.ts'

export type Entering = {
  connected(): void
  disconnected(): void
  /** What the broker said of it. */
  heard(
    message: Challenge | Refused | { kind: 'welcome'; session: string } | { kind: 'hello_again' },
  ): void
  /** It is not known there any more: come in anew. */
  again(): void
  isIn(): boolean
  /** What every frame begins with. */
  opening(): readonly unknown[]
  close(): void
}

type Options = {
  readonly key: DialKey | null
  readonly send: (message: unknown) => void
  readonly onIn: () => void
  readonly onShut?: ((why: string) => void) | undefined
}

/** A knock that nobody answers is repeated, and a door that was shut is tried again, after so long. */
const KNOCK_MS = 5_000

type Stage =
  | { readonly kind: 'out' }
  /** `proved`: the answer to its hello is to come; another challenge is for a knock that was too much. */
  | { readonly kind: 'knocking'; readonly proved: boolean }
  | { readonly kind: 'in'; readonly session: string | null }

export function makeEntering({ key, send, onIn, onShut }: Options): Entering {
  let stage: Stage = { kind: 'out' }
  let timer: NodeJS.Timeout | null = null
  let told: string | null = null
  const enter = (session: string | null): void => {
    stage = { kind: 'in', session }
    told = null
    onIn()
  }
  const knock = (): void => {
    stop()
    stage = { kind: 'knocking', proved: false }
    send({ kind: 'knock', protocol: PROTOCOL_VERSION })
    timer = setTimeout(knock, KNOCK_MS)
  }
  const stop = (): void => {
    if (timer) clearTimeout(timer)
    timer = null
  }
  return {
    connected: () => (key === null ? enter(null) : knock()),
    disconnected: () => {
      stop()
      stage = { kind: 'out' }
    },
    heard: (message) => {
      if (key === null) return
      if (message.kind === 'hello_again') return void (stage.kind === 'in' && knock())
      if (stage.kind !== 'knocking') return
      if (message.kind === 'challenge') {
        if (!stage.proved) send(helloFor(key, message.challenge))
        stage = { kind: 'knocking', proved: true }
        return
      }
      if (message.kind === 'refused') {
        const why = `${message.code}: ${message.message}`
        if (why !== told) onShut?.(why)
        told = why
        return
      }
      stop()
      enter(message.session)
    },
    again: () => {
      if (key !== null && stage.kind === 'in') knock()
    },
    isIn: () => stage.kind === 'in',
    opening: () =>
      stage.kind === 'in' && stage.session !== null
        ? [{ kind: 'session', session: stage.session }]
        : [],
    close: stop,
  }
}

function helloFor(key: DialKey, challenge: string): object {
  const { name, public_key } = key
  const claim = { door: 'client', challenge, name, instance: '' } as const
  const mac = proofOf(key.secret_key, key.broker_key, claim) ?? ''
  const proof = { key: public_key, challenge, mac }
  return { kind: 'hello', protocol: PROTOCOL_VERSION, version: VERSION, name, proof }
}
