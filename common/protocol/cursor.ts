/**
 * Cursors: places in the feed, and in lists, as clients carry them. They are opaque to clients; inside they name the
 * partition whose numbers they count in, so that several brokers can be told apart one day.
 */
const PARTITION = 0
const CURSOR_PATTERN = /^0-(0|[1-9]\d{0,15})$/

/** The cursor of a number, which is an integer from 0 to 2^53 - 1. */
export const cursorOf = (n: number): string => `${PARTITION}-${n}`

/** The number of a cursor; null when it is not one that `cursorOf` made. */
export function numberOf(cursor: string): number | null {
  const digits = CURSOR_PATTERN.exec(cursor)?.[1]
  if (digits === undefined) return null
  const n = Number(digits)
  return Number.isSafeInteger(n) ? n : null
}
