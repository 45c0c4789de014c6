/**
 * What is secret of a run, and how it is kept out of texts.
 *
 * A name is secret when any job that is known declares it so, in every run: values travel from step to step, also to jobs
 * that do not declare them. A secret's value is hidden wherever it stands in a text, if it is long enough to be told from
 * chance (docs/decisions/0008-secrets-are-masked-by-name-and-value.md).
 */
import type { Card } from './card.ts'
import { occurrencesOf } from './occurrences.ts'

/** What stands in the place of a value. */
export const HIDDEN = '***'

/** Of fewer bytes than this a value is hidden under its own name only: in other texts it would stand by chance. */
const LEAST_BYTES = 4

type Values = Readonly<Record<string, string>>

/** The names that these jobs declare secret. */
export function secretNamesOf(cards: Iterable<Pick<Card, 'params'>>): Set<string> {
  const names = new Set<string>()
  for (const { params } of cards)
    for (const [name, rule] of Object.entries(params)) if (rule.secret) names.add(name)
  return names
}

export const secretNamesIn = (jobs: Iterable<{ readonly card: Card }>): Set<string> =>
  secretNamesOf([...jobs].map(({ card }) => card))

/** The values that are to be hidden wherever they stand. */
export function secretValuesOf(names: ReadonlySet<string>, ...all: readonly Values[]): string[] {
  if (names.size === 0) return []
  const values = all.flatMap((given) =>
    Object.entries(given).flatMap(([name, value]) => (names.has(name) ? [value] : [])),
  )
  return [...new Set(values)].filter(isLongEnough)
}

/** A character takes at least one byte, and 2 UTF-16 units at least three. */
const isLongEnough = (value: string): boolean =>
  value.length >= LEAST_BYTES || new TextEncoder().encode(value).length >= LEAST_BYTES

/** The text with each of these values hidden, as they are and as they stand in JSON. */
export function hideIn(text: string, secrets: readonly string[]): string {
  if (secrets.length === 0) return text
  const forms = secrets.flatMap((value) => [value, JSON.stringify(value).slice(1, -1)])
  const ranges = rangesOf(text, [...new Set(forms)])
  let shown = ''
  let from = 0
  for (const [start, end] of ranges) {
    shown += text.slice(from, start) + HIDDEN
    from = end
  }
  return shown + text.slice(from)
}

/** The values with those of secret names hidden, and in the others what is secret. */
export function hideValues(
  values: Values,
  names: ReadonlySet<string>,
  secrets: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      names.has(name) ? HIDDEN : hideIn(value, secrets),
    ]),
  )
}

/** The values without those that are secret, or that hold something secret. */
export function withoutSecrets(
  values: Values,
  names: ReadonlySet<string>,
  secrets: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter(
      ([name, value]) => !names.has(name) && hideIn(value, secrets) === value,
    ),
  )
}

/** Where the forms stand in the text, in order; what overlaps or touches is one range. */
function rangesOf(text: string, forms: readonly string[]): [number, number][] {
  const found = forms.flatMap((form) => placesOf(text, form))
  found.sort(([a], [b]) => a - b)
  const ranges: [number, number][] = []
  for (const [start, end] of found) {
    const last = ranges.at(-1)
    if (last && start <= last[1]) last[1] = Math.max(last[1], end)
    else ranges.push([start, end])
  }
  return ranges
}

/** A search for all of a long form may take its length for each character, a search for its beginning may not. */
const GLANCE_LENGTH = 64

function placesOf(text: string, form: string): [number, number][] {
  const first = text.indexOf(form.slice(0, GLANCE_LENGTH))
  return first === -1 ? [] : occurrencesOf(unitsOf(text), unitsOf(form), first)
}

function unitsOf(text: string): Uint16Array {
  const units = new Uint16Array(text.length)
  for (let at = 0; at < text.length; at += 1) units[at] = text.charCodeAt(at)
  return units
}
