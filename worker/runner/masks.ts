/**
 * Hides a run's secrets in what its command wrote. Each byte of one becomes `*`, so that offsets stay true, and whether a
 * byte is hidden depends on the stream alone, not on how it is cut into chunks.
 */
import { secretValuesOf } from '../../common/definition/secrets.ts'
import type { AttemptTask } from '../core/state.ts'

export type Mask = {
  /** Bytes further away than this say nothing about a byte. */
  readonly reach: number
  /** Hides in place every occurrence that is whole. */
  hide(bytes: Buffer): void
  /** How many of the last bytes may be the beginning of one. */
  unsure(bytes: Buffer): number
}

/**
 * Null when nothing of the task is secret. Its token is: whoever may read the output must not be able to start something in
 * its name.
 */
export function maskOf({ secret = [], params, token }: AttemptTask): Mask | null {
  const values = [
    ...secretValuesOf(new Set(secret), params),
    ...(token === undefined ? [] : [token]),
  ]
  return values.length === 0 ? null : makeMask(values)
}

export function makeMask(values: readonly string[]): Mask {
  const forms = [...new Set(values.flatMap(formsOf))].map((form) => Buffer.from(form))
  return {
    reach: Math.max(...forms.map((form) => form.length)),
    hide: (bytes) => {
      const ranges = forms.flatMap((form) => rangesOf(bytes, form))
      for (const [start, end] of ranges) bytes.fill('*', start, end)
    },
    unsure: (bytes) => Math.max(...forms.map((form) => beginningAtEnd(bytes, form))),
  }
}

/** Where parts of it could stand by chance, an encoding is not looked for. */
const LEAST_BASE64_BYTES = 8

/** The value as it is, in JSON, in a URL, in a form, and in base64 with whatever stands beside it. */
function formsOf(value: string): string[] {
  const bytes = Buffer.from(value)
  const percent = encodeURIComponent(bytes.toString())
  const text = [value, JSON.stringify(value).slice(1, -1), percent, percent.replaceAll('%20', '+')]
  return bytes.length < LEAST_BASE64_BYTES ? text : [...text, ...base64FormsOf(bytes)]
}

/**
 * Base64 writes three bytes as four characters, so a value looks different after one byte or two. What shares a character
 * with its neighbours is no part of the form.
 */
function base64FormsOf(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes])
    const from = Math.ceil((before * 8) / 6)
    const to = Math.floor((padded.length * 8) / 6)
    return [padded.toString('base64').slice(from, to), padded.toString('base64url').slice(from, to)]
  })
}

/** All places where the form stands, also those that overlap, in time that grows with the bytes alone. */
function rangesOf(bytes: Buffer, form: Buffer): [number, number][] {
  const first = bytes.indexOf(form)
  if (first === -1) return []
  const borders = bordersOf(form)
  const ranges: [number, number][] = []
  let matched = 0
  for (let at = first; at < bytes.length; at += 1) {
    matched = step(form, borders, matched, bytes[at])
    if (matched < form.length) continue
    const start = at + 1 - form.length
    const last = ranges.at(-1)
    if (last && start <= last[1]) last[1] = at + 1
    else ranges.push([start, at + 1])
  }
  return ranges
}

/** The length of the longest beginning of the form, short of the whole, with which these bytes end. */
function beginningAtEnd(bytes: Buffer, form: Buffer): number {
  const borders = bordersOf(form)
  let matched = 0
  for (const byte of bytes.subarray(Math.max(0, bytes.length - form.length + 1)))
    matched = step(form, borders, matched, byte)
  return matched
}

/** For each length, how long a shorter beginning of the form it also ends with (Knuth, Morris and Pratt). */
function bordersOf(form: Buffer): Int32Array {
  const borders = new Int32Array(form.length + 1)
  let matched = 0
  for (let at = 1; at < form.length; at += 1) {
    matched = step(form, borders, matched, form[at])
    borders[at + 1] = matched
  }
  return borders
}

/** How much of the form's beginning is matched after one more byte. */
function step(
  form: Buffer,
  borders: Int32Array,
  matched: number,
  byte: number | undefined,
): number {
  let length = matched === form.length ? (borders[matched] ?? 0) : matched
  while (length > 0 && form[length] !== byte) length = borders[length] ?? 0
  return form[length] === byte ? length + 1 : 0
}
