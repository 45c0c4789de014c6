/**
 * The broker's ZAP handler (ZeroMQ RFC 27): ZeroMQ asks here about every handshake, before anything of it is heard at a door. Each door
 * is a domain, and lets in the keys that are authorised for it. Without a handler ZeroMQ would let in any key at all.
 */
import { type Context, Router } from 'zeromq'
import type { Log } from '../../../common/daemon/log.ts'
import { makeBuckets } from '../../../common/keys/bucket.ts'
import { encodeZ85 } from '../../../common/keys/z85.ts'
import { DOOR_RIGHTS, type Door } from '../../../common/protocol/rights.ts'
import type { Counters } from '../counters.ts'
import type { Keyring } from './keyring.ts'

export type Zap = { close(): void }

type Ports = {
  readonly keyring: Pick<Keyring, 'find'>
  readonly counters: Counters
  readonly log: Log
  /** Of the sockets that it answers for. */
  readonly context: Context
  /** Handshakes of one address in a second, and at once. */
  readonly handshakes?: { readonly rate: number; readonly burst: number }
}

const ADDRESS = 'inproc://zeromq.zap.01'
const VERSION = '1.0'
/** Many hundred workers behind one address come back at a time. */
const HANDSHAKES = { rate: 200, burst: 4_000 }
const MOST_ADDRESSES = 10_000
/** Refusals of one address that are logged in a second. */
const LINES = { rate: 1, burst: 5, most_keys: 1_000 }

/** Binds before any of the doors does. */
export async function openZap(ports: Ports): Promise<Zap> {
  const { counters, context, log } = ports
  const socket = new Router({ context, linger: 0, sendTimeout: 0 })
  await socket.bind(ADDRESS)
  const judge = makeJudge(ports)
  const answer = async (parts: readonly Buffer[]): Promise<void> => {
    const [peer, delimiter, version, request_id] = parts
    if (!peer || !delimiter || !version || !request_id) return counters.count('zap_unreadable')
    const { code, text, name } = judge(parts)
    await socket.send([peer, delimiter, VERSION, request_id, code, text, name, ''])
  }
  const receive = async (): Promise<void> => {
    for await (const parts of socket) {
      // One bad request must not end the loop: nobody could come in after it.
      await answer(parts).catch((error: unknown) => {
        counters.count('zap_failed')
        log.error('a handshake could not be answered', { error: String(error) })
      })
    }
  }
  void receive()
  return { close: () => socket.close() }
}

type Judgement = {
  readonly code: '200' | '300' | '400'
  readonly text: string
  readonly name: string
}

/** 300 makes the other end try again later, and 400 makes it give up. */
function makeJudge({
  keyring,
  counters,
  log,
  ...limits
}: Ports): (parts: readonly Buffer[]) => Judgement {
  const handshakes = makeBuckets({
    ...(limits.handshakes ?? HANDSHAKES),
    most_keys: MOST_ADDRESSES,
  })
  const lines = makeBuckets(LINES)
  const refuse = (domain: string, address: string, why: string): Judgement => {
    counters.count('handshakes_refused')
    if (lines.take(address, performance.now()) === 0)
      log.warn('a handshake was refused', { door: domain, address, why })
    return { code: '400', text: 'unauthorised', name: '' }
  }
  return (parts) => {
    const [, , , , domain = '', address = '', , mechanism = ''] = parts.map(String)
    if (handshakes.take(address, performance.now()) > 0) {
      counters.count('handshakes_put_off')
      return { code: '300', text: 'too many handshakes', name: '' }
    }
    const credential = parts[8]
    if (mechanism !== 'CURVE' || credential?.length !== 32)
      return refuse(domain, address, `it came without a key (${mechanism.slice(0, 16)})`)
    const key = encodeZ85(credential)
    const found = keyring.find(key)
    if (!found) return refuse(domain, address, `nobody has the key ${key}`)
    if (!isDoor(domain) || !rolesAt(domain).includes(found.role))
      return refuse(domain, address, `${found.name} is a ${found.role}`)
    return { code: '200', text: 'OK', name: found.name }
  }
}

const isDoor = (domain: string): domain is Door => Object.hasOwn(DOOR_RIGHTS, domain)
const rolesAt = (door: Door): readonly string[] => DOOR_RIGHTS[door]
