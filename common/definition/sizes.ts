/** Sizes as people write them (`10 MiB`) and as programs keep them (bytes). */

const UNITS = new Map([
  ['', 1],
  ['B', 1],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
])

/** Reads a size: bytes as a number or digits, or digits with `B`, `KiB`, `MiB` or `GiB`. Null for anything else. */
export function parseSize(text: string | number): number | null {
  const match = /^(\d{1,15}) ?([A-Za-z]*)$/.exec(String(text).trim())
  const unit = UNITS.get(match?.[2] ?? '')
  if (match === null || unit === undefined) return null
  const bytes = Number(match[1]) * unit
  return Number.isSafeInteger(bytes) ? bytes : null
}
