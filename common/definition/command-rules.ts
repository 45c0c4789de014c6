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
  OPTIONS_THAT_RUN,
  PREFIXES,
  REMOTE_PATHS,
  SHELLS,
  TESTS,
} from './command-names.ts'
import type { Prefix } from './command-names.ts'
import { programProblem, readsProgram } from './command-languages.ts'
import { choosesCommand, evaluatesNames, isText, parsesAgain, textIn } from './command-uses.ts'
import type { Use, UseProblem, Word } from './command-uses.ts'

export type SimpleCommand = {
  readonly words: readonly Word[]
  /** Files and here-strings that it is redirected to or from. */
  readonly redirects: readonly Word[]
  /** Values in what comes before it, when it reads from a pipe. */
  readonly upstream: readonly Use[]
}

export const ASSIGNMENT = /^[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=/

/** Answers the first value that stands where it would be more than data, or null. */
export function commandProblem(command: SimpleCommand): UseProblem | null {
  const first = command.words.findIndex((word) => !ASSIGNMENT.test(word.text))
  const assignments = first === -1 ? command.words : command.words.slice(0, first)
  return (
    assignmentProblem(command.words) ??
    // Only bash assigns to `a[0]=…`; in dash that is the name of a command.
    choosesCommand(assignments.find((word) => /^\w+\[/.test(word.text) && word.uses.length > 0)) ??
    nestedShellProblem(command.words) ??
    (first === -1 ? null : startProblem({ ...command, words: command.words.slice(first) }))
  )
}

/** Checks a command whose first word is the name of what runs. */
function startProblem(command: SimpleCommand): UseProblem | null {
  const [name, ...args] = command.words
  if (name === undefined) return null
  const chosen = choosesCommand(name)
  if (chosen !== null) return chosen
  const base = basename(name.text).replaceAll('\0', '')
  // What is left of `time -p`, a keyword with an option.
  if (base === '-p') return startProblem({ ...command, words: args })
  const prefix = PREFIXES.get(base)
  return (
    // A command such as $SHELL may be a shell as well as anything else, or nothing at all.
    (name.text.includes('\0') ? codeProblem('a shell', args) : null) ??
    (name.mayVanish ? startProblem({ ...command, words: args }) : null) ??
    argumentProblem(base, args) ??
    inputProblem(base, args, command) ??
    programProblem(base, args) ??
    (base === 'find' ? findProblem(command) : null) ??
    (prefix === undefined ? null : prefixProblem(prefix, args, command))
  )
}

/** Checks the command that another one runs; after a long option, which may take a value, there are two candidates. */
function prefixProblem(
  prefix: Prefix,
  args: readonly Word[],
  command: SimpleCommand,
): UseProblem | null {
  const words = afterPrefix(prefix, args)
  const before = args[args.length - words.length - 1 - (prefix.own ?? 0)]
  const mayTakeValue = before !== undefined && /^--[^=]+$/.test(before.text)
  return (
    startProblem({ ...command, words }) ??
    (mayTakeValue ? startProblem({ ...command, words: words.slice(1) }) : null)
  )
}

/** Arguments that the command reads as code, or as names that it evaluates. */
function argumentProblem(base: string, args: readonly Word[]): UseProblem | null {
  const flag = CODE_WITH_FLAG.get(base)
  const hasFlag = flag !== undefined && args.some((word) => flag.test(word.text))
  if (CODE_ALWAYS.has(base) || hasFlag) return parsesAgain(textIn(args), base)
  if (TESTS.has(base)) return testProblem(args, base)
  // A format that begins with a value may be `-v`, and evaluate a name.
  if (base === 'printf' && args[0]?.text.startsWith('\0') === true)
    return evaluatesNames(textIn([args[0]]), base)
  if (REMOTE_PATHS.has(base)) {
    return parsesAgain(textIn(args.filter((word) => /^[^/]*:/.test(word.text))), base)
  }
  if (EVALUATES_NAMES.has(base)) return evaluatesNames(textIn(args), base)
  if (base === 'export') {
    return evaluatesNames(textIn(args.filter((word) => !ASSIGNMENT.test(word.text))), base)
  }
  const isFirstChosen = ['.', 'source', 'for', 'select', 'function'].includes(base) || isShell(base)
  if (!isFirstChosen) return null
  const options = shellOptions(args)
  return choosesCommand(
    isShell(base) ? (options.hasCode ? undefined : args[options.script]) : args[0],
  )
}

/** A value after another word that may be anything: that one may be `-v`, which evaluates the name after it. */
function testProblem(args: readonly Word[], base: string): UseProblem | null {
  const named = args.filter((_, place) => args[place - 1]?.text.startsWith('\0') === true)
  return evaluatesNames(textIn(named), base)
}

/** Values that reach a command's standard input, where that command reads code from it. */
function inputProblem(
  base: string,
  args: readonly Word[],
  command: SimpleCommand,
): UseProblem | null {
  const options = shellOptions(args)
  // A command that only the shell will know, such as $SHELL, may be a shell.
  const readsScript =
    (isShell(base) || base === '') &&
    !options.hasCode &&
    (options.reads || args[options.script] === undefined)
  const runsCode = base === 'xargs' && args.some((word) => isShell(basename(word.text)))
  const isLogin = base === 'ssh' && afterPrefix(PREFIXES.get('ssh') ?? {}, args).length <= 1
  const isCode = INPUT_IS_CODE.has(base) || readsProgram(base, args)
  if (!readsScript && !runsCode && !isLogin && !isCode) return null
  const uses = [...command.upstream, ...command.redirects.flatMap((word) => word.uses)]
  return parsesAgain(uses.find(isText) ?? null, base || 'a shell')
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
  for (const word of words) {
    const problem =
      ASSIGNMENTS_THAT_RUN.test(word.text) || OPTIONS_THAT_RUN.test(word.text)
        ? choosesCommand(word)
        : null
    if (problem !== null) return problem
  }
  return null
}

/** Where a shell's script stands among its arguments, and whether it is code itself (`-c`) or a file. */
function shellOptions(args: readonly Word[]): { hasCode: boolean; reads: boolean; script: number } {
  let hasCode = false
  let reads = false
  let script = 0
  for (; script < args.length; script += 1) {
    const text = args[script]?.text ?? ''
    if (mayBeNothing(args[script])) continue
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
    if (mayBeNothing(args[place])) continue
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

/** An expansion of the author's own, as in `sh $flags …`. One that holds a value may become any words. */
function mayBeNothing(word: Word | undefined): boolean {
  return word?.mayVanish === true && word.uses.length === 0
}

function isShell(base: string): boolean {
  return SHELLS.has(base)
}

function basename(text: string): string {
  return text.slice(text.lastIndexOf('/') + 1)
}
