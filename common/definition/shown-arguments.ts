/**
 * Values that a command hands to a program as arguments. Every user of a host can read the arguments of everybody's
 * programs, with `ps` or in /proc, so a secret must not be one. What the shell does by itself shows nothing, nor do
 * variables, redirections and pipes.
 */
import { ASSIGNMENT } from './command-rules.ts'
import type { Use, Word } from './command-uses.ts'

/** What dash, bash and busybox do without a program, and words that begin no command. */
const OF_THE_SHELL: ReadonlySet<string> = new Set(
  ': . [ case cd declare echo exit export false for function local printf read readonly return select set shift source test true typeset unset'.split(
    ' ',
  ),
)
/** Before another command they change nothing of that. */
const BEFORE: ReadonlySet<string> = new Set(['builtin', 'command'])

/** The uses in one command's words that become arguments (or the name) of a program. */
export function shownArguments(words: readonly Word[]): Use[] {
  const first = words.findIndex(({ text }) => !ASSIGNMENT.test(text) && !BEFORE.has(text))
  const rest = first === -1 ? [] : words.slice(first)
  return OF_THE_SHELL.has(rest[0]?.text ?? '') ? [] : rest.flatMap(({ uses }) => uses)
}
