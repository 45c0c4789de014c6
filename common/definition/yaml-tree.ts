/**
 * A YAML file as plain values, with the place of each in the file.
 *
 * Only the plain part of YAML is taken: no aliases, no tags, no duplicate keys. Values that end up in commands keep the
 * text that was written (`010`, `1.10`, `no`), since only their author knows what they mean.
 */
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Node, ParsedNode, Scalar } from 'yaml'
import type { Problem } from './job.ts'
import { excessOf } from './yaml-bounds.ts'

export type Path = readonly (string | number)[]
export type Place = { readonly line: number; readonly column: number }

export type Tree = {
  readonly file: string
  /** Strings, numbers, booleans, nulls, arrays, and objects without a prototype. */
  readonly value: unknown
  /** Where the value at a path begins; the nearest one around it if there is none. */
  readonly placeOf: (path: Path) => Place
  /** Where the key stands that a path ends with. */
  readonly keyPlaceOf: (path: Path) => Place
  /** The place of a character inside a text, as near as can be told. */
  readonly placeIn: (path: Path, offset: number) => Place
}

export type ReadTree =
  | { readonly kind: 'read'; readonly tree: Tree }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }

type Reading = {
  readonly isText: (path: Path) => boolean
  readonly problems: {
    readonly offset: number
    readonly message: string
    readonly hint: string | null
  }[]
  readonly values: Map<string, Node>
  readonly keys: Map<string, number>
}

/** A file that is wrong from end to end is told so by its first problems. */
const MOST_PROBLEMS = 100

/**
 * Reads one file's text; the problems found are told, with their places.
 * @param texts Which values keep the text that was written: those that end up in commands, or all.
 */
export function readTree(
  file: string,
  text: string,
  texts: 'of commands' | 'all' = 'of commands',
): ReadTree {
  const lines = new LineCounter()
  const reading: Reading = {
    isText: texts === 'all' ? () => true : isText,
    problems: [],
    values: new Map(),
    keys: new Map(),
  }
  const excess = excessOf(text)
  if (excess !== null) {
    addLines(lines, text)
    return { kind: 'refused', problems: [problemAt(file, placeAt(lines, excess.offset), excess)] }
  }
  const options = {
    version: '1.2',
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
  } as const
  const document = parseDocument(text, { ...options, keepSourceTokens: true })
  for (const error of [...document.errors, ...document.warnings]) {
    reading.problems.push({
      offset: error.pos[0],
      message: error.message,
      hint: hintFor(error.message),
    })
  }
  const version = document.directives?.yaml
  if (version?.explicit === true && version.version !== '1.2') {
    reading.problems.push({
      offset: 0,
      message: `YAML ${version.version} is not read`,
      hint: 'write YAML 1.2',
    })
  }
  const value = reading.problems.length > 0 ? null : convert(document.contents, [], reading)
  if (reading.problems.length > 0) {
    const told = reading.problems.slice(0, MOST_PROBLEMS)
    const problems = told.map((one) => problemAt(file, placeAt(lines, one.offset), one))
    return { kind: 'refused', problems }
  }
  return { kind: 'read', tree: { file, value, ...placesOf(reading, lines, text) } }
}

function convert(node: ParsedNode | null, path: Path, reading: Reading): unknown {
  if (node === null) return null
  reading.values.set(keyOf(path), node)
  const refuse = (message: string, hint: string) =>
    void reading.problems.push({ offset: node.range[0], message, hint })
  if ('anchor' in node && node.anchor !== undefined)
    return refuse('anchors are not read', 'write the value out')
  if (node.tag !== undefined) return refuse('tags are not read', 'leave it out, or quote the text')
  if (isScalar(node)) return reading.isText(path) ? textOf(node, path) : node.value
  if (isSeq<ParsedNode>(node))
    return node.items.map((item, place) => convert(item, [...path, place], reading))
  if (!isMap<ParsedNode, ParsedNode | null>(node))
    return refuse('aliases are not read', 'write the value out')
  const record = Object.create(null) as Record<string, unknown>
  for (const { key, value } of node.items) {
    const name =
      isScalar(key) && key.tag === undefined && key.anchor === undefined ? key.source : undefined
    const offset = key?.range[0] ?? node.range[0]
    if (name === undefined) {
      reading.problems.push({
        offset,
        message: 'a key is a plain text',
        hint: 'quote it if it has special characters',
      })
    } else if (name === '__proto__') {
      const hint = 'choose another name'
      reading.problems.push({ offset, message: '__proto__ is no name for anything', hint })
    } else if (Object.hasOwn(record, name)) {
      reading.problems.push({
        offset,
        message: `the key ${name} is given twice`,
        hint: 'keep one of them',
      })
    } else {
      reading.keys.set(keyOf([...path, name]), offset)
      record[name] = convert(value, [...path, name], reading)
    }
  }
  return record
}

