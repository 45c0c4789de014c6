/**
 * Hides a run's secrets in what its command wrote. Each byte of one becomes `*`, so that offsets stay true, and whether a
 * byte is hidden depends on the stream alone, not on how it is cut into chunks.
 */
import { beginningAtEnd, occurrencesOf } from '../../common/definition/occurrences.ts'
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
  return values.length === 0 ? null : lazily(() => makeMask(values))
}

/** Most commands write little or nothing: what is looked for is made when there is something to look at. */
function lazily(make: () => Mask): Mask {
  let made: Mask | null = null
  const mask = (): Mask => (made ??= make())
  return {
    get reach() {
      return mask().reach
    },
    hide: (bytes) => mask().hide(bytes),
    unsure: (bytes) => mask().unsure(bytes),
  }
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

/** A search for all of a long form may take its length for each byte, a search for its beginning may not. */
const GLANCE_BYTES = 64

function rangesOf(bytes: Buffer, form: Buffer): [number, number][] {
  const first = bytes.indexOf(form.subarray(0, GLANCE_BYTES))
  return first === -1 ? [] : occurrencesOf(bytes, form, first)
}
