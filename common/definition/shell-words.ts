/**
 * The words and commands of a shell text, as far as they matter to its placeholders: which word names a command, which
 * are arguments, what is redirected and what is piped.
 *
 * The quoting of values never depends on what is here; only the refusal of values that would be code does.
 */
import { commandProblem } from './command-rules.ts'
import { shownArguments } from './shown-arguments.ts'
import { isInSubstitution, lose, refuse } from './shell-scan.ts'
import type { Line, Scan } from './shell-scan.ts'

/** Words after which another command begins. */
const LEADERS = new Set([
  'if',
  'then',
  'elif',
  'else',
  'while',
  'until',
  'do',
  '!',
  '{',
  '}',
  'time',
  'coproc',
])

/** Words whose commands all read what is piped into the first of them. */
const COMPOUNDS = new Set(['{', 'if', 'while', 'until', 'for', 'select', 'case'])

/** Begins a word, unless one is being read, and adds what is known of it. */
export function addToWord(scan: Scan, line: Line, text: string, isPlain: boolean): void {
  line.word ??= {
    text: '',
    firstUse: scan.uses.length,
    isPlain: true,
    isQuoted: false,
    hidesBracket: false,
  }
  line.word.text += text
  line.word.hidesBracket ||= !isPlain && /[[\]]/.test(text)
  line.word.isPlain &&= isPlain
}

/** Notes that the word is, at least in part, in quotes. */
export function quoteWord(scan: Scan, line: Line): void {
  addToWord(scan, line, '', false)
  if (line.word !== null) line.word.isQuoted = true
}

/** Ends the word that is being read, if there is one. */
export function endWord(scan: Scan, line: Line): void {
  const { word } = line
  if (word === null) return
  line.word = null
  const mayVanish = !word.isQuoted && /^\0+$/.test(word.text)
  const done = { text: word.text, uses: scan.uses.slice(word.firstUse), mayVanish }
  if (line.redirect !== null) {
    if (line.redirect.endsWith('&') && done.uses[0] !== undefined) {
      const message = `bash would expand the value of ${done.uses[0].name} again after ${line.redirect}`
      refuse(scan, done.uses[0].offset, message, 'write > file 2>&1')
    }
    line.redirect = null
    line.redirects.push(done)
    return
  }
  if (line.isSplit && done.uses[0] !== undefined) {
    const message = "a placeholder can't follow &>, which dash and bash read differently"
    refuse(scan, done.uses[0].offset, message, 'write > file 2>&1')
  }
  if (word.isPlain && !line.isList && isKeyword(scan, line, word.text)) return
  if (line.cases.at(-1) !== 'pattern') line.words.push(done)
}

/** Handles words that shape commands; true when the word is no argument of any. */
function isKeyword(scan: Scan, line: Line, text: string): boolean {
  if (text === 'case' && isInSubstitution(scan)) lose(scan, 'a case inside $( )')
  if (text === '[[' || text === ']]') line.isBracketed = text === '[['
  if (text === '[[' && isInSubstitution(scan)) lose(scan, '[[ inside $( )')
  if (line.cases.at(-1) === 'subject' && text === 'in' && line.words.length > 1) {
    line.cases[line.cases.length - 1] = 'pattern'
    startCommand(scan, line, false)
    return true
  }
  // `function name {` and `for name do` have a command after what they name.
  const opener = line.words[0]?.text ?? ''
  if (text === '{' && opener === 'function') return startsAnew(scan, line)
  if (text === 'do' && (opener === 'for' || opener === 'select')) return startsAnew(scan, line)
  if (line.words.length > 0) return false
  if (line.isPiped && COMPOUNDS.has(text)) line.isPipedOn = true
  if (text === 'esac') line.cases.pop()
  if (text === 'case' && line.cases.at(-1) !== 'pattern') line.cases.push('subject')
  return text === 'esac' || LEADERS.has(text)
}

function startsAnew(scan: Scan, line: Line): true {
  if (line.words.length > 0) checkCommand(scan, line)
  startCommand(scan, line, line.isPiped)
  return true
}

/** Ends a command at an operator or a line's end, and checks where its values stand. */
export function endCommand(scan: Scan, line: Line, separator: string): void {
  endWord(scan, line)
  const state = line.cases.at(-1)
  if (state === 'subject' && separator === '\n') return
  const isEmpty = line.words.length === 0 && line.redirects.length === 0
  if (!line.isList && state !== 'pattern' && !isEmpty) checkCommand(scan, line)
  if (state === 'body' && /^;[;&]/.test(separator)) line.cases[line.cases.length - 1] = 'pattern'
  startCommand(
    scan,
    line,
    separator.startsWith('|') && separator !== '||',
    isEmpty && separator === '\n',
  )
}

/** Ends a pattern of a `case` at its parenthesis; false when this parenthesis closes something else. */
export function endPattern(scan: Scan, line: Line): boolean {
  if (line.cases.at(-1) !== 'pattern') return false
  endWord(scan, line)
  if (line.cases.at(-1) !== 'pattern') return false
  line.cases[line.cases.length - 1] = 'body'
  startCommand(scan, line, false)
  return true
}

function startCommand(scan: Scan, line: Line, isPiped: boolean, goesOn = false): void {
  line.words = []
  line.redirects = []
  line.redirect = null
  line.isSplit = false
  line.isPiped = isPiped || line.isPipedOn || (goesOn && line.isPiped)
  line.firstUse = scan.uses.length
}

function checkCommand(scan: Scan, line: Line): void {
  const upstream = line.isPiped ? scan.uses.slice(0, line.firstUse) : []
  const problem = commandProblem({ words: line.words, redirects: line.redirects, upstream })
  if (problem !== null) refuse(scan, problem.use.offset, problem.message, problem.hint)
  scan.shown.push(...shownArguments(line.words))
}
