/**
 * Challenges to those who knock, and the judgement of the proofs that they make for them. The handshake has shown already that a key is
 * authorised; but ZeroMQ does not say whose frame it delivers, so each peer proves here which of the keys is its own.
 */
import { randomBytes } from 'node:crypto'
import type { Authorised } from '../../../common/keys/authorised.ts'
import { dropFirst } from '../../../common/keys/first-out.ts'
import { type Claim, proofOf, sameProof } from '../../../common/keys/proof.ts'
import type { Proof } from '../../../common/protocol/entry.ts'
import { DOOR_RIGHTS } from '../../../common/protocol/rights.ts'
import type { Keyring } from './keyring.ts'

export type Challenges = {
  /** A new one for this peer. Whoever knocks again before the answer came may prove itself for either. */
  make(peer: string): string
  /** Whose proof it is, or why it is none. A challenge is good for one try. */
  judge(peer: string, proof: Proof | undefined, who: Who): Judged
}

/** What whoever says hello says of itself. */
type Who = Pick<Claim, 'name' | 'instance'>
export type Judged =
  | { readonly kind: 'proven'; readonly key: Authorised }
  | { readonly kind: 'unproven'; readonly why: string }

/** Peers that knocked and did not go on; past it, the first of them must knock again. */
const MOST = 10_000
/** Challenges of one peer: a busy broker may find so many knocks at once, one for every few seconds. */
const MOST_OF_ONE = 16

export function makeChallenges(
  door: Claim['door'],
  keyring: Pick<Keyring, 'find' | 'secret_key'>,
): Challenges {
  const made = new Map<string, readonly string[]>()
  return {
    make: (peer) => {
      const challenge = randomBytes(24).toString('hex')
      const earlier = made.get(peer) ?? []
      made.delete(peer)
      made.set(peer, [...earlier, challenge].slice(-MOST_OF_ONE))
      if (made.size > MOST) dropFirst(made)
      return challenge
    },
    judge: (peer, proof, { name, instance }) => {
      if (!proof) return unproven('it came without a proof of its key: knock first')
      const { challenge } = proof
      const open = made.get(peer) ?? []
      if (!open.includes(challenge))
        return unproven('its proof is not for a challenge that was made for it')
      made.set(
        peer,
        open.filter((other) => other !== challenge),
      )
      const key = keyring.find(proof.key)
      if (!key) return unproven(`nobody has the key ${proof.key}`)
      if (!DOOR_RIGHTS[door].some((role) => role === key.role))
        return unproven(`${key.name} is a ${key.role}, and this is the ${door} door`)
      const expected = proofOf(keyring.secret_key, proof.key, { door, challenge, name, instance })
      if (expected === null || !sameProof(proof.mac, expected))
        return unproven(`it does not hold the key of ${key.name}`)
      return { kind: 'proven', key }
    },
  }
}

const unproven = (why: string): Judged => ({ kind: 'unproven', why })
