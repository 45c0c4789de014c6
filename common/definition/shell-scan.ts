/**
 * What the lexer of shell templates knows while it goes through a text: where it is, what it has written, and the stack
 * of quotes and parentheses it is in.
 */
import type { Trust, Use, Word } from './command-uses.ts'
import { pieceAt } from './template.ts'
import type { Piece } from './template.ts'

/** `list` is the parentheses of an array or of a pattern: words, not commands. */
export type Opener = 'text' | '(' | '$(' | '<(' | 'list'

export type Frame =
  | {
      readonly kind: 'commands'
      readonly opener: Opener
      readonly opened: number
      readonly line: Line
    }
  | { readonly kind: 'double'; readonly opened: number; readonly translated: boolean }
  | { readonly kind: 'single'; readonly opened: number }

/** The words of one nesting level of commands. */
export type Line = {
  words: Word[]
  redirects: Word[]
  word: OpenWord | null
  /** The operator before the next word, if that is a file and not an argument. */
  redirect: string | null
  /** `&>` was read: one command with a redirection in bash, two commands in dash. */
  isSplit: boolean
  isPiped: boolean
  /** Inside a compound command that reads from a pipe; where it ends is not followed. */
  isPipedOn: boolean
  /** How many placeholders there were when this command began. */
  firstUse: number
  /** One entry for each `case` that is open here. */
  readonly cases: ('subject' | 'pattern' | 'body')[]
  /** Between `[[` and `]]`. */
  isBracketed: boolean
  /** Parentheses of an array or pattern hold words only. */
  readonly isList: boolean
}

type OpenWord = {
  text: string
  readonly firstUse: number
  /** Nothing in it is quoted or expanded, so that it may be a keyword. */
  isPlain: boolean
  /** Some of it is in quotes, so that it stays a word even when it is empty. */
  isQuoted: boolean
  /** A bracket in it is quoted, so that brackets can't be paired by looking. */
  hidesBracket: boolean
}

export type HereDocument = {
  readonly end: string
  readonly stripsTabs: boolean
  readonly isLiteral: boolean
}

type Refusal = {
  readonly offset: number
  readonly message: string
  readonly hint: string | null
}

export type Scan = {
  readonly text: string
  at: number
  readonly out: string[]
  readonly frames: Frame[]
  /** Every placeholder so far, in order. */
  readonly uses: Use[]
  /** Those of them that become arguments of programs. */
  readonly shown: Use[]
  /** Here-documents whose bodies begin after this line. */
  hereDocuments: HereDocument[]
  /** The place right after a `$` that is only a character; -1 without one. */
  afterLoneDollar: number
  /** Set once the quoting can't be told any more: what follows may hold no placeholder. */
  lost: string | null
  /** The first reason to refuse; it ends the scan. */
  refusal: Refusal | null
  readonly trustOf: (name: string) => Trust
  readonly variableOf: (name: string) => string
}

export function startScan(
  text: string,
  trustOf: (name: string) => Trust,
  variableOf: (name: string) => string,
): Scan {
  const frames: Frame[] = [{ kind: 'commands', opener: 'text', opened: 0, line: startLine(0) }]
  return {
    text,
    at: 0,
    out: [],
    frames,
    uses: [],
    shown: [],
    hereDocuments: [],
    afterLoneDollar: -1,
    lost: null,
    refusal: null,
    trustOf,
    variableOf,
  }
}

export function startLine(
  firstUse: number,
  { isList = false, isPipedOn = false }: { isList?: boolean; isPipedOn?: boolean } = {},
): Line {
  return {
    words: [],
    redirects: [],
    word: null,
    redirect: null,
    isSplit: false,
    isPiped: isPipedOn,
    isPipedOn,
    firstUse,
    cases: [],
    isBracketed: false,
    isList,
  }
}

/** Takes the next characters over as they are. */
export function copy(scan: Scan, length: number): string {
  const taken = scan.text.slice(scan.at, scan.at + length)
  scan.out.push(taken)
  scan.at += taken.length
  return taken
}

/**
 * Takes over a part that the lexer need not look into. A placeholder in it is refused: `where` says what it is, and
 * `hint` what to write instead.
 */
export function copyOpaque(scan: Scan, end: number, where: string, hint: string): void {
  while (scan.at < end && scan.refusal === null) {
    const piece = pieceAt(scan.text, scan.at)
    if (piece === null) copy(scan, 1)
    else if (piece.kind === 'placeholder')
      refuse(scan, scan.at, `a placeholder can't stand ${where}`, hint)
    else copyEscape(scan, piece)
  }
}

/** Writes the `%(` that was written `%%(`. */
export function copyEscape(scan: Scan, piece: Piece & { kind: 'text' }): void {
  scan.out.push(piece.text)
  scan.at += piece.length
}

/** Ends the scan with the first thing wrong. */
export function refuse(scan: Scan, offset: number, message: string, hint: string | null): void {
  scan.refusal ??= { offset, message, hint }
}

/** Gives up knowing the quoting, which only matters if a placeholder follows. */
export function lose(scan: Scan, reason: string): void {
  scan.lost ??= reason
}

/** The words that are being read at present, below any quotes. */
export function lineOf(scan: Scan): Line {
  for (let place = scan.frames.length - 1; place >= 0; place -= 1) {
    const frame = scan.frames[place]
    if (frame?.kind === 'commands') return frame.line
  }
  throw new Error('the outermost frame of a shell text is always there')
}

/** True anywhere inside `$( )` or `<( )`, where a misread parenthesis would change the quoting after it. */
export function isInSubstitution(scan: Scan): boolean {
  return scan.frames.some(
    (frame) => frame.kind === 'commands' && ['$(', '<('].includes(frame.opener),
  )
}
