/**
 * `jobz.yaml`: settings at the top level for every daemon that knows them, and a section per daemon that wins over
 * them. The file is strict: a key that no daemon knows is refused, with the near name.
 */
import { nearestName } from '../definition/nearest.ts'
import { readTree } from '../definition/yaml-tree.ts'
import type { Path, Place, Tree } from '../definition/yaml-tree.ts'
import { readValue, usage } from './flags.ts'
import type { Flag, FlagValue, Usage } from './flags.ts'

/**
 * Every section and its keys, so that each daemon understands the file that it shares with the others without knowing
 * their rooms. A test holds this against the daemons' own tables.
 */
export const CONFIG_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['up', ['jobs', 'data', 'listen', 'bind', 'slots']],
  [
    'broker',
    ['data', 'bind', 'keys', 'insecure', 'keep-days', 'keep-runs', 'max-lost', 'max-depth'],
  ],
  [
    'worker',
    [
      'name',
      'jobs',
      'topics',
      'slots',
      'spool',
      'broker',
      'key',
      'insecure',
      'url',
      'allow-root',
      'policy',
    ],
  ],
  ['semaphore', ['jobs', 'broker', 'key', 'insecure']],
  [
    'frontend',
    [
      'listen',
      'broker',
      'key',
      'tokens',
      'tls-cert',
      'tls-key',
      'tls-ca',
      'tls-crl',
      'hosts',
      'audit',
      'insecure',
    ],
  ],
  ['demo', ['jobs', 'data', 'listen', 'bind', 'slots', 'once']],
  ['cli', ['url', 'ca', 'cert', 'cert-key', 'insecure']],
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
  const read = readTree(path, text, 'all')
  if (read.kind === 'refused') {
    const [first] = read.problems
    return usage(
      `${first ? at(first.file, first) : path}: ${first?.message}`,
      first?.hint ?? undefined,
    )
  }
  const { tree } = read
  if (tree.value === null) return { kind: 'config', values: new Map() }
  if (!isMap(tree.value)) return usage(`${path}: expected names with values (\`slots: 8\`)`)
  const reader = { tree, section, table }
  const values = new Map<string, FlagValue>()
  const problem =
    readMap(reader, tree.value, [], values) ??
    readMap(reader, tree.value[section], [section], values)
  return problem ?? { kind: 'config', values }
}

type Reader = { readonly tree: Tree; readonly section: string; readonly table: readonly Flag[] }

/** Reads the top level or a section into `values`; the keys of other daemons are only checked. */
function readMap(
  { tree, section, table }: Reader,
  map: unknown,
  path: Path,
  values: Map<string, FlagValue>,
): Usage | null {
  if (Array.isArray(map))
    return usage(`${at(tree.file, tree.placeOf(path))}: ${section} needs names with values`)
  if (!isMap(map)) return null
  const own = new Set(table.map((flag) => flag.flag))
  const isTop = path.length === 0
  const known = isTop ? new Set([...own, ...allKeys()]) : own
  for (const [given, value] of Object.entries(map)) {
    const here = [...path, given]
    const key = given.replaceAll('_', '-')
    if (isTop && (CONFIG_KEYS.has(key) || key === section) && isSection(value)) continue
    if (!known.has(key))
      return unknownKey(at(tree.file, tree.keyPlaceOf(here)), given, known, isTop)
    const flag = table.find((one) => one.flag === key)
    if (!flag) continue
    const read = readGiven(flag, value)
    if (typeof read === 'object' && 'kind' in read)
      return usage(`${at(tree.file, tree.placeOf(here))}: ${given}: ${read.message}`, read.hint)
    values.set(key, read)
  }
  return null
}

const at = (file: string, { line, column }: Place): string => `${file}:${line}:${column}`

/** `broker:` with names under it is a section; `broker: tcp://…` is the setting of that name. */
const isSection = (value: unknown): boolean => isMap(value) || value === null

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const allKeys = (): string[] => [...CONFIG_KEYS.values()].flat()

function unknownKey(where: string, key: string, known: Set<string>, isTop: boolean): Usage {
  const names = [...known, ...(isTop ? CONFIG_KEYS.keys() : [])]
  const near = nearestName(key.replaceAll('_', '-'), names)
  return usage(
    `${where}: unknown key ${JSON.stringify(key)}`,
    near ? `did you mean ${near.replaceAll('-', '_')}?` : `known are: ${[...known].join(', ')}`,
  )
}

/** Every value is the text that was written, so that `name: 007` is the name 007. */
function readGiven(flag: Flag, value: unknown): FlagValue | Usage {
  if (Array.isArray(value) && flag.kind === 'list') {
    return value.every((item) => typeof item === 'string')
      ? value
      : usage('a list of plain words, please')
  }
  return typeof value === 'string' ? readValue(flag.kind, value) : usage('needs a plain value')
}
