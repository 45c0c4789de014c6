/**
 * The lexer of shell templates: one step takes one token, writes it out, and keeps the stack of quotes true.
 *
 * It knows what dash and bash agree on. Where they differ, it gives up (`lose`), and a placeholder after that point is
 * refused: better a command that must be written another way than a value in the wrong quotes.
 */
import type { Piece } from './template.ts'
import { pieceAt } from './template.ts'
import { skipDollar } from './shell-dollars.ts'
import { openParenthesis, closeParenthesis } from './shell-parentheses.ts'
import { readHereDocuments, readRedirect } from './shell-redirects.ts'
import {
  copy,
  copyEscape,
  copyOpaque,
  isInSubstitution,
  lineOf,
  lose,
  refuse,
} from './shell-scan.ts'
import type { Frame, Line, Scan } from './shell-scan.ts'
import { addToWord, endCommand, endWord, quoteWord } from './shell-words.ts'

/** Quotes and parentheses inside each other; every token looks through them all. */
const MOST_FRAMES = 100

/** Goes through the whole text, or up to the first refusal. */
export function scanAll(scan: Scan): void {
  while (scan.at < scan.text.length && scan.refusal === null && scan.lost === null) {
    const frame = scan.frames.at(-1)
    if (scan.frames.length > MOST_FRAMES) lose(scan, 'parentheses that are nested too deep')
    else if (frame?.kind === 'commands') stepCommands(scan, frame.line)
    else if (frame !== undefined) stepQuoted(scan, frame)
  }
  if (scan.lost !== null) copyLost(scan, scan.lost)
  else if (scan.frames.length > 1) refuseUnclosed(scan)
  for (const frame of scan.frames.toReversed()) {
    if (frame.kind === 'commands') endCommand(scan, frame.line, '')
  }
}

const STEPS = new Map<string, (scan: Scan, line: Line) => void>([
  [' ', blank],
  ['\t', blank],
  ['\n', newline],
  ['\\', backslash],
  ["'", (scan) => openQuote(scan, 'single')],
  ['"', (scan) => openQuote(scan, 'double')],
  ['$', (scan) => skipDollar(scan, false)],
  ['`', (scan) => skipDollar(scan, false)],
  ['#', comment],
  [';', operator],
  [
    '&',
    (scan, line) =>
      scan.text[scan.at + 1] === '>' ? readRedirect(scan, line) : operator(scan, line),
  ],
  ['|', operator],
  ['(', openParenthesis],
  [')', closeParenthesis],
  ['<', readRedirect],
  ['>', readRedirect],
])

function stepCommands(scan: Scan, line: Line): void {
  const piece = pieceAt(scan.text, scan.at)
  if (piece?.kind === 'placeholder') return putPlaceholder(scan, piece)
  if (piece !== null) {
    // Of `%%(` only one `%` stays; the parenthesis is the shell's, here outside of quotes.
    scan.at += 1
    return addToWord(scan, line, copy(scan, 1), false)
  }
  const step = STEPS.get(scan.text.charAt(scan.at))
  if (step === undefined) addToWord(scan, line, copy(scan, 1), true)
  else step(scan, line)
}

function stepQuoted(scan: Scan, frame: Frame & { kind: 'double' | 'single' }): void {
  const character = scan.text.charAt(scan.at)
  const piece = pieceAt(scan.text, scan.at)
  if (piece?.kind === 'placeholder') putPlaceholder(scan, piece)
  else if (piece !== null) copyEscape(scan, piece)
  else if (character === (frame.kind === 'double' ? '"' : "'")) {
    copy(scan, 1)
    scan.frames.pop()
  } else if (frame.kind === 'double' && '$`'.includes(character)) skipDollar(scan, true)
  else if (frame.kind === 'double' && character === '\\') backslash(scan, lineOf(scan))
  else {
    if (character === '\n' && scan.hereDocuments.length > 0)
      lose(scan, 'quotes around the line of a here-document')
    addToWord(scan, lineOf(scan), copy(scan, 1), false)
  }
}

const FORMS: Readonly<Record<Frame['kind'], (variable: string) => string>> = {
  commands: (variable) => `"\${${variable}}"`,
  double: (variable) => `\${${variable}}`,
  single: (variable) => `'"\${${variable}}"'`,
}

