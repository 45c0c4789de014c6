/** What a request is refused with: one shape for the broker's refusals and for our own. */
import type { Failure } from '../common/protocol/client-door.ts'

/** @param status The HTTP status, 400 to 599. @param code Stable, for scripts. @param hint What to do about it. */
export const failure = (
  status: number,
  code: string,
  message: string,
  hint: string | null = null,
  retry_after_s: number | null = null,
): Failure => ({ status, code, message, hint, retry_after_s })

export const badRequest = (message: string, hint: string | null = null): Failure =>
  failure(400, 'bad_request', message, hint)

/** The JSON of every error that leaves this process. */
export const errorBody = ({ code, message, hint }: Failure): { error: object } => ({
  error: { code, message, hint },
})

/** A name from outside as it may stand in a message: quoted, and never long. */
export const quoted = (name: string): string =>
  JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name)

export const isFailure = (value: object): value is Failure => 'status' in value && 'code' in value
