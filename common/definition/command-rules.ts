/**
 * Places of a command where a value would stop being data although it is quoted: commands that parse their arguments
 * or their input again, and the name of the command itself.
 *
 * Both kinds of commands come here as words: those of a shell text by way of its lexer, and argument lists as they are.
 * Where it is doubtful what a word means, the value is refused: writing the command another way is cheap.
 */
import {
  ASSIGNMENTS_THAT_RUN,
  CODE_ALWAYS,
  CODE_WITH_FLAG,
  EVALUATES_NAMES,
  INPUT_IS_CODE,
  PREFIXES,
  SHELLS,
} from './command-names.ts'
import type { Prefix } from './command-names.ts'

/**
 * How far a value is known. `fixed`: the job file lists it, or it is a number or a day. `safe`: it has no character that
 * a shell knows, blanks apart. `text`: anything.
 */
export type Trust = 'fixed' | 'safe' | 'text'

export type Use = { readonly name: string; readonly trust: Trust; readonly offset: number }

/** A word of a command; `text` is what is known of it, with a NUL for each part that only the shell will know. */
export type Word = {
  readonly text: string
  readonly uses: readonly Use[]
  /** It is only unquoted expansions: when they are empty, the next word takes its place. */
  readonly mayVanish: boolean
}

export type SimpleCommand = {
  readonly words: readonly Word[]
  /** Files and here-strings that it is redirected to or from. */
  readonly redirects: readonly Word[]
  /** Values in what comes before it, when it reads from a pipe. */
  readonly upstream: readonly Use[]
}

export type UseProblem = { readonly use: Use; readonly message: string; readonly hint: string }

export const ASSIGNMENT = /^[A-Za-z_]\w*\+?=/

/** Answers the first value that stands where it would be more than data, or null. */
export function commandProblem(command: SimpleCommand): UseProblem | null {
  const first = command.words.findIndex((word) => !ASSIGNMENT.test(word.text))
  return (
    assignmentProblem(command.words) ??
    nestedShellProblem(command.words) ??
    (first === -1 ? null : startProblem({ ...command, words: command.words.slice(first) }))
  )
}

/** Checks a command whose first word is the name of what runs. */
function startProblem(command: SimpleCommand): UseProblem | null {
  const [name, ...args] = command.words
  if (name === undefined) return null
  const chosen = name.uses.find((use) => use.trust !== 'fixed')
  if (chosen !== undefined) return choosesCommand(chosen)
  const base = basename(name.text).replaceAll('\0', '')
  const prefix = PREFIXES.get(base)
  return (
    // A command such as $SHELL may be a shell as well as anything else, or nothing at all.
    (name.text.includes('\0') ? codeProblem('a shell', args) : null) ??
    (name.mayVanish ? startProblem({ ...command, words: args }) : null) ??
    argumentProblem(base, args) ??
    inputProblem(base, args, command) ??
    (base === 'find' ? findProblem(command) : null) ??
    (prefix === undefined ? null : startProblem({ ...command, words: afterPrefix(prefix, args) }))
  )
}

/** Arguments that the command reads as code, or as names that it evaluates. */
function argumentProblem(base: string, args: readonly Word[]): UseProblem | null {
  const flag = CODE_WITH_FLAG.get(base)
  const hasFlag = flag !== undefined && args.some((word) => flag.test(word.text))
  if (CODE_ALWAYS.has(base) || hasFlag) return parsesAgain(textIn(args), base)
  if (EVALUATES_NAMES.has(base)) return evaluatesNames(textIn(args), base)
  if (base === 'export') {
    return evaluatesNames(textIn(args.filter((word) => !ASSIGNMENT.test(word.text))), base)
  }
  const isFirstChosen = ['.', 'source', 'for', 'select', 'function'].includes(base) || isShell(base)
  if (!isFirstChosen) return null
  const options = shellOptions(args)
  const script = isShell(base) ? (options.hasCode ? undefined : args[options.script]) : args[0]
  const chosen = script?.uses.find((use) => use.trust !== 'fixed')
  return chosen === undefined ? null : choosesCommand(chosen)
}

