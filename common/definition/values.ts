/**
 * The values of a run's parameters: checked by the job's rules before anything is recorded, and again by the worker.
 *
 * A declared parameter is checked as it comes. An undeclared one that comes with a trigger is made harmless first, since
 * nobody said what it may hold. Values that are carried from step to step are never changed.
 */
import type { Card, ParamRule } from './card.ts'
import { PARAM_NAME_PATTERN } from './card.ts'
import { nearestName } from './nearest.ts'
import { BUILT_IN_NAMES, RESERVED_NAMES } from './reserved.ts'
import { hideIn, secretNamesOf, secretValuesOf } from './secrets.ts'
import { checkValue, isSafe, sanitize } from './value-rules.ts'

/** At most so many parameters a run, of so many bytes (UTF-8) each. */
export const MOST_PARAMS = 64
const MOST_VALUE_BYTES = 4096

type Rules = Pick<Card, 'params' | 'params_only'>
type Bad = {
  readonly kind: 'bad'
  /** The parameter. */
  readonly name: string
  /** The rule it broke, as one word: `int`, `required`, `pattern`, `undeclared` … */
  readonly rule: string
  readonly message: string
  readonly hint: string | null
}

export type Checked =
  | {
      readonly kind: 'checked'
      readonly params: Record<string, string>
      /** Names that came and that the job does not declare. */
      readonly undeclared: string[]
      /** Those of them that lost dangerous characters. */
      readonly sanitized: string[]
    }
  | Bad

/** `trigger`: from outside. `carried`: from an earlier step, or from a broker that has checked them already. */
export type Source = 'trigger' | 'carried'

export type How = {
  readonly now_ms: number
  readonly source: Source
  /** Names that other jobs declare secret: no message shows their values either. */
  readonly secret_names?: ReadonlySet<string>
}

/** Checks what was given for one run; the first thing wrong is the answer. Defaults are filled in, empty is absent. */
export function checkParams(
  rules: Rules,
  given: Readonly<Record<string, unknown>>,
  how: How,
): Checked {
  const show: Show = (name, text) => showValue(name, text, { rules, given, how })
  const params = new Map<string, string>()
  const undeclared: string[] = []
  const sanitized: string[] = []
  for (const name of Object.keys(given)) {
    const text = textOf(name, given[name])
    if (typeof text === 'object') return text
    const rule = ruleOf(rules, name)
    const one =
      rule === null
        ? checkUndeclared(rules, name, text, how.source, show)
        : checkDeclared(name, text, rule, how.now_ms, show)
    if (one.kind === 'bad') return one
    if (rule === null && one.kind !== 'absent') undeclared.push(name)
    if (one.kind === 'value') params.set(name, one.text)
    if (one.kind === 'value' && rule === null && one.text !== text) sanitized.push(name)
  }
  for (const [name, rule] of Object.entries(rules.params)) {
    if (params.has(name)) continue
    const one = fillDefault(name, rule, how.now_ms, show)
    if (one.kind === 'bad') return one
    if (one.kind === 'value') params.set(name, one.text)
  }
  const beyond = [...params.keys()][MOST_PARAMS]
  if (beyond !== undefined)
    return bad(beyond, 'count', `more than ${MOST_PARAMS} parameters`, 'pass a file instead')
  return { kind: 'checked', params: Object.fromEntries(params), undeclared, sanitized }
}

type One =
  | { readonly kind: 'value'; readonly text: string }
  | { readonly kind: 'absent' }
  /** Not declared and not wanted: it is left out, and only named. */
  | { readonly kind: 'dropped' }
  | Bad

/** A value as a message may show it. */
type Show = (name: string, text: string) => string

function showValue(
  name: string,
  text: string,
  { rules, given, how }: { rules: Rules; given: Readonly<Record<string, unknown>>; how: How },
): string {
  const names = new Set([...secretNamesOf([rules]), ...(how.secret_names ?? [])])
  if (names.has(name)) return 'the value (secret, not shown)'
  const texts = Object.entries(given).map(([key, value]) => [key, singleText(value) ?? ''] as const)
  // The same value may stand in another parameter, as it came or made harmless.
  const clean = texts.map(([key, value]) => [key, sanitize(value)] as const)
  const secrets = secretValuesOf(names, Object.fromEntries(texts), Object.fromEntries(clean))
  return JSON.stringify(shorten(hideIn(text, secrets)))
}

