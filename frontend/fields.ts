/**
 * The fields of a request: its query string, and a flat body beside it, as one table of names.
 *
 * The raw text is read strictly. A key that comes twice or that is nested would mean one thing to one reader and
 * another to the next, so it is refused by name and never becomes an array or an object.
 */
import type { Failure } from '../common/protocol/client-door.ts'
import { badRequest, failure, isFailure, quoted } from './failure.ts'

/** Only bodies of JSON have numbers and booleans. */
export type FieldValue = string | number | boolean
export type Fields = ReadonlyMap<string, FieldValue>

/** More than any request has use for: 64 parameters and every reserved name. */
const MAX_FIELDS = 100

/** Reads the query string as it stands in the request line, without its `?`. */
export const readQuery = (raw: string): Fields | Failure => readPairs(raw, 'query string')

/**
 * Reads a flat body by its content type.
 * @param type The Content-Type header as it came.
 */
export function readBody(type: string | undefined, body: Uint8Array): Fields | Failure {
  if (body.byteLength === 0) return new Map()
  const media = mediaType(type)
  if (media !== 'application/x-www-form-urlencoded' && media !== 'application/json')
    return unsupported(type)
  const text = decode(body)
  if (text === null) return badRequest('the body is not UTF-8')
  return media === 'application/json' ? readObject(text) : readPairs(text, 'body')
}

export function readJson(type: string | undefined, body: Uint8Array): { json: unknown } | Failure {
  if (mediaType(type) !== 'application/json') return unsupported(type)
  const text = decode(body)
  if (text === null) return badRequest('the body is not UTF-8')
  try {
    return { json: JSON.parse(text) as unknown }
  } catch (error) {
    return failure(400, 'bad_json', `the body is not JSON${placeIn(error)}`)
  }
}

/** Where it went wrong. What stands there is not repeated: it may be a secret. */
function placeIn(error: unknown): string {
  const place = / at position \d+/.exec(error instanceof Error ? error.message : '')?.[0]
  return place === undefined ? '' : `: it goes wrong${place}`
}

/** One table out of two; a name in both is as ambiguous as a name that comes twice in one. */
export function mergeFields(query: Fields, body: Fields): Fields | Failure {
  const twice = [...body.keys()].find((name) => query.has(name))
  if (twice !== undefined) return repeated(twice, 'query string and again in the body')
  return new Map([...query, ...body])
}

/** A value that can be a parameter, or null. Numbers that JSON cannot write back are none. */
export function plainValue(value: unknown): FieldValue | null {
  if (typeof value === 'string') return value.isWellFormed() ? value : null
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  return typeof value === 'boolean' ? value : null
}

function readPairs(raw: string, where: string): Fields | Failure {
  const fields = new Map<string, FieldValue>()
  for (const pair of raw.split('&')) {
    if (pair === '') continue
    const cut = pair.indexOf('=')
    const name = unescape(cut < 0 ? pair : pair.slice(0, cut))
    const value = cut < 0 ? '' : unescape(pair.slice(cut + 1))
    // The name alone: the value may be a secret.
    if (name === null || value === null)
      return badEncoding(name ?? pair.split('=', 1).join(), where)
    if (name === '') return badRequest(`a field without a name in the ${where}`)
    if (/[[\]]/.test(name)) return nested(name)
    if (fields.has(name)) return repeated(name, where)
    fields.set(name, value)
    if (fields.size > MAX_FIELDS) return tooMany(where)
  }
  return fields
}

function readObject(text: string): Fields | Failure {
  const read = readJson('application/json', Buffer.from(text))
  if (isFailure(read)) return read
  const { json } = read
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return badRequest('the body must be one flat JSON object, name to value')
  const fields = new Map<string, FieldValue>()
  for (const [name, given] of Object.entries(json)) {
    const value = plainValue(given)
    if (value === null) return nested(name)
    fields.set(name, value)
    if (fields.size > MAX_FIELDS) return tooMany('body')
  }
  return fields
}

/** Null when the percent-encoding is broken, or does not give UTF-8. */
function unescape(text: string): string | null {
  try {
    const plain = decodeURIComponent(text.replaceAll('+', ' '))
    return plain.isWellFormed() ? plain : null
  } catch {
    return null
  }
}

function decode(body: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return null
  }
}

const mediaType = (type: string | undefined): string =>
  (type ?? '').split(';')[0]?.trim().toLowerCase() ?? ''

const badEncoding = (name: string, where: string): Failure =>
  badRequest(
    `${quoted(name)} in the ${where} is not percent-encoded UTF-8`,
    'let curl encode it: curl -G --data-urlencode "name=value" …; a bare % is written %25',
  )
const nested = (name: string): Failure =>
  badRequest(
    `${quoted(name)} must be one plain value`,
    'lists and objects are not parameters: give each value a name of its own',
  )
const repeated = (name: string, where: string): Failure =>
  badRequest(`${quoted(name)} comes twice in the ${where}`, 'give each name once')
const tooMany = (where: string): Failure =>
  badRequest(`more than ${MAX_FIELDS} fields in the ${where}`, 'a run takes 64 parameters')
const unsupported = (type: string | undefined): Failure =>
  failure(
    415,
    'unsupported_type',
    type ? `content type ${quoted(type)} is not understood` : 'a body needs a Content-Type',
    'send application/json or application/x-www-form-urlencoded',
  )
