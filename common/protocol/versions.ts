/**
 * Whether two peers understand each other. One version apart they do, because what is unknown is left alone; further apart
 * they might misunderstand each other, so the one that notices says so, and which of the two is to be updated.
 */
import { PROTOCOL_VERSION } from './limits.ts'

/** Before it was said, it was 1. */
const UNSAID = 1

/** Whether a peer of that protocol is understood. */
export const isNear = (protocol: number | undefined): boolean =>
  Math.abs((protocol ?? UNSAID) - PROTOCOL_VERSION) <= 1

/**
 * Why they do not understand each other, in words for whoever runs them; null when they do.
 * @param protocol What the other one speaks.
 */
export function disagreement(
  protocol: number | undefined,
  other: string,
  here: string,
): string | null {
  if (isNear(protocol)) return null
  const theirs = protocol ?? UNSAID
  const older = theirs < PROTOCOL_VERSION ? other : here
  return (
    `${other} speaks protocol ${theirs}, and ${here} ${PROTOCOL_VERSION}: more than one apart they do not understand ` +
    `each other; update ${older}`
  )
}

/** What a message that could not be read says of its sender's protocol. */
export function protocolOf(message: unknown): number | undefined {
  const { protocol } = Object(message) as { protocol?: unknown }
  return Number.isSafeInteger(protocol) ? (protocol as number) : undefined
}