/** Values that reach a command's standard input, where that command reads code from it. */
function inputProblem(
  base: string,
  args: readonly Word[],
  command: SimpleCommand,
): UseProblem | null {
  const options = shellOptions(args)
  const readsScript =
    isShell(base) && !options.hasCode && (options.reads || args[options.script] === undefined)
  const runsCode = base === 'xargs' && args.some((word) => isShell(basename(word.text)))
  const isLogin = base === 'ssh' && afterPrefix(PREFIXES.get('ssh') ?? {}, args).length <= 1
  if (!readsScript && !runsCode && !isLogin && !INPUT_IS_CODE.has(base)) return null
  const uses = [...command.upstream, ...command.redirects.flatMap((word) => word.uses)]
  return parsesAgain(uses.find(isText) ?? null, base)
}

/** `sh -c` and its like, wherever it stands in a command: after sudo, env, xargs, docker exec, find -exec … */
function nestedShellProblem(words: readonly Word[]): UseProblem | null {
  for (const [place, word] of words.entries()) {
    const base = basename(word.text).replaceAll('\0', '')
    const parsed = isShell(base) ? codeProblem(base, words.slice(place + 1)) : null
    if (parsed !== null) return parsed
  }
  return null
}

function codeProblem(shell: string, args: readonly Word[]): UseProblem | null {
  const options = shellOptions(args)
  return options.hasCode
    ? parsesAgain(textIn(args.slice(0, options.script + 1)), `${shell} -c`)
    : null
}

function findProblem(command: SimpleCommand): UseProblem | null {
  for (const [place, word] of command.words.entries()) {
    if (!/^-(?:exec|execdir|ok|okdir)$/.test(word.text)) continue
    const problem = startProblem({ ...command, words: command.words.slice(place + 1) })
    if (problem !== null) return problem
  }
  return null
}

function assignmentProblem(words: readonly Word[]): UseProblem | null {
  const use = words
    .filter((word) => ASSIGNMENTS_THAT_RUN.test(word.text))
    .flatMap((word) => word.uses)
    .find((one) => one.trust !== 'fixed')
  return use === undefined ? null : choosesCommand(use)
}

/** Where a shell's script stands among its arguments, and whether it is code itself (`-c`) or a file. */
function shellOptions(args: readonly Word[]): { hasCode: boolean; reads: boolean; script: number } {
  let hasCode = false
  let reads = false
  let script = 0
  for (; script < args.length; script += 1) {
    const text = args[script]?.text ?? ''
    if (args[script]?.mayVanish === true) continue
    if (text === '--' || text === '-') return { hasCode, reads, script: script + 1 }
    if (!/^[-+]./.test(text)) break
    const letters = text.startsWith('--') ? '' : text
    hasCode ||= letters.includes('c')
    reads ||= letters.includes('s')
    if (/[oO]$/.test(letters) || /^--(?:rcfile|init-file)$/.test(text)) script += 1
  }
  return { hasCode, reads, script }
}

/** The words that a command such as `sudo` or `timeout` runs: what is left after its own options and arguments. */
function afterPrefix(prefix: Prefix, args: readonly Word[]): readonly Word[] {
  let place = 0
  for (; place < args.length; place += 1) {
    const text = args[place]?.text ?? ''
    if (args[place]?.mayVanish === true) continue
    if (text === '--') {
      place += 1
      break
    }
    if (prefix.assignments === true && ASSIGNMENT.test(text)) continue
    if (!/^-./.test(text)) break
    if (text.length === 2 && prefix.withValue?.includes(text.charAt(1)) === true) place += 1
  }
  return args.slice(place + (prefix.own ?? 0))
}

function textIn(words: readonly Word[]): Use | null {
  return words.flatMap((word) => word.uses).find(isText) ?? null
}

function isText(use: Use): boolean {
  return use.trust === 'text'
}

function isShell(base: string): boolean {
  return SHELLS.has(base)
}

function basename(text: string): string {
  return text.slice(text.lastIndexOf('/') + 1)
}

function choosesCommand(use: Use): UseProblem {
  const message = `the value of ${use.name} would choose what is run`
  return { use, message, hint: `write the name out, or declare ${use.name} as an enum` }
}

function parsesAgain(use: Use | null, by: string): UseProblem | null {
  if (use === null) return null
  const message = `the value of ${use.name} would be parsed again by ${by}`
  const argument = by.endsWith('-c')
    ? `pass it as an argument, as in sh -c 'echo "$1"' sh %(${use.name})s; or `
    : ''
  return { use, message, hint: `${argument}declare ${use.name} as safe, int, date or enum` }
}

function evaluatesNames(use: Use | null, by: string): UseProblem | null {
  if (use === null) return null
  const message = `the value of ${use.name} would be evaluated by ${by}`
  return { use, message, hint: `assign it by itself (value=%(${use.name})s) and use the variable` }
}
