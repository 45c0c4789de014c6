/**
 * Bounds on a YAML text, checked before its values are made: its size, and how deep it is nested.
 *
 * Values are made by functions that call themselves once a level, so that a few kilobytes of brackets, dashes or colons
 * would exhaust the stack. The syntax below them is read with a stack of its own, one token at a time, and what counts
 * as a level is what stands on that stack: no other reading of the text could disagree with it.
 */
import { CST, Lexer, Parser } from 'yaml'

export const MOST_BYTES = 256 * 1024
const DEEPEST = 32

export type Excess = { readonly offset: number; readonly message: string; readonly hint: string }

/** Answers what is too much in a text, or null. */
export function excessOf(text: string): Excess | null {
  if (text.length > MOST_BYTES || new TextEncoder().encode(text).length > MOST_BYTES) {
    return {
      offset: 0,
      message: 'the file is larger than 256 KiB',
      hint: 'split it into several files',
    }
  }
  const offset = tooDeepAt(text)
  if (offset === null) return null
  return { offset, message: `nested deeper than ${DEEPEST} levels`, hint: 'no job needs so many' }
}

/** Where the text first goes too deep; what comes after that is not even read. */
function tooDeepAt(text: string): number | null {
  const parser = new Parser()
  let offset = 0
  for (const token of new Lexer().lex(text)) {
    // What the parser hands out is of no use here; only going through it makes it go on.
    for (const _ of parser.next(token)) void _
    if (parser.stack.length > DEEPEST && levelsOf(parser) > DEEPEST) return offset
    if (!MARKS.has(token)) offset += token.length
  }
  return null
}

/** The lists and maps that are open, blocks and brackets alike. */
function levelsOf(parser: Parser): number {
  return parser.stack.filter((token) => CST.isCollection(token)).length
}

/** Tokens of the lexer that stand for no text. */
const MARKS = new Set([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR])
