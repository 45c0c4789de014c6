/** What makes a socket speak CURVE (ZeroMQ RFC 26): encrypted, and each end sure of the other's key. */
import type { Context } from 'zeromq'
import type { DaemonKey } from '../keys/key-file.ts'
import type { Door } from '../protocol/rights.ts'

/** What a dialling socket needs: its own pair, and the broker's public key. */
export type DialKey = Pick<DaemonKey, 'name' | 'public_key' | 'secret_key' | 'broker_key'>

/** Options of a socket that dials; without a key it speaks in the clear. */
export const dialling = (key: DialKey | null): object =>
  key === null
    ? {}
    : {
        curvePublicKey: key.public_key,
        curveSecretKey: key.secret_key,
        curveServerKey: key.broker_key,
      }

/** What a listening socket needs: the broker's secret key, and the context in which its ZAP handler is. */
export type ListenKey = { readonly secret_key: string; readonly context: Context }

/** A peer that does not come to the end of its handshake by then is cut off. */
const HANDSHAKE_MS = 10_000

/** Options of a socket that listens. ZeroMQ asks the ZAP handler about everybody, and lets nobody in when there is none. */
export const listening = (key: ListenKey | null, door: Door): object =>
  key === null
    ? {}
    : {
        context: key.context,
        curveServer: true,
        curveSecretKey: key.secret_key,
        zapDomain: door,
        zapEnforceDomain: true,
        handshakeInterval: HANDSHAKE_MS,
      }
