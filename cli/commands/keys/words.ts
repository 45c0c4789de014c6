/** The words that the verbs share, checked as they are typed: names, patterns, and when something ends. */
import { quote } from 'shell-quote'
import { NAME_PATTERN } from '../../../common/definition/card.ts'
import { parseDuration } from '../../../common/definition/durations.ts'
import { JobPattern } from '../../../common/keys/tokens.ts'
import { wrong } from './verb.ts'
import type { Problem } from './verb.ts'

/** Why a name cannot be one; null when it can. */
export function nameProblem(name: string): Problem | null {
  if (NAME_PATTERN.test(name)) return null
  return wrong(
    `${JSON.stringify(name)} is no name`,
    'a name has up to 128 letters, digits, _ . and -, and begins with a letter or digit',
  )
}

/** Why one of these is no pattern of names; null when all are. */
export function patternProblem(flag: string, patterns: readonly string[]): Problem | null {
  const bad = patterns.find((pattern) => !JobPattern.safeParse(pattern).success)
  if (bad === undefined) return null
  return wrong(
    `--${flag}: ${JSON.stringify(bad)} is neither a name nor a pattern`,
    'letters, digits, _ . and -, and * for any characters',
  )
}

const DAY_MS = 86_400_000
/** Past it, a slip is more likely than a wish. */
const MOST_MS = 36_500 * DAY_MS
const DATE = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d))?$/

/** When something ends: after so long (`90d`), or at a time (`2027-01-01`, in UTC). */
export function readEnd(
  text: string,
  now_ms: number,
): { readonly kind: 'end'; readonly end_ms: number } | Problem {
  const after_ms = parseDuration(text)
  const end_ms = after_ms !== null ? now_ms + after_ms : DATE.test(text) ? Date.parse(text) : NaN
  if (Number.isNaN(end_ms)) return wrong(`--expires: ${text} is no time`, '90d, or 2027-01-01')
  if (end_ms <= now_ms) return wrong(`--expires: ${text} is over`, '90d, or a date to come')
  if (end_ms > now_ms + MOST_MS) return wrong(`--expires: ${text} is more than 100 years`)
  return { kind: 'end', end_ms }
}

/** How long until then, as certificates have it. */
export const daysUntil = (end_ms: number, now_ms: number): number => (end_ms - now_ms) / DAY_MS

/** To the second, as people write it. */
export const isoOf = (ms: number): string =>
  `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`

/** `trigger on import_*, publish`, or `trigger on every job`. */
export const onJobs = (role: string, jobs: readonly string[] | undefined): string =>
  `${role} on ${jobs?.length ? jobs.join(', ') : 'every job'}`

/** A word as one types it in a shell. */
export const typed = (word: string): string => quote([word])

/** Longer ones do not fit into a certificate's subject. */
const LONGEST_COMMON_NAME = 64

/** Why a name cannot stand in a certificate; null when it can. */
export function certificateNameProblem(name: string): Problem | null {
  if (name.length <= LONGEST_COMMON_NAME) return nameProblem(name)
  return wrong(`${name} is longer than a certificate's name may be`, '64 characters')
}
