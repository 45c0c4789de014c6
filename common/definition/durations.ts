/**
 * Durations as people write them (`90s`, `6h`, `1h30m`) and as programs keep them (whole milliseconds).
 *
 * `formatDuration` writes what `parseDuration` reads: nothing is lost on the way through a message and back.
 */

/** Largest first, as they are written. */
const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]

const SECONDS = /^\d{1,12}(?:\.\d{1,3})?$/
const PARTS =
  /^(?:(\d{1,12})d)?(?:(\d{1,12})h)?(?:(\d{1,12})m(?!s))?(?:(\d{1,12})s)?(?:(\d{1,12})ms)?$/

/**
 * Reads a duration: seconds as a number or digits, or parts with units from large to small (`2d`, `1h30m`, `500ms`).
 * Answers whole milliseconds, or null for anything else: negative, not finite, too large to be exact, no unit known.
 */
export function parseDuration(text: string | number): number | null {
  if (typeof text === 'number') return exact(text * 1000)
  const trimmed = text.trim()
  if (SECONDS.test(trimmed)) return exact(Number(trimmed) * 1000)
  const match = PARTS.exec(trimmed)
  if (trimmed === '' || match === null) return null
  let sum_ms = 0
  for (const [place, [, unit_ms]] of UNITS.entries())
    sum_ms += Number(match[place + 1] ?? 0) * unit_ms
  return exact(sum_ms)
}

/** Writes whole milliseconds with the units of `parseDuration`: `6h`, `1m30s`, `500ms`, `0s`. */
export function formatDuration(ms: number): string {
  let rest_ms = Math.max(0, Math.round(ms))
  let text = ''
  for (const [unit, unit_ms] of UNITS) {
    const units = Math.floor(rest_ms / unit_ms)
    if (units > 0) text += `${units}${unit}`
    rest_ms -= units * unit_ms
  }
  return text === '' ? '0s' : text
}

function exact(ms: number): number | null {
  const whole = Math.round(ms)
  return Number.isSafeInteger(whole) && whole >= 0 ? whole : null
}
