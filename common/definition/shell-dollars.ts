/**
 * What begins with `$` or a backtick in a shell text: expansions that the lexer steps over, and `$( )`, which it enters.
 *
 * The insides of `${…}` and arithmetic are read by rules on which shells differ, so only simple ones are stepped over.
 */
import { copy, copyOpaque, lineOf, lose, refuse } from './shell-scan.ts'
import { startLine } from './shell-scan.ts'
import type { Scan } from './shell-scan.ts'
import { pieceAt } from './template.ts'
import { addToWord, quoteWord } from './shell-words.ts'

const VARIABLE = /\$(?:[A-Za-z_]\w*|[0-9@*#?$!-])/y
/** Text in quotes, or a command, with nothing in it that any shell could take for more. */
const HARMLESS_PART = /"[\w./: -]*"|'[\w./: -]*'|\$\([\w./: %+-]*\)/y

/** `${ }` inside of `${ }`, deeper than anybody writes. */
const MOST_BRACES = 20

/** Steps over one expansion, in commands or inside double quotes. */
export function skipDollar(scan: Scan, isQuoted: boolean): void {
  addToWord(scan, lineOf(scan), '', false)
  const { text, at } = scan
  const second = text.charAt(at + 1)
  if (text[at] === '`') return skipBackticks(scan)
  if (text.startsWith('$((', at)) return skipArithmetic(scan)
  if (second === '(') return enterSubstitution(scan)
  if (second === '{') return skipBraces(scan)
  if (second === '[') return skipOldArithmetic(scan)
  if (second === "'" && !isQuoted) return skipEscaped(scan)
  if (second === '"' && !isQuoted) {
    quoteWord(scan, lineOf(scan))
    copy(scan, 2)
    scan.frames.push({ kind: 'double', opened: at, translated: true })
    return
  }
  VARIABLE.lastIndex = at
  const variable = VARIABLE.exec(text)
  if (variable !== null) {
    // In arrays and braces bash takes the second $ of `$$(` for the beginning of the substitution.
    if (/^\$\$[({']/.test(text.slice(at, at + 3))) lose(scan, '$$ before a bracket or a quote')
    return skipTo(scan, at + variable[0].length, '', '')
  }
  if (second === '\\') lose(scan, 'a $ before a backslash')
  addToWord(scan, lineOf(scan), copy(scan, 1), false)
  scan.afterLoneDollar = scan.at
}

/** Where `))` ends an arithmetic expression that began before `start`; null when it isn't simple. */
export function arithmeticEnd(text: string, start: number): number | null {
  let depth = 0
  for (let at = start; at < text.length;) {
    const character = text.charAt(at)
    const skipped = skipPart(text, at)
    if (skipped !== null && !`"'`.includes(character)) at = skipped
    else if (character === ')' && depth === 0) return text[at + 1] === ')' ? at + 2 : null
    else if (/[\w \t\n+\-*/%=<>!&|^~?:,.;()[\]$#]/.test(character)) {
      if (character === '$' && !/[\w#]/.test(text.charAt(at + 1))) return null
      depth += character === '(' ? 1 : character === ')' ? -1 : 0
      at += 1
    } else return null
  }
  return null
}

function skipArithmetic(scan: Scan): void {
  const end = arithmeticEnd(scan.text, scan.at + 3)
  if (end === null) lose(scan, '$(( with more than simple arithmetic')
  else skipTo(scan, end, 'inside $(( ))', 'assign it first, with the parameter declared as int')
}

function skipBraces(scan: Scan): void {
  const end = bracesEnd(scan.text, scan.at)
  if (end === null) lose(scan, '${ } with quotes or special characters in it')
  else skipTo(scan, end, 'inside ${ }', 'assign it to a variable first: value=%(name)s')
}

/** Where `${` at `start` ends; null when shells could differ about it. */
function bracesEnd(text: string, start: number, depth = 0): number | null {
  if (depth > MOST_BRACES) return null
  for (let at = start + 2; at < text.length;) {
    if (text[at] === '}') return at + 1
    const skipped = skipPart(text, at, depth)
    if (skipped !== null) at = skipped
    else if (
      /['"\\`(){<>\n]/.test(text.charAt(at)) ||
      /^\$[^\w@*#?!-]/.test(text.slice(at, at + 2))
    )
      return null
    else at += 1
  }
  return null
}

/** The end of a placeholder, a nested `${ }` or a harmless part at this place, or null. */
function skipPart(text: string, at: number, depth = 0): number | null {
  const piece = pieceAt(text, at)
  if (piece?.kind === 'placeholder') return at + piece.length
  if (text.startsWith('${', at)) return bracesEnd(text, at, depth + 1)
  HARMLESS_PART.lastIndex = at
  const harmless = HARMLESS_PART.exec(text)
  return harmless === null ? null : at + harmless[0].length
}

function skipOldArithmetic(scan: Scan): void {
  const match = /^\$\[[\w +\-*/%=$]*\]/.exec(scan.text.slice(scan.at))
  if (match === null) lose(scan, '$[, which dash and bash read differently')
  else skipTo(scan, scan.at + match[0].length, '', '')
}

/** `$'…'` has escapes in bash and in new dashes, and none in old ones: both must find the same end. */
function skipEscaped(scan: Scan): void {
  const rest = scan.text.slice(scan.at)
  const escaped = /^\$'(?:[^'\\]|\\[\s\S])*'/.exec(rest)
  const plain = /^\$'[^']*'/.exec(rest)
  if (escaped === null || escaped[0] !== plain?.[0])
    lose(scan, "$'…', which shells read differently")
  else skipTo(scan, scan.at + escaped[0].length, "inside $'…'", `use '…' or "…" there`)
}

function skipBackticks(scan: Scan): void {
  const match = /^`(?:[^`\\]|\\[\s\S])*`/.exec(scan.text.slice(scan.at))
  if (match === null)
    return refuse(scan, scan.at, 'what begins here is never closed by `', 'use $( )')
  skipTo(scan, scan.at + match[0].length, 'inside backticks', 'use $( ) instead')
}

function enterSubstitution(scan: Scan): void {
  const opened = scan.at
  addToWord(scan, lineOf(scan), '\0', false)
  copy(scan, 2)
  scan.frames.push({ kind: 'commands', opener: '$(', opened, line: startLine(scan.uses.length) })
}

function skipTo(scan: Scan, end: number, where: string, hint: string): void {
  addToWord(scan, lineOf(scan), '\0', false)
  copyOpaque(scan, end, where, hint)
}
