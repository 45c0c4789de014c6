/**
 * The proof that somebody holds the secret half of a key, made anew for each challenge.
 *
 * The keys are the Curve25519 pairs that the sockets use. Both ends compute the same secret from their own secret key and the
 * other's public one (X25519, RFC 7748), derive a key from it (HKDF, RFC 5869), and make a MAC with that (HMAC-SHA256, RFC 2104).
 * Only who holds one of the two secret keys can make it, so a broker that makes a challenge of its own and sees the
 * answer knows who it talks to.
 */
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  timingSafeEqual,
} from 'node:crypto'
import { decodeKey, encodeZ85 } from './z85.ts'

/** What a proof speaks of: it is good for nothing else. */
export type Claim = {
  readonly door: 'worker' | 'client'
  /** What the broker made up for this connection. */
  readonly challenge: string
  /** Who says hello: a worker's name and instance, a client's name and ''. */
  readonly name: string
  readonly instance: string
}

const PURPOSE = 'jobz hello 1'
/** What stands before the 32 bytes of a key in DER (RFC 8410). */
const PRIVATE_HEAD = Buffer.from('302e020100300506032b656e04220420', 'hex')
const PUBLIC_HEAD = Buffer.from('302a300506032b656e032100', 'hex')

/**
 * @param secret_key One's own, in Z85.
 * @param peer_key The other's public key, in Z85.
 * @returns 64 hex digits; null when one of the keys is none.
 */
export function proofOf(secret_key: string, peer_key: string, claim: Claim): string | null {
  const shared = sharedSecret(secret_key, peer_key)
  if (shared === null) return null
  const key = Buffer.from(hkdfSync('sha256', shared, PURPOSE, '', 32))
  const { door, challenge, name, instance } = claim
  return createHmac('sha256', key)
    .update(JSON.stringify([door, challenge, name, instance]))
    .digest('hex')
}

/** Whether two proofs are the same, in a time that tells nothing of where they differ. */
export function sameProof(proof: string, expected: string): boolean {
  const [one, other] = [Buffer.from(proof), Buffer.from(expected)]
  return one.length === other.length && timingSafeEqual(one, other)
}

function sharedSecret(secret_key: string, peer_key: string): Buffer | null {
  const [secret, peer] = [decodeKey(secret_key), decodeKey(peer_key)]
  if (secret === null || peer === null) return null
  try {
    return diffieHellman({
      privateKey: privateKeyOf(secret),
      publicKey: createPublicKey({
        key: Buffer.concat([PUBLIC_HEAD, peer]),
        format: 'der',
        type: 'spki',
      }),
    })
  } catch {
    // A peer's key that gives the same secret whatever ours is (RFC 7748, section 6.1).
    return null
  }
}

const privateKeyOf = (secret: Buffer) =>
  createPrivateKey({ key: Buffer.concat([PRIVATE_HEAD, secret]), format: 'der', type: 'pkcs8' })

/** The public half of a secret key, both in Z85; null when it is no key. */
export function publicKeyOf(secret_key: string): string | null {
  const secret = decodeKey(secret_key)
  if (secret === null) return null
  const der = createPublicKey(privateKeyOf(secret)).export({ format: 'der', type: 'spki' })
  return encodeZ85(der.subarray(PUBLIC_HEAD.length))
}
