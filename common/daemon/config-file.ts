/**
 * `jobz.yaml`: settings at the top level for every daemon that knows them, and a section per daemon that wins over
 * them. The file is strict: a key that no daemon knows is refused, with the near name.
 */
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Node, YAMLMap } from 'yaml'
import { nearestName } from '../definition/nearest.ts'
import { excessOf } from '../definition/yaml-bounds.ts'
import { readValue, usage } from './flags.ts'
import type { Flag, FlagValue, Usage } from './flags.ts'

/**
 * Every section and its keys, so that each daemon understands the file that it shares with the others without knowing
 * their rooms. A test holds this against the daemons' own tables.
 */
export const CONFIG_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['up', ['jobs', 'data', 'listen', 'bind', 'slots']],
  ['broker', ['data', 'bind', 'keep-days', 'keep-runs', 'max-lost', 'max-depth']],
  ['worker', ['name', 'jobs', 'topics', 'slots', 'spool', 'broker', 'url', 'allow-root', 'policy']],
  ['semaphore', ['jobs', 'broker']],
  ['frontend', ['listen', 'broker']],
  ['demo', ['jobs', 'data', 'listen', 'bind', 'slots', 'once']],
  ['cli', ['url']],
])

export type ConfigFile =
  { readonly kind: 'config'; readonly values: Map<string, FlagValue> } | Usage

/** The values that the text of a `jobz.yaml` gives to one daemon's table, by flag. */
export function readConfigFile(
  path: string,
  text: string,
  section: string,
  table: readonly Flag[],
): ConfigFile {
  const excess = excessOf(text)
  if (excess) return usage(`${path}: ${excess.message}`, excess.hint)
  const lines = new LineCounter()
  const at = (node: unknown): string => {
    const offset = (node as Node | null)?.range?.[0] ?? 0
    const { line, col } = lines.linePos(offset)
    return `${path}:${line}:${col}`
  }
  const parsed = parse(text, lines)
  if (parsed.kind === 'usage') return usage(`${path}: ${parsed.message}`)
  const reader = { at, section, table }
  const values = new Map<string, FlagValue>()
  const problem =
    readMap(reader, parsed.map, 'top', values) ??
    readMap(reader, parsed.map?.get(section, true) ?? null, 'section', values)
  return problem ?? { kind: 'config', values }
}

type Reader = { at: (node: unknown) => string; section: string; table: readonly Flag[] }

function parse(
  text: string,
  lineCounter: LineCounter,
): { kind: 'parsed'; map: YAMLMap | null } | Usage {
  let document
  try {
    document = parseDocument(text, { lineCounter, uniqueKeys: true, version: '1.2' })
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
  const [broken] = document.errors
  if (broken) return usage(broken.message)
  const { contents } = document
  if (contents === null || (isScalar(contents) && contents.value === null))
    return { kind: 'parsed', map: null }
  return isMap(contents)
    ? { kind: 'parsed', map: contents }
    : usage('expected names with values (`slots: 8`)')
}

/** Reads one level into `values`; the keys of other daemons are only checked. */
function readMap(
  reader: Reader,
  node: unknown,
  level: 'top' | 'section',
  values: Map<string, FlagValue>,
): Usage | null {
  if (node === null || node === undefined || (isScalar(node) && node.value === null)) return null
  if (!isMap(node)) return usage(`${reader.at(node)}: ${reader.section} needs names with values`)
  const own = new Set(reader.table.map((flag) => flag.flag))
  const known = level === 'top' ? new Set([...own, ...allKeys()]) : own
  for (const pair of node.items) {
    const given = isScalar(pair.key) ? String(pair.key.value) : '?'
    const key = given.replaceAll('_', '-')
    if (
      level === 'top' &&
      (CONFIG_KEYS.has(key) || key === reader.section) &&
      isSection(pair.value)
    )
      continue
    if (!known.has(key)) return unknownKey(reader.at(pair.key), given, known, level)
    const flag = reader.table.find((flag) => flag.flag === key)
    if (!flag) continue
    const value = readNode(flag, pair.value)
    if (typeof value === 'object' && 'kind' in value)
      return usage(`${reader.at(pair.value ?? pair.key)}: ${given}: ${value.message}`, value.hint)
    values.set(key, value)
  }
  return null
}

/** `broker:` with names under it is a section; `broker: tcp://…` is the setting of that name. */
const isSection = (node: unknown): boolean =>
  isMap(node) || node === null || (isScalar(node) && node.value === null)

const allKeys = (): string[] => [...CONFIG_KEYS.values()].flat()

function unknownKey(where: string, key: string, known: Set<string>, level: string): Usage {
  const names = [...known, ...(level === 'top' ? CONFIG_KEYS.keys() : [])]
  const near = nearestName(key.replaceAll('_', '-'), names)
  return usage(
    `${where}: unknown key ${JSON.stringify(key)}`,
    near ? `did you mean ${near.replaceAll('-', '_')}?` : `known are: ${[...known].join(', ')}`,
  )
}

/** A value keeps its source text, so that `name: 007` is the name 007. */
function readNode(flag: Flag, node: unknown): FlagValue | Usage {
  if (isSeq(node) && flag.kind === 'list') {
    if (!node.items.every((item) => isScalar(item))) return usage('a list of plain words, please')
    return node.items.map((item) => sourceOf(item))
  }
  if (!isScalar(node) || node.value === null) return usage('needs a plain value')
  return readValue(flag.kind, sourceOf(node))
}

const sourceOf = (node: unknown): string =>
  isScalar(node) ? (node.source ?? String(node.value)) : ''
