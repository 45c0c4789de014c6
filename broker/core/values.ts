/** What runs are started with: their parameters, and what a handler is told beside them. */
import type { Values } from './records.ts'

export type StoredValues = { readonly params: Values; readonly context: Values }

/** Later ones win. The result has no prototype, so that no name can mean anything but itself. */
export function mergeValues(...parts: readonly Values[]): Values {
  const merged: Record<string, string> = Object.create(null) as Record<string, string>
  for (const part of parts) for (const [name, value] of Object.entries(part)) merged[name] = value
  return merged
}

/** Only the names on which all agree. */
export function agreeingValues(all: readonly Values[]): Values {
  const [first, ...others] = all
  const agreed: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [name, value] of Object.entries(first ?? {}))
    if (others.every((other) => Object.hasOwn(other, name) && other[name] === value))
      agreed[name] = value
  return agreed
}

/** What values may take as JSON: a task must fit a frame, with room to spare. */
export const MAX_VALUES_BYTES = 512 * 1024

/** Bytes of these values on the wire; a bound that is cheap to find, or the true number when that passes the limit. */
export function wireBytes(values: Values): number {
  let characters = 2
  for (const [name, value] of Object.entries(values)) characters += name.length + value.length + 6
  // A character takes 6 bytes at the most (`\u0001`).
  return characters * 6 <= MAX_VALUES_BYTES ? characters : utf8Length(JSON.stringify(values))
}

const utf8Length = (text: string): number => new TextEncoder().encode(text).length

/** Whether two runs were started with the same. */
export function sameValues(a: Values, b: Values): boolean {
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
  )
}
