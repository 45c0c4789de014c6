/**
 * How a peer with a key comes in at a door, before it says anything else.
 *
 * It knocks; the broker answers with a challenge made for this connection; `hello` carries the proof that its sender holds the key,
 * made for that challenge (common/keys/proof.ts); `welcome` gives a session, which every later frame begins with. A broker without keys
 * lets everybody in: there a worker says `hello` at once and without a proof, and a client nothing at all.
 */
import { z } from 'zod'
import { NAME_PATTERN } from '../definition/card.ts'

const text = (max: number): z.ZodString => z.string().max(max)
const protocol = z.number().int().min(1)

/** May I? The answer is `challenge`. */
export const Knock = z.object({ kind: z.literal('knock'), protocol })

/** What the proof is to be made for. It is good once, for whoever knocked. */
export const Challenge = z.object({ kind: z.literal('challenge'), challenge: text(128) })
export type Challenge = z.infer<typeof Challenge>

export const Proof = z.object({
  /** The public key, Z85. */
  key: text(64),
  challenge: text(128),
  /** 64 hex digits (common/keys/proof.ts). */
  mac: text(128),
})
export type Proof = z.infer<typeof Proof>

/** The first message of every frame after the welcome. */
export const Session = z.object({ kind: z.literal('session'), session: text(64) })

/** A client's, at the client door. The worker's own is in worker-door.ts. */
export const ClientHello = z.object({
  kind: z.literal('hello'),
  protocol,
  version: text(64),
  name: z.string().regex(NAME_PATTERN),
  proof: Proof,
})
export type ClientHello = z.infer<typeof ClientHello>
export const ClientWelcome = z.object({ kind: z.literal('welcome'), protocol, session: text(64) })

/**
 * The door stays shut: `unauthorised` (no such key, or no proof of it), `name_taken` (another instance lives under the name),
 * `bad_protocol`, `bad_hello` or `full`.
 */
export const Refused = z.object({ kind: z.literal('refused'), code: text(64), message: text(4096) })
export type Refused = z.infer<typeof Refused>

/** The session that something was said under is not known (any more): if it still is yours, come in again. */
export const HelloAgain = z.object({
  kind: z.literal('hello_again'),
  session: text(64).optional(),
})
