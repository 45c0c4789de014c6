/**
 * Days as parameters: read from text in a job's own format, and written in it.
 *
 * A day is kept as the number of days since 1970-01-01, so that "three days back" is a subtraction and no clock or
 * time zone can bend it. Only "today" needs a zone.
 */

export const DEFAULT_DATE_FORMAT = '%Y-%m-%d'

const DAY_MS = 86_400_000

/** What each letter of a format reads and writes; `width` digits. */
const FIELDS = new Map<string, { width: number; write: (date: Date) => number }>([
  ['Y', { width: 4, write: (date) => date.getUTCFullYear() }],
  ['y', { width: 2, write: (date) => date.getUTCFullYear() % 100 }],
  ['m', { width: 2, write: (date) => date.getUTCMonth() + 1 }],
  ['d', { width: 2, write: (date) => date.getUTCDate() }],
  ['j', { width: 3, write: dayOfYear }],
])

/** Says what is wrong with a format, or null: it must name exactly one day, and be made of harmless characters. */
export function formatProblem(format: string): string | null {
  const letters = lettersOf(format)
  const unknown = letters.find((letter) => letter !== '%' && !FIELDS.has(letter))
  if (unknown !== undefined) return `%${unknown} is not understood in a date format`
  if (!/^[A-Za-z0-9_.,:/@%+= -]*$/.test(format))
    return 'a date format has letters, digits, and _.,:/@+= - only'
  const has = (letter: string) => letters.includes(letter)
  const year = has('Y') || has('y')
  const day = (has('m') && has('d')) || has('j')
  return year && day ? null : 'a date format needs a year (%Y or %y) and a day (%m and %d, or %j)'
}

/** True for the name of a time zone that this machine knows, such as `Europe/Berlin`. */
export function isZone(zone: string): boolean {
  return formatterOf(zone) !== null
}

/** Reads `today`, `yesterday`, `-3d` (in `zone`, or where this process lives) or a day in `format`. Null if it is none. */
export function readDay(
  text: string,
  how: { readonly format: string; readonly zone: string | null; readonly now_ms: number },
): number | null {
  if (text === 'today') return today(how.zone, how.now_ms)
  if (text === 'yesterday') return today(how.zone, how.now_ms) - 1
  const back = /^-(\d{1,5})d$/.exec(text)
  if (back !== null) return today(how.zone, how.now_ms) - Number(back[1])
  return parseDay(text, how.format)
}

/** Writes a day in `format`. */
export function writeDay(day: number, format: string): string {
  const date = new Date(day * DAY_MS)
  return expand(format).replace(/%(.)/gs, (_, letter: string) => {
    const field = FIELDS.get(letter)
    return field === undefined ? letter : String(field.write(date)).padStart(field.width, '0')
  })
}

type Reader = { readonly pattern: RegExp; readonly letters: readonly string[] }

/** Readers are kept, since a run asks for one; forgotten all at once when there are too many formats. */
const readers = new Map<string, Reader>()

function readerOf(format: string): Reader {
  const kept = readers.get(format)
  if (kept !== undefined) return kept
  const letters: string[] = []
  const source = expand(format).replace(/%(.)|([^%])/gs, (_, letter?: string, other?: string) => {
    const field = FIELDS.get(letter ?? '')
    if (letter === undefined || field === undefined) return escape(letter ?? other ?? '')
    letters.push(letter)
    return `(\\d{${field.width}})`
  })
  const reader = { pattern: new RegExp(`^${source}$`), letters }
  if (readers.size >= 1000) readers.clear()
  readers.set(format, reader)
  return reader
}

function parseDay(text: string, format: string): number | null {
  const { pattern, letters } = readerOf(format)
  const match = pattern.exec(text)
  if (match === null) return null
  const read = new Map(letters.map((letter, place) => [letter, Number(match[place + 1])]))
  const day = dayOf(read)
  // Writing it back refuses the 31st of February, and a field that was given twice with two values.
  return day !== null && writeDay(day, format) === text ? day : null
}

function dayOf(read: ReadonlyMap<string, number>): number | null {
  const short = read.get('y')
  const year =
    read.get('Y') ?? (short === undefined ? undefined : short + (short < 69 ? 2000 : 1900))
  if (year === undefined) return null
  const ordinal = read.get('j')
  const date = new Date(0)
  if (ordinal === undefined) date.setUTCFullYear(year, (read.get('m') ?? 0) - 1, read.get('d') ?? 0)
  else date.setUTCFullYear(year, 0, ordinal)
  return Math.round(date.getTime() / DAY_MS)
}

const formatters = new Map<string, Intl.DateTimeFormat | null>()

/** Today's day number in a zone; a zone that is not known counts as this process's own. */
function today(zone: string | null, now_ms: number): number {
  const formatter = formatterOf(zone ?? '') ?? formatterOf('')
  const parts = new Map(
    formatter?.formatToParts(now_ms).map((part) => [part.type, Number(part.value)]),
  )
  return (
    Date.UTC(parts.get('year') ?? 1970, (parts.get('month') ?? 1) - 1, parts.get('day') ?? 1) /
    DAY_MS
  )
}

/** Making a formatter is slow, so each zone's is kept; the number of zones bounds them, bad names are not kept. */
function formatterOf(zone: string): Intl.DateTimeFormat | null {
  const kept = formatters.get(zone)
  if (kept !== undefined) return kept
  try {
    const formatter = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      ...(zone === '' ? {} : { timeZone: zone }),
    })
    formatters.set(zone, formatter)
    return formatter
  } catch {
    return null
  }
}

function lettersOf(format: string): string[] {
  return [...expand(format).matchAll(/%(.?)/gs)].map((match) => match[1] ?? '')
}

function expand(format: string): string {
  return format.replace(/%([%F])/g, (whole, letter) =>
    letter === 'F' ? DEFAULT_DATE_FORMAT : whole,
  )
}

function dayOfYear(date: Date): number {
  // Date.UTC would take the years before 100 for those of the twentieth century.
  const start = new Date(0).setUTCFullYear(date.getUTCFullYear(), 0, 1)
  return Math.round((date.getTime() - start) / DAY_MS) + 1
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
}
