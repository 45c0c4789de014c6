/**
 * The file that a keeper sources for one attempt: its variables, its directory, its command. Where another user is to run
 * it, the keeper's file only leads there, and that user's shell is given the rest (`as-user.ts`).
 *
 * The first line is a comment that says who runs it since when, for a later daemon. Sourcing a text in a subshell costs
 * one fork; a text that would notice (by `$$`, `$0`, `$1` …) runs in a shell of its own instead, by `exec`.
 */
import { z } from 'zod'
import type { Command } from '../../common/definition/job.ts'
import type { Filled } from '../../common/definition/template.ts'
import { fillText } from '../../common/definition/template.ts'
import { ProcessIdentity } from './process-table.ts'
import { quoteWord } from './quote.ts'

/** Older and newer daemons read it too: a field that is added must be one that may be missing. */
export const CommandHeader = z.object({
  keeper: ProcessIdentity,
  started_at_ms: z.number(),
  /** By the host's monotonic clock, which nobody sets, and which counts from its boot. */
  started_uptime_ms: z.number().optional(),
  limits: z.object({
    timeout_ms: z.number().nullable(),
    kill_after_ms: z.number(),
    output_limit_bytes: z.number(),
  }),
  /** Who runs it, where that is not the worker's own user. */
  user: z.string().optional(),
})
export type CommandHeader = z.infer<typeof CommandHeader>

/** The keeper's own variables, and what a shell adds to an environment by itself. */
const KEEPERS = 'a c'
const SHELLS = 'OLDPWD SHLVL'

/** @param lines From `commandLines`, or what leads to them. */
export const commandFile = (header: CommandHeader, lines: string): string =>
  `# ${JSON.stringify(header)}\nunset ${KEEPERS}\n${lines}`

export function commandLines(options: {
  readonly environment: ReadonlyMap<string, string>
  readonly cwd: string
  /** No link in `cwd` may lead elsewhere by now. */
  readonly exact: boolean
  /** From `commandBody`. */
  readonly body: string
}): string {
  const { environment, exact, body } = options
  const variables = [...environment].map(([name, value]) => `${name}=${quoteWord(value)}`)
  const cwd = quoteWord(options.cwd)
  return [
    `export ${variables.join(' ')}`,
    `${exact ? `cd -P -- ${cwd} && [ "$PWD" = ${cwd} ]` : `cd -- ${cwd}`} || exit 126`,
    `unset ${SHELLS}`,
    body,
    '',
  ].join('\n')
}

export type Body =
  | { readonly kind: 'body'; readonly text: string }
  | { readonly kind: 'impossible'; readonly message: string }

/**
 * The command itself as shell text.
 * @param before The words of a program that becomes the command; none is usual.
 */
export function commandBody(
  command: Command,
  values: Readonly<Record<string, string>>,
  before: readonly string[] = [],
): Body {
  if (command.kind === 'argv') return argvBody(command, values, before)
  const { shell, text } = command
  if ([...shell, text].some(hasNul)) return impossible('the command holds a NUL character')
  const plain = shell.length === 2 && shell[0] === 'sh' && shell[1] === '-c'
  const sourced = plain && before.length === 0 && !looksAround(text)
  return {
    kind: 'body',
    text: sourced ? text : `exec ${[...before, ...shell, text].map(quoteWord).join(' ')}`,
  }
}

function argvBody(
  command: Extract<Command, { kind: 'argv' }>,
  values: Readonly<Record<string, string>>,
  before: readonly string[],
): Body {
  const words: string[] = []
  for (const argument of command.argv) {
    const filled = command.template ? fillText(argument, values) : asItIs(argument)
    if (filled.kind === 'missing')
      return impossible(`there is no value (or no integer) for %(${filled.name})`)
    if (hasNul(filled.text)) return impossible('the command holds a NUL character')
    words.push(filled.text)
  }
  const [program = ''] = words
  // `exec` would take these for its own options, or for nothing at all.
  if (program === '' || program.startsWith('-'))
    return impossible('the name of its program is empty, or begins with -')
  const all = [...before, ...words].map(quoteWord).join(' ')
  return { kind: 'body', text: `set -- ${all}\nexec "$@"` }
}

const asItIs = (text: string): Filled => ({ kind: 'filled', text })

/** What a sourced text could tell from a shell of its own: its pid, its parent's, its name and its arguments. */
const LOOKS_AROUND = /\$(?:\{[#!]?)?(?:[$0-9@*#!_-]|PPID|LINENO|BASH)/

const looksAround = (text: string): boolean => LOOKS_AROUND.test(text)
const hasNul = (text: string): boolean => text.includes('\0')
const impossible = (message: string): { kind: 'impossible'; message: string } => ({
  kind: 'impossible',
  message,
})

/** Reads the first line back; null when it is not whole. */
export function readHeader(text: string): CommandHeader | null {
  const end = text.indexOf('\n')
  if (!text.startsWith('# ') || end === -1) return null
  try {
    const parsed = CommandHeader.safeParse(JSON.parse(text.slice(2, end)))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}