/** Keys whose values are text whatever they look like. */
const TEXTS = new Set(
  'command shell description topic lane key distinct cwd env_file job pattern format zone values default'.split(
    ' ',
  ),
)
/** Keys below which every value is text. A job's own `params` are rules; those of a next step are values. */
const TEXTS_BELOW = new Set(['env', 'each', 'params'])

function isText(path: Path): boolean {
  const inner = path.slice(path[0] === 'defaults' ? 1 : 2)
  const isRule = path[0] === 'jobs' && inner[0] === 'params'
  if (!isRule && inner.slice(0, -1).some((key) => TEXTS_BELOW.has(String(key)))) return true
  const key = inner.findLast((part) => typeof part === 'string')
  return key !== undefined && TEXTS.has(key)
}

/** The text as it was written. A missing value stays missing, except where a text may be empty. */
function textOf(node: Scalar, path: Path): string | null {
  const mayBeEmpty = path.some((key) => TEXTS_BELOW.has(String(key)))
  if (node.source === '' && node.type === 'PLAIN' && !mayBeEmpty) return null
  return node.source ?? String(node.value)
}

function placesOf(
  reading: Reading,
  lines: LineCounter,
  text: string,
): Omit<Tree, 'file' | 'value'> {
  const nodeOf = (path: Path): Node | undefined =>
    reading.values.get(keyOf(path)) ?? (path.length === 0 ? undefined : nodeOf(path.slice(0, -1)))
  const placeOf = (path: Path) => placeAt(lines, nodeOf(path)?.range?.[0] ?? 0)
  const keyPlaceOf = (path: Path) => {
    const offset = reading.keys.get(keyOf(path))
    return offset === undefined ? placeOf(path) : placeAt(lines, offset)
  }
  const placeIn = (path: Path, offset: number) => {
    const node = reading.values.get(keyOf(path))
    return isScalar(node) ? placeInScalar(node, placeOf(path), offset, text) : placeOf(path)
  }
  return { placeOf, keyPlaceOf, placeIn }
}

/** Exact for `|` blocks and for texts of one line without escapes; the beginning of the text otherwise. */
function placeInScalar(node: Scalar, start: Place, offset: number, text: string): Place {
  const source = node.source ?? ''
  if (node.type === 'BLOCK_LITERAL') {
    const before = source.slice(0, offset).split('\n')
    const body = text
      .slice(node.range?.[0] ?? 0)
      .split('\n')
      .slice(1)
    const indent = /^ */.exec(body.find((line) => line.trim() !== '') ?? '')?.[0].length ?? 0
    return { line: start.line + before.length, column: indent + (before.at(-1)?.length ?? 0) + 1 }
  }
  const written = text.slice(node.range?.[0] ?? 0, node.range?.[1] ?? 0)
  const quote = node.type === 'PLAIN' ? 0 : 1
  const isVerbatim = written.slice(quote, written.length - quote) === source
  return isVerbatim ? { line: start.line, column: start.column + quote + offset } : start
}

/** What usually stands behind the parser's most common messages. */
function hintFor(message: string): string | null {
  if (/nested mappings|implicit (?:keys|map)/i.test(message)) {
    return 'a text with ": " in it needs quotes, or a | block on the next lines'
  }
  if (/tabs?\b/i.test(message)) return 'indent with spaces'
  if (/cannot start with|plain value/i.test(message)) return 'put the text in quotes'
  if (/tag/i.test(message)) return 'tags are not read; quote a text that begins with !'
  if (/multiple documents/i.test(message)) return 'put it into a file of its own'
  return null
}

function problemAt(
  file: string,
  place: Place,
  what: { message: string; hint: string | null },
): Problem {
  return { severity: 'error', file, ...place, message: what.message, hint: what.hint }
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

/** A text that is never parsed has its lines counted here. */
function addLines(lines: LineCounter, text: string): void {
  lines.addNewLine(0)
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1))
    lines.addNewLine(at + 1)
}

function keyOf(path: Path): string {
  return path.join('\0')
}
