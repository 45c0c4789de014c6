/**
 * Reads a pattern into a tree: literals, `.`, classes, groups, alternatives, and repeats.
 *
 * What is not in this list is refused by name, and never means something else than in JavaScript.
 */

const DEEPEST = 50
const MOST_REPEATS = 255

export type Matches = (code: number) => boolean

export type Node =
  | { readonly kind: 'one'; readonly matches: Matches }
  | { readonly kind: 'all'; readonly nodes: readonly Node[] }
  | { readonly kind: 'any'; readonly nodes: readonly Node[] }
  | { readonly kind: 'repeat'; readonly node: Node; readonly least: number; readonly most: number }

type Refusal = { readonly offset: number; readonly message: string }
type Read =
  { readonly kind: 'read'; readonly node: Node } | ({ readonly kind: 'refused' } & Refusal)

/** Characters are code points, so that an emoji is one character. The first refusal ends the reading. */
type Reader = {
  readonly source: readonly string[]
  at: number
  depth: number
  refusal: Refusal | null
}

const EMPTY: Node = { kind: 'all', nodes: [] }

/** Reads a whole pattern. `^` at its start and `$` at its end may be written, and change nothing. */
export function readPattern(source: string): Read {
  const characters = Array.from(source)
  if (characters[0] === '^') characters.shift()
  const shift = source.startsWith('^') ? 1 : 0
  if (characters.at(-1) === '$' && !/(?:^|[^\\])(?:\\\\)*\\\$$/.test(source)) characters.pop()
  const reader: Reader = { source: characters, at: 0, depth: 0, refusal: null }
  const node = readAny(reader)
  if (reader.at < characters.length) refuse(reader, 'there is a ) without its (')
  if (reader.refusal === null) return { kind: 'read', node }
  return { kind: 'refused', offset: reader.refusal.offset + shift, message: reader.refusal.message }
}

function readAny(reader: Reader): Node {
  const nodes = [readAll(reader)]
  while (take(reader, '|')) nodes.push(readAll(reader))
  return nodes.length === 1 ? (nodes[0] ?? EMPTY) : { kind: 'any', nodes }
}

function readAll(reader: Reader): Node {
  const nodes: Node[] = []
  while (reader.refusal === null && !')|'.includes(peek(reader) ?? ')')) {
    nodes.push(readRepeat(reader, readOne(reader)))
  }
  return { kind: 'all', nodes }
}

function readOne(reader: Reader): Node {
  const character = reader.source[reader.at] ?? ''
  if (character === '(') return readGroup(reader)
  if (character === '[') return readClass(reader)
  if (character === '\\') return { kind: 'one', matches: readEscape(reader).matches }
  if ('*+?{'.includes(character)) return refuse(reader, `nothing stands before ${character}`)
  if ('}]'.includes(character))
    return refuse(reader, `write \\${character} for the character itself`)
  if ('^$'.includes(character))
    return refuse(reader, `${character} is not understood inside a pattern`)
  reader.at += 1
  if (character === '.') return { kind: 'one', matches: (code) => !isLineEnd(code) }
  return { kind: 'one', matches: isCode(character.codePointAt(0) ?? 0) }
}

function readGroup(reader: Reader): Node {
  reader.depth += 1
  if (reader.depth > DEEPEST) return refuse(reader, `groups are nested deeper than ${DEEPEST}`)
  reader.at += 1
  if (take(reader, '?') && !take(reader, ':')) {
    return refuse(reader, 'look-around and named groups are not understood; use ( ) or (?: )')
  }
  const node = readAny(reader)
  if (!take(reader, ')')) return refuse(reader, 'there is a ( without its )')
  reader.depth -= 1
  return node
}

const REPEATS: Readonly<Record<string, readonly [number, number]>> = {
  '*': [0, Number.POSITIVE_INFINITY],
  '+': [1, Number.POSITIVE_INFINITY],
  '?': [0, 1],
}

