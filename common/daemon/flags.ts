/** The words of a command line, by a table of flags: `--name value`, `--name=value`, `--no-name`, `-n`, and `--`. */
import { nearestName } from '../definition/nearest.ts'

/**
 * `text` and `count` (a whole number) take a value; `list` takes values separated by commas and may be repeated;
 * `switch` takes none; `optional` takes one only after `=` (`--wait` or `--wait=30s`, where `--wait` alone is '').
 */
export type Flag = {
  /** Without the dashes in front; words separated by dashes. */
  readonly flag: string
  readonly kind: 'text' | 'count' | 'switch' | 'list' | 'optional'
  /** One letter that means the same after one dash. */
  readonly short?: string
  readonly help: string
}

export type FlagValue = string | number | boolean | string[]

export type Flags =
  | {
      readonly kind: 'flags'
      /** By the flag's name, only those that were given. */
      readonly values: ReadonlyMap<string, FlagValue>
      readonly positionals: readonly string[]
    }
  | Usage

/** What was typed cannot be meant. Shown with the exit code 2. */
export type Usage = {
  readonly kind: 'usage'
  readonly message: string
  readonly hint: string | null
}

export const usage = (message: string, hint: string | null = null): Usage => ({
  kind: 'usage',
  message,
  hint,
})

/** Reads the words after a command's name. What is no flag is a positional; all after `--` is. */
export function readFlags(table: readonly Flag[], argv: readonly string[]): Flags {
  const values = new Map<string, FlagValue>()
  const positionals: string[] = []
  const rest = [...argv]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      positionals.push(...rest)
      break
    }
    if (!word.startsWith('-') || word === '-') {
      positionals.push(word)
      continue
    }
    const problem = takeFlag(table, word, rest, values)
    if (problem) return problem
  }
  return { kind: 'flags', values, positionals }
}

/** Reads one flag into `values`, with its value from `rest` where it takes one. */
function takeFlag(
  table: readonly Flag[],
  word: string,
  rest: string[],
  values: Map<string, FlagValue>,
): Usage | null {
  const [, name = '', inline] = /^([^=]*)(?:=([\s\S]*))?$/.exec(word) ?? []
  const negated = name.startsWith('--no-') ? `--${name.slice(5)}` : null
  const flag = table.find((flag) => `--${flag.flag}` === name || `-${flag.short}` === name)
  const off = table.find((flag) => flag.kind === 'switch' && `--${flag.flag}` === negated)
  if (!flag && off) {
    if (inline !== undefined) return usage(`${name} takes no value`)
    values.set(off.flag, false)
    return null
  }
  if (!flag) return unknownFlag(table, name)
  if (flag.kind === 'optional') {
    values.set(flag.flag, inline ?? '')
    return null
  }
  if (flag.kind === 'switch' && inline === undefined) {
    values.set(flag.flag, true)
    return null
  }
  const text = inline ?? rest.shift()
  if (text === undefined) return usage(`${name} needs a value`, flag.help)
  const value = readValue(flag.kind, text)
  if (typeof value === 'object' && 'kind' in value)
    return usage(`${name}: ${value.message}`, value.hint)
  values.set(flag.flag, Array.isArray(value) ? [...listOf(values.get(flag.flag)), ...value] : value)
  return null
}

const listOf = (value: FlagValue | undefined): string[] => (Array.isArray(value) ? value : [])

function unknownFlag(table: readonly Flag[], name: string): Usage {
  const near = nearestName(
    name.replace(/^-+/, ''),
    table.map((flag) => flag.flag),
  )
  return usage(
    `unknown flag ${name}`,
    near ? `did you mean --${near}?` : 'see --help; after -- nothing is taken for a flag',
  )
}

const SWITCH_WORDS = new Map(
  Object.entries({ true: true, yes: true, on: true, 1: true, false: false, no: false, off: false }),
).set('0', false)

/** Text from a flag, the environment or a file as a value of its kind. */
export function readValue(kind: Flag['kind'], text: string): FlagValue | Usage {
  switch (kind) {
    case 'text':
    case 'optional':
      return text
    case 'list':
      return text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
    case 'count': {
      const count = Number(text)
      if (/^\d{1,10}$/.test(text) && count <= 0xffffffff) return count
      return usage(`${JSON.stringify(text)} is no whole number`, 'a number from 0 to 4294967295')
    }
    case 'switch': {
      const known = SWITCH_WORDS.get(text.toLowerCase())
      return known ?? usage(`${JSON.stringify(text)} is neither true nor false`)
    }
    default:
      throw new Error(`no such kind of flag: ${String(kind satisfies never)}`)
  }
}
