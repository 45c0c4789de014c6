/** What a command is, and what it is given to work with. One verb per file in `commands/`; `commands/table.ts` lists them. */
import type { Flag, FlagValue } from '../common/daemon/flags.ts'
import { printableJson } from '../common/daemon/printable.ts'
import type { Api } from './api/client.ts'
import type { Terminal } from './terminal.ts'

export type Command = ClientCommand | DaemonCommand

type Described = {
  readonly name: string
  /** As one types it, without `jobz`. */
  readonly usage: string
  readonly summary: string
}

/** Asks the frontend, or works on files, and ends. */
export type ClientCommand = Described & {
  readonly kind: 'client'
  /** The least and the greatest number of words beside flags. */
  readonly takes: readonly [number, number]
  readonly flags: readonly Flag[]
  /** Further lines of its help. */
  readonly notes?: readonly string[]
  /** Answers the exit code. */
  readonly run: (cli: Cli) => Promise<number>
}

/** Stays in the foreground; reads its own flags by its own table. */
export type DaemonCommand = Described & {
  readonly kind: 'daemon'
  readonly run: (words: readonly string[]) => Promise<void>
}

/** One command at work. */
export type Cli = {
  readonly terminal: Terminal
  readonly api: Api
  /** Show the API's JSON as it is. */
  readonly json: boolean
  /** Show times in UTC, not in local time. */
  readonly utc: boolean
  readonly words: readonly string[]
  readonly flags: ReadonlyMap<string, FlagValue>
}

/** The flags that every client command has. */
export const SHARED_FLAGS: readonly Flag[] = [
  { flag: 'url', kind: 'text', help: 'where the frontend is (JOBZ_URL; http://127.0.0.1:6769)' },
  { flag: 'ca', kind: 'text', help: 'the authority of its certificate, for https (JOBZ_CA)' },
  { flag: 'cert', kind: 'text', help: 'a client certificate, for https (JOBZ_CERT)' },
  { flag: 'cert-key', kind: 'text', help: 'its private key (JOBZ_CERT_KEY)' },
  { flag: 'json', kind: 'switch', help: "the API's JSON as it is" },
  { flag: 'utc', kind: 'switch', help: 'times in UTC' },
  { flag: 'config', kind: 'text', help: 'a file of settings (JOBZ_CONFIG; jobz.yaml)' },
  { flag: 'help', short: 'h', kind: 'switch', help: 'show this' },
]

/** A flag's text, or undefined when it was not given (or given empty). */
export function textFlag(cli: Cli, name: string): string | undefined {
  const value = cli.flags.get(name)
  return value === undefined || value === '' ? undefined : String(value)
}

export const switchFlag = (cli: Cli, name: string): boolean => cli.flags.get(name) === true

export function listFlag(cli: Cli, name: string): readonly string[] {
  const value = cli.flags.get(name)
  return Array.isArray(value) ? value : []
}

/** Writes the API's JSON, indented for eyes and on one line for programs. */
export function writeJson(cli: Cli, body: unknown): void {
  const { out } = cli.terminal
  out.write(`${printableJson(JSON.stringify(body, null, out.isTerminal ? 2 : 0))}\n`)
}
