/**
 * Commands that are given a program in their arguments: `awk '{…}'`, `perl -e …`, `psql -c …`. A text in it would be code
 * of that language, and each of these can start a shell.
 */
import type { UseProblem, Word } from './command-uses.ts'
import { becomesProgram, choosesCommand, textIn } from './command-uses.ts'

type Language = {
  /** An option whose value is program text, in the same word or in the next. */
  readonly code: RegExp
  /** An option that names the program's file, so that no other argument is code. */
  readonly file?: RegExp
  /** Letters of options whose values are data. */
  readonly withData?: string
  /** From which of its other arguments on they are code, and how many of them, when no option said it. */
  readonly operand?: { readonly from: number; readonly count: number }
  /** Its first other argument is the program's file; without one, it reads the program from its input. */
  readonly isInterpreter?: boolean
  /** Takes options also after other arguments. */
  readonly isLoose?: boolean
}

const AWK: Language = {
  code: /^(?:-e|--source)/,
  file: /^(?:-f|--file|-E|--exec)/,
  withData: 'vFilW',
  operand: { from: 0, count: 1 },
}
const SED: Language = {
  code: /^(?:-[nrEsuz]*e|--expression)/,
  file: /^(?:-[nrEsuz]*f|--file)/,
  withData: 'l',
  isLoose: true,
  operand: { from: 0, count: 1 },
}
const PYTHON: Language = { code: /^-[a-zA-Z]*c/, withData: 'WX', isInterpreter: true }
const PERL: Language = { code: /^-[a-zA-Z0-9]*[eEmM]/, isInterpreter: true }
const NODE: Language = {
  code: /^(?:-(?:e|p|pe)$|--(?:eval|print))/,
  withData: 'r',
  isInterpreter: true,
}
const MYSQL: Language = {
  code: /^(?:-e|--execute|--init-command)/,
  withData: 'hPuDS',
  isLoose: true,
}

const LANGUAGES: ReadonlyMap<string, Language> = new Map([
  ...['awk', 'gawk', 'mawk', 'nawk'].map((name) => [name, AWK] as const),
  ...['sed', 'gsed'].map((name) => [name, SED] as const),
  ...['python', 'python2', 'python3', 'pypy3'].map((name) => [name, PYTHON] as const),
  ...['perl', 'ruby'].map((name) => [name, PERL] as const),
  ...['node', 'nodejs'].map((name) => [name, NODE] as const),
  ...['mysql', 'mariadb'].map((name) => [name, MYSQL] as const),
  ['php', { code: /^-[rBRE]/, file: /^-[fF]/, withData: 'dcz', isInterpreter: true }],
  ['lua', { code: /^-[el]/, isInterpreter: true }],
  ['osascript', { code: /^-e/, isInterpreter: true }],
  ['tclsh', { code: /^$/, isInterpreter: true }],
  ['expect', { code: /^-[cC]/, isInterpreter: true }],
  ['psql', { code: /^(?:-[a-zA-Z]*c|--command)/, withData: 'dfhopUvLRFTP', isLoose: true }],
  ['sqlite3', { code: /^--?cmd/, operand: { from: 1, count: Number.POSITIVE_INFINITY } }],
])

/** Answers a value that the program text of such a command would hold, or that would choose its file. */
export function programProblem(base: string, args: readonly Word[]): UseProblem | null {
  const language = LANGUAGES.get(base)
  if (language === undefined) return null
  const { code, file, operands } = partsOf(language, args)
  const inCode = becomesProgram(textIn(code), base)
  if (inCode !== null) return inCode
  if (language.isInterpreter === true && code.length === 0 && !file)
    return choosesCommand(operands[0])
  const { from, count } = language.operand ?? { from: 0, count: 0 }
  if (code.length > 0 || file) return null
  return becomesProgram(textIn(operands.slice(from, from + count)), base)
}

/** True when the command takes its program from its standard input. */
export function readsProgram(base: string, args: readonly Word[]): boolean {
  const language = LANGUAGES.get(base)
  if (language?.isInterpreter !== true) return false
  const { code, file, operands } = partsOf(language, args)
  return code.length === 0 && !file && (operands[0] === undefined || operands[0].text === '-')
}

type Parts = {
  readonly code: readonly Word[]
  readonly file: boolean
  readonly operands: readonly Word[]
}

/** Tells options from other arguments; an option that only the shell will know may be one with code. */
function partsOf(language: Language, args: readonly Word[]): Parts {
  const code: Word[] = []
  const operands: Word[] = []
  let file = false
  for (let place = 0; place < args.length; place += 1) {
    const word = args[place]
    if (word === undefined) break
    const { text } = word
    if (word.mayVanish) {
      if (word.uses.length > 0) code.push(word)
    } else if (text === '--') {
      operands.push(...args.slice(place + 1))
      break
    } else if (!/^-./.test(text)) {
      operands.push(...(language.isLoose === true ? [word] : args.slice(place)))
      if (language.isLoose !== true) break
    } else if (language.code.test(text)) {
      const next = args[place + 1]
      // The code may be in the word itself, as in `-e…`, or in the next one.
      code.push(word, ...(next === undefined ? [] : [next]))
      if (next !== undefined && !/^-./.test(next.text)) place += 1
    } else if (language.file?.test(text) === true) {
      file = true
      if (text.length === 2) place += 1
    } else if (text.length === 2 && language.withData?.includes(text.charAt(1)) === true) place += 1
  }
  return { code, file, operands }
}
