/**
 * Bounds on a YAML text, checked before it is parsed: its size, and how deep it is nested.
 *
 * The parser calls itself once a level, so that a few kilobytes of brackets or dashes would end the process. The lexer
 * below it does not, and its tokens are enough to count the levels.
 */
import { CST, Lexer } from 'yaml'

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

/** Where the text first goes too deep: blocks are told apart by their columns, flow collections by their brackets. */
function tooDeepAt(text: string): number | null {
  const blocks: number[] = []
  let offset = 0
  let lineStart = 0
  let flows = 0
  let lastContent: number | null = null
  for (const token of new Lexer().lex(text)) {
    if (MARKS.has(token)) continue
    const type = CST.tokenType(token) ?? 'scalar'
    if (type.endsWith('-start')) flows += 1
    if (type.endsWith('-end')) flows = Math.max(0, flows - 1)
    if (flows === 0) {
      const column = offset - lineStart
      // A list may stand in the same column as the key that it belongs to, so it counts as a bit further in.
      if (type === 'seq-item-ind') enter(blocks, column * 2 + 1)
      if (type === 'explicit-key-ind') enter(blocks, column * 2)
      if (type === 'map-value-ind') enter(blocks, (lastContent ?? column) * 2)
      if (type.endsWith('scalar') || type === 'alias') lastContent = column
    }
    if (blocks.length + flows > DEEPEST) return offset
    offset += token.length
    const newline = token.lastIndexOf('\n')
    if (newline !== -1) {
      lineStart = offset - token.length + newline + 1
      lastContent = null
    }
  }
  return null
}

/** Tokens of the lexer that stand for no text. */
const MARKS = new Set([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR])

function enter(blocks: number[], column: number): void {
  while ((blocks.at(-1) ?? -1) > column) blocks.pop()
  if (blocks.at(-1) !== column) blocks.push(column)
}
