/** Parentheses in a shell text: subshells, functions, arrays, patterns, and bash's arithmetic commands. */
import { arithmeticEnd } from './shell-dollars.ts'
import { copy, copyOpaque, lose, startLine } from './shell-scan.ts'
import type { Line, Opener, Scan } from './shell-scan.ts'
import { endCommand, endPattern, endWord } from './shell-words.ts'

/** The word before the parenthesis of an array (`name=(`) or of a pattern (`@(`). */
const LIST = /(?:^[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=|[@?*+!])$/

export function openParenthesis(scan: Scan, line: Line): void {
  const word = line.word?.text ?? ''
  if (line.cases.at(-1) === 'pattern' && line.word === null) {
    copy(scan, 1)
  } else if (scan.text[scan.at + 1] === '(') {
    openArithmetic(scan, line)
  } else if (LIST.test(word) && word !== '!') {
    push(scan, 'list')
  } else {
    const isPiped = line.isPiped && line.words.length === 0 && line.word === null
    endCommand(scan, line, '(')
    push(scan, '(', isPiped || line.isPipedOn)
  }
}

export function closeParenthesis(scan: Scan, line: Line): void {
  const frame = scan.frames.at(-1)
  if (endPattern(scan, line)) {
    copy(scan, 1)
    return
  }
  endCommand(scan, line, ')')
  copy(scan, 1)
  if (frame?.kind !== 'commands' || frame.opener === 'text') return
  scan.frames.pop()
  const next = scan.text.charAt(scan.at)
  if (frame.opener === 'list' && !/^[\s;&|)]?$/.test(next))
    lose(scan, 'an array or pattern with text right after it')
}

/** Puts a level of commands on the stack; the opening token is one character, or `$(` and its like. */
export function push(scan: Scan, opener: Exclude<Opener, 'text'>, isPipedOn = false): void {
  const opened = scan.at
  copy(scan, opener === 'list' ? 1 : opener.length)
  scan.frames.push({
    kind: 'commands',
    opener,
    opened,
    line: startLine(scan.uses.length, { isList: opener === 'list', isPipedOn }),
  })
}

/** `((…))` is arithmetic in bash and two subshells in dash: only what both read alike is looked through. */
function openArithmetic(scan: Scan, line: Line): void {
  endWord(scan, line)
  const end = arithmeticEnd(scan.text, scan.at + 2)
  if (end === null || /<<|#|\n/.test(scan.text.slice(scan.at, end))) {
    lose(scan, '((, which dash and bash read differently')
    return
  }
  copyOpaque(scan, end, 'inside (( ))', 'assign it first, with the parameter declared as int')
}
