/**
 * What a daemon or a command is told: flags over the environment over `jobz.yaml` over defaults, by one table each.
 * Settings are known in code by their flag with underscores (`--allow-root` is `allow_root`).
 */
import { readFileSync } from 'node:fs'
import { readFlags, readValue, usage } from './flags.ts'
import type { Flag, FlagValue, Usage } from './flags.ts'

type Setting =
  | (Flag & { readonly env: string; readonly kind: 'text'; readonly default: string })
  | (Flag & { readonly env: string; readonly kind: 'count'; readonly default: number })
  | (Flag & { readonly env: string; readonly kind: 'switch'; readonly default: boolean })
  | (Flag & { readonly env: string; readonly kind: 'list'; readonly default: readonly string[] })

/** Write a table as `[…] as const satisfies SettingsTable`, and its settings have the right types. */
export type SettingsTable = readonly Setting[]

export type SettingsOf<Table extends SettingsTable> = {
  readonly [One in Table[number] as Underscored<One['flag']>]: KindOf<One['kind']>
}
type Underscored<Text extends string> = Text extends `${infer Head}-${infer Tail}`
  ? `${Head}_${Underscored<Tail>}`
  : Text
type KindOf<Kind> = Kind extends 'count'
  ? number
  : Kind extends 'switch'
    ? boolean
    : Kind extends 'list'
      ? readonly string[]
      : string

/** What every daemon knows beside its own: the file that `--config` named, for handing it on. */
export type Common = { readonly config?: string }

export type Read<Table extends SettingsTable> =
  | { readonly kind: 'settings'; readonly settings: SettingsOf<Table> & Common }
  | { readonly kind: 'help'; readonly text: string }
  | Usage

type Environment = Readonly<Record<string, string | undefined>>

/** These two every daemon has. */
const COMMON: readonly Flag[] = [
  { flag: 'config', kind: 'text', help: 'a file of settings (jobz.yaml, when there is one)' },
  { flag: 'help', short: 'h', kind: 'switch', help: 'show this' },
]
const DEFAULT_CONFIG = 'jobz.yaml'

/**
 * Reads the settings of a daemon.
 * @param section The daemon's name: its section in `jobz.yaml`, and the word in its help.
 * @param argv The words after the daemon's name.
 * @param read Gives the text of a file, or null when there is none; by default from disk.
 */
export async function readSettings<const Table extends SettingsTable>(
  section: string,
  table: Table,
  argv: readonly string[],
  env: Environment,
  read: (path: string) => string | null = readFile,
): Promise<Read<Table>> {
  const flags = readFlags([...table, ...COMMON], argv)
  if (flags.kind === 'usage') return flags
  if (flags.values.get('help') === true) return { kind: 'help', text: settingsHelp(section, table) }
  const [stray] = flags.positionals
  if (stray !== undefined)
    return usage(`jobz ${section} takes no ${JSON.stringify(stray)}`, `see: jobz ${section} --help`)

  const named = flags.values.get('config') ?? env['JOBZ_CONFIG'] ?? ''
  const path = named === '' ? DEFAULT_CONFIG : String(named)
  const text = readOrSay(read, path, named !== '')
  if (typeof text === 'object' && text !== null) return text
  const file = await readFileValues(path, text, section, table)
  if ('kind' in file) return file

  const settings: Record<string, FlagValue | readonly string[]> = Object.create(null)
  for (const setting of table) {
    const fromEnv = fromEnvironment(setting, env)
    if (typeof fromEnv === 'object' && 'kind' in fromEnv) return fromEnv
    settings[setting.flag.replaceAll('-', '_')] =
      flags.values.get(setting.flag) ?? fromEnv ?? file.get(setting.flag) ?? setting.default
  }
  if (named !== '') settings['config'] = path
  return { kind: 'settings', settings: settings as SettingsOf<Table> & Common }
}

/** The parser is loaded only when there is something to parse: most commands of a day have no such file. */
async function readFileValues(
  path: string,
  text: string | null,
  section: string,
  table: SettingsTable,
): Promise<ReadonlyMap<string, FlagValue> | Usage> {
  if (text === null) return new Map()
  const { readConfigFile } = await import('./config-file.ts')
  const file = readConfigFile(path, text, section, table)
  return file.kind === 'usage' ? file : file.values
}

/** An empty variable counts as absent, as empty values do everywhere in jobz. */
function fromEnvironment(setting: Setting, env: Environment): FlagValue | Usage | undefined {
  const text = env[setting.env]
  if (text === undefined || text === '') return undefined
  const value = readValue(setting.kind, text)
  if (typeof value === 'object' && 'kind' in value)
    return usage(`${setting.env}: ${value.message}`, value.hint)
  return value
}

function readOrSay(
  read: (path: string) => string | null,
  path: string,
  mustBeThere: boolean,
): string | null | Usage {
  try {
    const text = read(path)
    if (text === null && mustBeThere)
      return usage(`there is no file ${path}`, 'it was named by --config or JOBZ_CONFIG')
    return text
  } catch (error) {
    return usage(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function readFile(path: string): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/** The table as `--help` prints it. */
function settingsHelp(section: string, table: SettingsTable): string {
  const rows = table.map((setting) => [
    `  --${setting.flag}${setting.kind === 'switch' ? '' : ` ${setting.kind.toUpperCase()}`}`,
    setting.help,
    `(${setting.env}; ${shownDefault(setting)})`,
  ])
  rows.push(['  --config TEXT', COMMON[0]?.help ?? '', '(JOBZ_CONFIG)'])
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '))
  return [`usage: jobz ${section} [flags]`, '', ...lines.map((line) => line.trimEnd())].join('\n')
}

function shownDefault(setting: Setting): string {
  if (setting.kind === 'switch') return setting.default ? 'on' : 'off'
  const text = setting.kind === 'list' ? setting.default.join(',') : String(setting.default)
  return text === '' ? 'none' : text
}
