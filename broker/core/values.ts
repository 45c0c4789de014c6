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

/** Whether two runs were started with the same. */
export function sameValues(a: Values, b: Values): boolean {
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
  )
}
