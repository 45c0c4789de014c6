/** Who is at the client door, and what each may ask. Without keys everybody is in, and may ask everything. */
import type {
  AtClientDoor,
  Failure,
  FromClient,
  ToClient,
} from '../../../common/protocol/client-door.ts'
import { PROTOCOL_VERSION } from '../../../common/protocol/limits.ts'
import { CLIENT_RIGHTS, clientKindOf } from '../../../common/protocol/rights.ts'
import { disagreement } from '../../../common/protocol/versions.ts'
import { failures } from '../../core/refusals.ts'
import { makeClientSessions } from './client-sessions.ts'
import type { DoorKeys } from './door-keys.ts'

export type ClientEntry = {
  /** Takes what is said to come in. */
  heard(peer: string, message: Coming): void
  /** Why a request under a session is not looked at; null when it is. */
  objection(peer: string, session: string, request: FromClient): Failure | null
  /** These keys are in no more; everybody else is told to come in again, since names of channels are new ones. */
  rekeyed(keys: ReadonlySet<string>): void
  gone(peer: string): void
}
type Coming = Extract<AtClientDoor, { kind: 'knock' | 'hello' }>

type Ports = {
  readonly keys: DoorKeys | null
  readonly say: (peer: string, message: ToClient) => void
  /** Counts and logs a refusal. */
  readonly refused: (peer: string, why: string) => void
}

export function makeClientEntry({ keys, say, refused }: Ports): ClientEntry {
  const sessions = makeClientSessions()
  const greet = (peer: string, hello: Coming & { kind: 'hello' }): void => {
    const refuse = (code: string, message: string): void => {
      refused(peer, message)
      say(peer, { kind: 'refused', code, message })
    }
    const apart = disagreement(hello.protocol, `the client ${hello.name}`, 'this broker')
    if (apart !== null) return refuse('bad_protocol', apart)
    const welcome = (session: string): void =>
      say(peer, { kind: 'welcome', protocol: PROTOCOL_VERSION, session })
    if (keys === null) return welcome('')
    const who = { name: hello.name, instance: '' }
    const judged = keys.challenges.judge(peer, hello.proof, who)
    if (judged.kind === 'unproven') return refuse('unauthorised', judged.why)
    const { key } = judged
    if (key.name !== hello.name)
      return refuse('unauthorised', `this is the key of ${key.name}, and not of ${hello.name}`)
    welcome(sessions.open(peer, key.public_key))
  }
  return {
    heard: (peer, message) => {
      if (message.kind === 'hello') return greet(peer, message)
      say(peer, { kind: 'challenge', challenge: keys?.challenges.make(peer) ?? '' })
    },
    objection: (peer, session, request) => {
      if (keys === null) return null
      const held = sessions.find(peer, session)
      const key = held && keys.find(held)
      if (!key) return failures.noSession()
      const kind = clientKindOf(request)
      if (CLIENT_RIGHTS[kind].includes(key.role)) return null
      refused(peer, `${key.name}, a ${key.role}, may not say ${kind}`)
      return failures.notItsRole(kind, key.role, CLIENT_RIGHTS[kind])
    },
    rekeyed: (gone) => {
      for (const peer of sessions.end(gone)) say(peer, { kind: 'hello_again' })
    },
    gone: (peer) => sessions.gone(peer),
  }
}