/** Writes the reference that a placeholder becomes where it stands, unless no quoting is right there. */
function putPlaceholder(scan: Scan, piece: Piece & { kind: 'placeholder' }): void {
  const line = lineOf(scan)
  const frame = scan.frames.at(-1)
  const isBracketed = scan.frames.some((one) => one.kind === 'commands' && one.line.isBracketed)
  if (isBracketed) {
    return refuse(
      scan,
      scan.at,
      "a placeholder can't stand inside [[ ]]",
      'use [ ] or case, where a value is only text',
    )
  }
  if (scan.afterLoneDollar === scan.at && frame?.kind !== 'single') {
    return refuse(
      scan,
      scan.at,
      "a placeholder can't follow a $",
      'write \\$ for the character itself',
    )
  }
  if (frame?.kind === 'double' && frame.translated) {
    return refuse(scan, scan.at, 'a placeholder can\'t stand inside $"…"', 'leave out the $')
  }
  if (isInSubscript(line)) {
    return refuse(
      scan,
      scan.at,
      "a placeholder can't be a subscript, which bash evaluates",
      'use case or an enum',
    )
  }
  quoteWord(scan, line)
  addToWord(scan, line, '\0', false)
  scan.uses.push({ name: piece.name, trust: scan.trustOf(piece.name), offset: scan.at })
  scan.out.push(FORMS[frame?.kind ?? 'commands'](scan.variableOf(piece.name)))
  scan.at += piece.length
}

/** In `name[…`, or `[…` in an array, unless the bracket is closed without a doubt. */
function isInSubscript(line: Line): boolean {
  if (line.word === null) return false
  const opened = line.isList ? /^(?:[A-Za-z_]\w*)?\[/ : /^[A-Za-z_]\w*\[/
  const closed = /^\w*\[[^[\]]*\]/
  const { text, hidesBracket } = line.word
  return opened.test(text) && (hidesBracket || !closed.test(text))
}

function blank(scan: Scan, line: Line): void {
  endWord(scan, line)
  copy(scan, 1)
}

function newline(scan: Scan, line: Line): void {
  endCommand(scan, line, '\n')
  copy(scan, 1)
  if (scan.hereDocuments.length > 0) readHereDocuments(scan)
}

const OPERATOR = /;;&|;;|;&|;|&&|&|\|\||\|&|\|/y

function operator(scan: Scan, line: Line): void {
  OPERATOR.lastIndex = scan.at
  const token = OPERATOR.exec(scan.text)?.[0] ?? ''
  endCommand(scan, line, token)
  copy(scan, token.length)
}

/** A backslash and the character after it; both in commands and inside double quotes. */
function backslash(scan: Scan, line: Line): void {
  const next = scan.text.charAt(scan.at + 1)
  const piece = pieceAt(scan.text, scan.at + 1)
  if (next === '\n') {
    // The shell joins the lines first, and so may read another token than the one that stands here.
    if ('$<>('.includes(scan.text.charAt(scan.at - 1) || ' '))
      lose(scan, 'a line that is continued inside a token')
    copy(scan, 2)
  } else if (piece?.kind === 'placeholder') {
    refuse(
      scan,
      scan.at,
      "a placeholder can't follow a backslash",
      'leave it out, or write \\\\ for the character itself',
    )
  } else {
    const length = piece === null ? 2 : 3
    scan.out.push(`\\${next}`)
    scan.at += length
    addToWord(scan, line, next, false)
  }
}

function openQuote(scan: Scan, kind: 'single' | 'double'): void {
  quoteWord(scan, lineOf(scan))
  const opened = scan.at
  copy(scan, 1)
  scan.frames.push(kind === 'single' ? { kind, opened } : { kind, opened, translated: false })
}

function comment(scan: Scan, line: Line): void {
  if (line.word !== null) return addToWord(scan, line, copy(scan, 1), true)
  const found = scan.text.indexOf('\n', scan.at)
  const end = found === -1 ? scan.text.length : found
  // Not every shell takes a comment for one inside parentheses, which matters only if it has quotes.
  const isDeep = isInSubstitution(scan) || line.isList
  if (isDeep && /['"`()\\]/.test(scan.text.slice(scan.at, end)))
    lose(scan, 'a comment with quotes inside $( )')
  copyOpaque(scan, end, 'in a comment', 'leave it out, or write %%( for the characters themselves')
}

/** Takes the rest as it is: no placeholder may be in it, nor a command that reads what came before. */
function copyLost(scan: Scan, reason: string): void {
  const rest = scan.text.slice(scan.at)
  const text = scan.uses.find((use) => use.trust === 'text')
  const mayRun = /\|[^|]*\b(?:[a-z]*sh|xargs|at|batch|su|runuser|parallel|crontab)\b/.test(rest)
  const hint = 'move that part into a script, or set template: false and use "$JOBZ_P_<name>"'
  if (text !== undefined && mayRun) {
    refuse(scan, text.offset, `jobz can't tell where this value goes after ${reason}`, hint)
  }
  copyOpaque(
    scan,
    scan.text.length,
    `after ${reason}: jobz can't be sure of the quoting there`,
    hint,
  )
}

const CLOSERS: Readonly<Record<string, string>> = { single: "'", double: '"' }

function refuseUnclosed(scan: Scan): void {
  const frame = scan.frames.at(-1)
  if (frame === undefined) return
  const missing = CLOSERS[frame.kind] ?? ')'
  refuse(scan, frame.opened, `what begins here is never closed by ${missing}`, `add the ${missing}`)
}
