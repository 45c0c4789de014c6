/**
 * From a request to who asks: by a bearer token, by a run's own token, or by the certificate of its connection.
 *
 * Whoever guesses is slowed down before anything is compared, and whoever shows nothing at all, too. Guesses count for
 * their address, and those that name a token which there is count for that token at that address, so that somebody behind
 * the same proxy who has a good one is not shut out by others' nonsense.
 */
import type { IncomingMessage } from 'node:http'
import { makeBuckets } from '../../common/keys/bucket.ts'
import type { Buckets } from '../../common/keys/bucket.ts'
import { findToken, isExpired } from '../../common/keys/tokens.ts'
import type { Token, Tokens } from '../../common/keys/tokens.ts'
import type { Failure } from '../../common/protocol/client-door.ts'
import { isFailure } from '../failure.ts'
import { addressOf } from './identity.ts'
import type { Identity } from './identity.ts'
import { networkOf } from './network.ts'
import { expiredToken, NO_TOKEN, NOT_BEARER, tooManyFailures, UNKNOWN_TOKEN } from './refusals.ts'
import { isRunToken } from './run-token.ts'

type Known = Identity | Failure
export type Identify = (req: IncomingMessage) => Known | Promise<Known>

export type Proofs = {
  /** Those that are good now. */
  readonly tokens: () => Tokens
  /** Asks the broker about a run's own token. */
  readonly ofRun: (token: string) => Promise<Known>
  /** Who the connection's certificate is; null when connections have none. */
  readonly ofCertificate: ((req: IncomingMessage) => Known) | null
}

/** A person who mistypes never meets this; a script that is wrong meets it after twenty tries. */
const GUESSES = { rate: 1, burst: 20, most_keys: 10_000 }

export function identifyBy(
  { tokens, ofRun, ofCertificate }: Proofs,
  guesses: Buckets = makeBuckets(GUESSES),
  clock: () => number = Date.now,
): Identify {
  const byToken = (text: string): Known => {
    const token = findToken(tokens(), text)
    if (token === null) return UNKNOWN_TOKEN
    return token.expires_ms !== null && isExpired(token, clock())
      ? expiredToken(token.expires_ms)
      : identityOf(token, tokens)
  }
  const runs = rememberRuns()
  return (req) => {
    const { authorization } = req.headers
    const certified = ofCertificate?.(req)
    // A certificate that is good no more spoils the connection, whatever token comes over it.
    if (certified && (authorization === undefined || isFailure(certified))) return certified
    const [, text = ''] = /^bearer +([\w.~+/=-]{1,512})$/i.exec(authorization ?? '') ?? []
    const guess = guessOf(text, addressOf(req.socket), tokens(), runs)
    const wait_ms = guesses.wait(guess, clock())
    if (wait_ms > 0) return tooManyFailures(wait_ms)
    const counted = (known: Known): Known => {
      if (isFailure(known) && known.status === 401) guesses.take(guess, clock())
      return known
    }
    if (text === '') return counted(authorization === undefined ? NO_TOKEN : NOT_BEARER)
    if (!isRunToken(text)) return counted(byToken(text))
    return ofRun(text).then((known) => {
      if (!isFailure(known)) runs.remember(text)
      return counted(known)
    })
  }
}

function guessOf(text: string, address: string, tokens: Tokens, runs: Runs): string {
  if (text === '') return `${networkOf(address)} none`
  if (isRunToken(text)) return `${networkOf(address)} ${runs.has(text) ? text : 'run'}`
  const id = text.slice('jobz_'.length, 'jobz_'.length + 16)
  return tokens.has(id) ? `${networkOf(address)} ${id}` : networkOf(address)
}

type Runs = { has(token: string): boolean; remember(token: string): void }
const MOST_RUNS = 10_000

/**
 * Runs' tokens that were good at least once. What a command left behind goes on asking with one when its run is over: that
 * is counted for this token alone, so that it shuts out no other run of its host.
 */
function rememberRuns(): Runs {
  const tokens = new Set<string>()
  return {
    has: (token) => tokens.has(token),
    remember: (token) => {
      tokens.delete(token)
      tokens.add(token)
      const [oldest] = tokens
      if (tokens.size > MOST_RUNS && oldest !== undefined) tokens.delete(oldest)
    },
  }
}

const identityOf = (token: Token, tokens: () => Tokens): Identity => ({
  via: 'token',
  name: token.name,
  role: token.role,
  jobs: token.jobs,
  run: null,
  limit: { key: token.id, rate: token.rate },
  isGood: (now_ms) => {
    const now = tokens().get(token.id)
    if (now === token) return !isExpired(token, now_ms)
    return now !== undefined && isSame(now, token) && !isExpired(now, now_ms)
  },
})

const isSame = (one: Token, other: Token): boolean =>
  one.hash.equals(other.hash) &&
  one.role === other.role &&
  JSON.stringify(one.jobs) === JSON.stringify(other.jobs)
