/**
 * Placeholders in plain text: step parameters, keys, `distinct`, and the arguments of commands without a shell.
 *
 * `%(name)s` and `%(name)d` (an integer) are placeholders, `%%(` is a literal `%(`, and every other `%` is itself,
 * so that `date +%Y` and `${f%%.*}` need no care. Texts for a shell are never filled; see `shell-template.ts`.
 */

const PLACEHOLDER = /%\(([A-Za-z_][A-Za-z0-9_]{0,63})\)([sd])/y
const INTEGER = /^-?\d{1,15}$/

export type Placeholder = { readonly name: string; readonly integer: boolean }

/** One piece of a template, with its place in it: offset and length in UTF-16 units. */
export type Piece =
  | {
      readonly kind: 'text'
      readonly offset: number
      readonly length: number
      readonly text: string
    }
  | (Placeholder & {
      readonly kind: 'placeholder'
      readonly offset: number
      readonly length: number
    })

export type Filled =
  | { readonly kind: 'filled'; readonly text: string }
  /** There is no value of that name, or none that is an integer where `%(name)d` asks for one. */
  | { readonly kind: 'missing'; readonly name: string }

/** Fills in the values, once: what looks like a placeholder inside a value stays as it is. */
export function fillText(template: string, values: Readonly<Record<string, string>>): Filled {
  let text = ''
  for (const piece of piecesOf(template)) {
    if (piece.kind === 'text') {
      text += piece.text
      continue
    }
    const value = Object.hasOwn(values, piece.name) ? values[piece.name] : undefined
    if (value === undefined) return { kind: 'missing', name: piece.name }
    if (piece.integer && !INTEGER.test(value)) return { kind: 'missing', name: piece.name }
    text += value
  }
  return { kind: 'filled', text }
}

/** The placeholders of a template, in order, each as often as it is written. */
export function placeholdersOf(template: string): Placeholder[] {
  const found: Placeholder[] = []
  for (const piece of piecesOf(template)) {
    if (piece.kind === 'placeholder') found.push({ name: piece.name, integer: piece.integer })
  }
  return found
}

/** Cuts a template at its placeholders. The texts between them have their `%%(` already read. */
export function* piecesOf(template: string): Generator<Piece> {
  let from = 0
  let at = template.indexOf('%')
  while (at !== -1) {
    const piece = pieceAt(template, at)
    if (piece !== null) {
      if (from < at) yield textPiece(template, from, at)
      yield piece
      from = at + piece.length
    }
    at = template.indexOf('%', Math.max(at + 1, from))
  }
  if (from < template.length) yield textPiece(template, from, template.length)
}

/** The placeholder, or the `%%(`, that begins exactly at `offset`; null where the text is only text. */
export function pieceAt(template: string, offset: number): Piece | null {
  if (template.startsWith('%%(', offset)) return { kind: 'text', offset, length: 3, text: '%(' }
  PLACEHOLDER.lastIndex = offset
  const match = PLACEHOLDER.exec(template)
  if (match === null) return null
  const [whole, name = '', letter] = match
  return { kind: 'placeholder', offset, length: whole.length, name, integer: letter === 'd' }
}

function textPiece(template: string, from: number, to: number): Piece {
  return { kind: 'text', offset: from, length: to - from, text: template.slice(from, to) }
}