function readRepeat(reader: Reader, node: Node): Node {
  const next = peek(reader) ?? ''
  let range = REPEATS[next]
  if (range !== undefined) reader.at += 1
  else if (next === '{') range = readCounts(reader)
  if (range === undefined || reader.refusal !== null) return node
  take(reader, '?') // Greedy or not makes no difference where the whole value must match.
  const [least, most] = range
  return { kind: 'repeat', node, least, most }
}

function readCounts(reader: Reader): readonly [number, number] | undefined {
  const rest = reader.source.slice(reader.at, reader.at + 10).join('')
  const match = /^\{(\d{1,3})(?:(,)(\d{1,3})?)?\}/.exec(rest)
  if (match === null) return void refuse(reader, 'a repeat is written {3}, {1,3} or {2,}')
  const [whole, from = '', comma, to] = match
  const least = Number(from)
  const most =
    to === undefined ? (comma === undefined ? least : Number.POSITIVE_INFINITY) : Number(to)
  if (least > MOST_REPEATS || (to !== undefined && most > MOST_REPEATS)) {
    return void refuse(reader, `a repeat counts to ${MOST_REPEATS} at most`)
  }
  if (most < least) return void refuse(reader, 'the counts of a repeat are the wrong way round')
  reader.at += whole.length
  return [least, most]
}

function readClass(reader: Reader): Node {
  reader.at += 1
  const negated = take(reader, '^')
  const parts: Matches[] = []
  while (reader.refusal === null && peek(reader) !== ']') {
    if (peek(reader) === undefined) return refuse(reader, 'there is a [ without its ]')
    parts.push(readRange(reader))
  }
  reader.at += 1
  return { kind: 'one', matches: (code) => parts.some((matches) => matches(code)) !== negated }
}

function readRange(reader: Reader): Matches {
  const low = readMember(reader)
  const isRange = peek(reader) === '-' && ![']', undefined].includes(reader.source[reader.at + 1])
  if (!isRange) return low.matches
  reader.at += 1
  const high = readMember(reader)
  if (low.code === null || high.code === null || low.code > high.code) {
    refuse(reader, 'a range in [ ] goes from a smaller character to a larger one')
    return low.matches
  }
  const [from, to] = [low.code, high.code]
  return (code) => code >= from && code <= to
}

type Character = { readonly matches: Matches; readonly code: number | null }

function readMember(reader: Reader): Character {
  if (peek(reader) === '\\') return readEscape(reader)
  if (peek(reader) === '[') refuse(reader, 'write \\[ for the character itself')
  const code = reader.source[reader.at]?.codePointAt(0) ?? 0
  reader.at += 1
  return { matches: isCode(code), code }
}

const CLASSES: Readonly<Record<string, RegExp>> = {
  d: /\d/,
  D: /\D/,
  w: /\w/,
  W: /\W/,
  s: /\s/,
  S: /\S/,
}
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 }

function readEscape(reader: Reader): Character {
  const letter = reader.source[reader.at + 1] ?? ''
  const control = CONTROLS[letter]
  const named = CLASSES[letter]
  if (control === undefined && named === undefined && !/^[!-/:-@[-`{-~]$/.test(letter)) {
    refuse(reader, `\\${letter} is not understood`)
  }
  reader.at += 2
  if (named !== undefined) {
    return { matches: (code) => named.test(String.fromCodePoint(code)), code: null }
  }
  const code = control ?? letter.codePointAt(0) ?? 0
  return { matches: isCode(code), code }
}

function isCode(wanted: number): Matches {
  return (code) => code === wanted
}

function isLineEnd(code: number): boolean {
  return code === 10 || code === 13 || code === 0x2028 || code === 0x2029
}

function peek(reader: Reader): string | undefined {
  return reader.source[reader.at]
}

function take(reader: Reader, character: string): boolean {
  if (peek(reader) !== character) return false
  reader.at += 1
  return true
}

function refuse(reader: Reader, message: string): Node {
  reader.refusal ??= { offset: reader.at, message }
  return EMPTY
}
