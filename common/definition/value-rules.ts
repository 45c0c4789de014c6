/** What each type of parameter accepts. Nothing here changes a value, except days, which become text in their format. */
import type { ParamRule } from './card.ts'
import { DEFAULT_DATE_FORMAT, readDay, writeDay } from './dates.ts'
import { compilePattern } from './pattern.ts'
import type { Pattern } from './pattern.ts'

const SAFE = /^[A-Za-z0-9_][A-Za-z0-9_.,:/@%+= -]{0,255}$/
/** `..` between separators: as a path it would lead upwards. */
const UPWARDS = /(?:^|[^A-Za-z0-9_.-])\.\.(?:$|[^A-Za-z0-9_.-])/
const DANGEROUS = /[\p{Cc}'"\\`$;&|<>(){}[\]*?!#~]/gu

export type CheckedValue =
  | { readonly kind: 'good'; readonly text: string }
  | {
      readonly kind: 'bad'
      readonly rule: string
      readonly message: string
      readonly hint: string | null
    }

type Check = (text: string, rule: ParamRule, now_ms: number) => CheckedValue

/** True for what an undeclared value may be, and a value of type `safe`. */
export function isSafe(text: string): boolean {
  return SAFE.test(text) && !UPWARDS.test(text)
}

/** Removes the characters that shells and file names give a meaning to. */
export function sanitize(text: string): string {
  return text.replace(DANGEROUS, '')
}

/** Checks one declared value, not empty: by its type, then by its pattern, then its first character. */
export function checkValue(text: string, rule: ParamRule, now_ms: number): CheckedValue {
  const checked = CHECKS[rule.type](text, rule, now_ms)
  if (checked.kind === 'bad') return checked
  if (rule.pattern !== null && !patternOf(rule.pattern).test(checked.text)) {
    return no('pattern', `does not match the pattern ${rule.pattern}`, 'the whole value must match')
  }
  if (/^[-@+]/.test(checked.text) && rule.type !== 'int' && !rule.allow_dash) {
    const hint = 'commands may take it for an option; the job can say allow_dash: true'
    const first = rule.secret ? '-, @ or +' : checked.text[0]
    return no('allow_dash', `begins with ${first}`, hint)
  }
  return checked
}

const CHECKS: Readonly<Record<ParamRule['type'], Check>> = {
  safe: (text, rule) => {
    // The check of the first character comes later and says it better, so here it counts as a letter.
    if (isSafe(text.replace(/^[-@+]/, '_'))) return good(text)
    const hint = 'letters, digits and _.,:/@%+= - only, at most 256, no .. between them'
    return no(
      'safe',
      'is not a safe value',
      rule.allow_dash ? hint : `${hint}; a letter, digit or _ first`,
    )
  },
  text: (text) => {
    if (text.isWellFormed() && !text.includes('\0')) return good(text)
    return no('text', 'is not valid text', 'UTF-8 without NUL')
  },
  int: (text) =>
    /^-?\d{1,15}$/.test(text) ? good(text) : no('int', 'is not an integer', 'at most 15 digits'),
  date: (text, rule, now_ms) => {
    const format = rule.format ?? DEFAULT_DATE_FORMAT
    const day = readDay(text, { format, zone: rule.zone, now_ms })
    if (day !== null) return good(writeDay(day, format))
    const hint = `such as ${writeDay(Math.floor(now_ms / 86_400_000), format)}, today, yesterday or -3d`
    return no('date', `is not a day in the format ${format}`, hint)
  },
  enum: (text, rule) => {
    const values = rule.values ?? []
    if (values.includes(text)) return good(text)
    const hint = rule.secret ? null : `one of ${values.join(', ')}`
    return no('enum', 'is not one of the values', hint)
  },
  path: (text) => {
    if (!text.startsWith('/')) return no('path', 'is not an absolute path', 'it begins with /')
    if (text.split('/').includes('..'))
      return no('path', 'leads upwards', 'write the path without ..')
    return /\p{Cc}/u.test(text) ? no('path', 'has control characters', null) : good(text)
  },
}

const patterns = new Map<string, Pattern>()

/** Prepared patterns are kept, so that a run costs no reading; forgotten all at once when there are too many. */
function patternOf(source: string): Pattern {
  const kept = patterns.get(source)
  if (kept !== undefined) return kept
  const compiled = compilePattern(source)
  // A pattern from outside that this dialect does not know lets nothing through.
  const pattern = compiled.kind === 'compiled' ? compiled.pattern : { test: () => false }
  if (patterns.size >= 1000) patterns.clear()
  patterns.set(source, pattern)
  return pattern
}

function good(text: string): CheckedValue {
  return { kind: 'good', text }
}

function no(rule: string, message: string, hint: string | null): CheckedValue {
  return { kind: 'bad', rule, message, hint }
}