function checkDeclared(
  name: string,
  text: string,
  rule: ParamRule,
  now_ms: number,
  show: Show,
): One {
  if (text === '') return { kind: 'absent' }
  const checked = checkValue(text, rule, now_ms)
  if (checked.kind === 'good') return { kind: 'value', text: checked.text }
  const message = `parameter ${name}: ${show(name, text)} ${checked.message}`
  return bad(name, checked.rule, message, checked.hint)
}

function fillDefault(name: string, rule: ParamRule, now_ms: number, show: Show): One {
  if (rule.default !== null && rule.default !== '')
    return checkDeclared(name, rule.default, rule, now_ms, show)
  if (!rule.required) return { kind: 'absent' }
  const hint = rule.description === null ? `add ${name}=…` : `add ${name}=…: ${rule.description}`
  return bad(name, 'required', `parameter ${name} is required`, hint)
}

function checkUndeclared(
  rules: Rules,
  name: string,
  text: string,
  source: Source,
  show: Show,
): One {
  if (source === 'carried') return rules.params_only ? { kind: 'dropped' } : { kind: 'value', text }
  if (text === '') return { kind: 'absent' }
  const near = nearestName(name, [...Object.keys(rules.params), ...RESERVED_NAMES])
  if (near !== null) {
    const hint = `did you mean ${near}? Otherwise declare ${name} under params`
    return bad(
      name,
      'undeclared',
      `parameter ${name} is not declared, and its name is near ${near}`,
      hint,
    )
  }
  if (rules.params_only) {
    const known = Object.keys(rules.params).join(', ')
    const hint = known === '' ? 'this job takes no parameters' : `this job takes ${known}`
    return bad(name, 'params_only', `parameter ${name} is not declared`, hint)
  }
  const clean = sanitize(text)
  if (isSafe(clean)) return { kind: 'value', text: clean }
  const message = `parameter ${name}: ${show(name, clean)} is not a safe value`
  return bad(name, 'safe', message, `declare ${name} under params to say what it may hold`)
}

/** The text of a given value; arrays, objects and texts that no parameter can hold are bad. */
function textOf(name: string, value: unknown): string | Bad {
  if (!PARAM_NAME_PATTERN.test(name)) {
    const hint =
      'names are a letter or _, then up to 63 letters, digits or _, and do not begin with __'
    return bad(
      shorten(name),
      'name',
      `${JSON.stringify(shorten(name))} is no name for a parameter`,
      hint,
    )
  }
  if (RESERVED_NAMES.has(name) || BUILT_IN_NAMES.has(name)) {
    const kind = RESERVED_NAMES.has(name) ? 'reserved for triggers' : 'built in'
    return bad(
      name,
      'reserved',
      `${name} is ${kind}, so no parameter may have this name`,
      'choose another name',
    )
  }
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) {
    return bad(
      name,
      'single',
      `parameter ${name} is given more than once`,
      'give one value, or start one run for each',
    )
  }
  const text = singleText(value)
  if (text !== null) return sizeProblem(name, text) ?? text
  const hint = 'give text, a number, true or false'
  return bad(name, 'text', `parameter ${name} is not a single value`, hint)
}

function singleText(value: unknown): string | null {
  if (typeof value === 'string') return value
  const isSingle =
    typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
  return isSingle ? value.toString() : null
}

function sizeProblem(name: string, text: string): Bad | null {
  // One UTF-16 unit makes at most three bytes, so short texts need no counting.
  if (text.length * 3 > MOST_VALUE_BYTES && utf8Length(text) > MOST_VALUE_BYTES) {
    const hint = 'pass the name of a file instead'
    return bad(name, 'size', `parameter ${name} has more than ${MOST_VALUE_BYTES} bytes`, hint)
  }
  if (!text.isWellFormed())
    return bad(name, 'unicode', `parameter ${name} is not valid Unicode`, 'send UTF-8')
  if (text.includes('\0'))
    return bad(name, 'nul', `parameter ${name} has a NUL character`, 'no command can be given one')
  return null
}

function utf8Length(text: string): number {
  let bytes = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes
}

function ruleOf(rules: Rules, name: string): ParamRule | null {
  return Object.hasOwn(rules.params, name) ? (rules.params[name] ?? null) : null
}

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`
}

function bad(name: string, rule: string, message: string, hint: string | null): Bad {
  return { kind: 'bad', name, rule, message, hint }
}
