/** An answer that was none, as a value: nobody there, a refusal, or Ctrl-C. */

export type Failure = {
  readonly kind: 'unreachable' | 'refused' | 'interrupted'
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number
  readonly code: string
  readonly message: string
  readonly hint: string | null
  /** The error's JSON as it came; null when there was none. */
  readonly body: unknown
}

/** Statuses that say that jobz itself was not reached, by a proxy or by a frontend without its broker. */
const UNREACHABLE_STATUSES = new Set([502, 504])
const UNREACHABLE_CODE = /unreachable|unavailable|no_broker|broker_away|timeout/

/** What a refusing answer says. `null` when the body is none of jobz's errors. */
export function refusal(status: number, body: unknown): Failure | null {
  if (typeof body !== 'object' || body === null || !('error' in body)) return null
  const { error } = body
  if (typeof error !== 'object' || error === null) return null
  const { code, message, hint } = error as Record<string, unknown>
  if (typeof message !== 'string') return null
  const known = typeof code === 'string' ? code : ''
  const unreachable =
    UNREACHABLE_STATUSES.has(status) || (status === 503 && UNREACHABLE_CODE.test(known))
  return {
    kind: unreachable ? 'unreachable' : 'refused',
    status,
    code: known,
    message,
    hint: typeof hint === 'string' ? hint : null,
    body,
  }
}

export const unreachable = (message: string, hint: string | null, status = 0): Failure => ({
  kind: 'unreachable',
  status,
  code: 'unreachable',
  message,
  hint,
  body: null,
})

export const interrupted: Failure = {
  kind: 'interrupted',
  status: 0,
  code: 'interrupted',
  message: 'interrupted',
  hint: null,
  body: null,
}

const WHY: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up',
  EHOSTUNREACH: 'there is no way to the host',
  ETIMEDOUT: 'no answer in time',
}

const OWN_AUTHORITY = 'name the authority that issued it: --ca FILE, or JOBZ_CA'
const OWN_CERTIFICATE =
  'a client certificate is needed that the frontend knows, in date and not revoked: JOBZ_CERT and JOBZ_CERT_KEY'

/** A certificate of ours that was not taken is told by an alert. */
const alertIn = (code: string): string | undefined =>
  /^ERR_SSL_.*ALERT/.test(code) ? 'it did not accept our certificate' : undefined

/** What goes wrong with certificates: in words, and what to do. */
const TLS: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['its certificate is of no known authority', OWN_AUTHORITY],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['its certificate is of no known authority', OWN_AUTHORITY],
  SELF_SIGNED_CERT_IN_CHAIN: ['its certificate is of no known authority', OWN_AUTHORITY],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is of no known authority', OWN_AUTHORITY],
  CERT_SIGNATURE_FAILURE: ['its certificate is of another authority', OWN_AUTHORITY],
  CERT_HAS_EXPIRED: ['its certificate has expired', '`jobz keys issue frontend` makes a new one'],
  CERT_NOT_YET_VALID: ['its certificate is not yet valid', 'is the clock of this host right?'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'its certificate is for other names',
    'use a name that is in it, or add this one: jobz keys issue frontend NAME --hosts …',
  ],
  ERR_SSL_WRONG_VERSION_NUMBER: ['no HTTPS is spoken there', 'is it http://…?'],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: ['no HTTPS is spoken there', 'is it http://…?'],
}

/** What to do about an error of this code; null when nothing particular. */
export function hintFor(code: string, isSecure: boolean): string | null {
  const known = TLS[code]
  if (known) return known[1]
  // A frontend that will not have a certificate ends the connection, before or after the handshake.
  if (isSecure && (code === 'ECONNRESET' || /^ERR_SSL_.*ALERT/.test(code))) return OWN_CERTIFICATE
  return code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' ? 'is it https://…?' : null
}

/** Why `fetch` threw, and the code of it (`ECONNREFUSED` …), in words. */
export function whyNot(error: unknown): { code: string; why: string } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof Error && cause.name === 'TimeoutError')
    return { code: 'ETIMEDOUT', why: 'no answer in time' }
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return {
    code,
    why:
      WHY[code] ??
      TLS[code]?.[0] ??
      alertIn(code) ??
      (cause instanceof Error ? cause.message : String(cause)),
  }
}
