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

/** Why `fetch` threw, and the code of it (`ECONNREFUSED` …), in words. */
export function whyNot(error: unknown): { code: string; why: string } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof Error && cause.name === 'TimeoutError')
    return { code: 'ETIMEDOUT', why: 'no answer in time' }
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return { code, why: WHY[code] ?? (cause instanceof Error ? cause.message : String(cause)) }
}
