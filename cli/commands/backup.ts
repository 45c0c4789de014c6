/**
 * `jobz backup FILE`: a copy of the broker's database as it stands at one moment, while the broker goes on.
 *
 * It reads the store's file itself, on the broker's host, so it needs neither the broker nor the frontend. SQLite's own
 * copying of pages begins anew whenever something is written; `VACUUM INTO` reads one state from beginning to end, which
 * keeps no writer waiting, and the copy holds no unused space.
 */
import { chmodSync, closeSync, existsSync, fsyncSync, openSync, renameSync } from 'node:fs'
import { rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Failure } from '../api/failure.ts'
import { textFlag, writeJson } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import { complain } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'

export const BACKUP: ClientCommand = {
  kind: 'client',
  name: 'backup',
  usage: 'backup FILE [--data DIR]',
  summary: "copy the broker's database to a new file, on its host, while it runs",
  takes: [1, 1],
  flags: [
    {
      flag: 'data',
      kind: 'text',
      help: "the broker's data, or that of `jobz up` (JOBZ_DATA; .jobz/broker)",
    },
  ],
  notes: ['Output of commands is not in it: copy the folder `output` beside the database as well.'],
  run: backup,
}

/** The broker's names for these; a test holds them against the broker's own. */
export const DATABASE_FILE = 'jobz.db'
export const APPLICATION_ID = 0x6a6f627a

async function backup(cli: Cli): Promise<number> {
  const [file = ''] = cli.words
  const source = findDatabase(
    textFlag(cli, 'data') ?? (cli.terminal.env['JOBZ_DATA'] || '.jobz/broker'),
  )
  if (typeof source !== 'string') return complain(cli, source)
  const copied = copy(source, resolve(file))
  if ('kind' in copied) return complain(cli, copied)
  if (cli.json) writeJson(cli, { file, ...copied })
  else cli.terminal.out.write(`${file}: ${copied.runs} runs, ${copied.bytes} bytes\n`)
  return EXIT.succeeded
}

/** `jobz up` keeps its broker's data in a folder of its own data. */
function findDatabase(data: string): string | Failure {
  const places = [join(data, DATABASE_FILE), join(data, 'broker', DATABASE_FILE)]
  const found = places.find((place) => existsSync(place))
  return found ?? refused(`there is no database in ${data}`, "name the broker's data with --data")
}

/** Under its own name the file stands only when it is whole and on disk. */
function copy(source: string, file: string): { runs: number; bytes: number } | Failure {
  const partial = `${file}.partial`
  if (existsSync(file)) return refused(`${file} is there already`, 'a backup needs a new file')
  try {
    closeSync(openSync(partial, 'wx', 0o600))
  } catch (error) {
    return refused(whyNotMade(error, file, partial), null)
  }
  try {
    const runs = vacuum(source, partial)
    // SQLite may have replaced the mode that the file was made with.
    chmodSync(partial, 0o600)
    sync(partial)
    const { size } = statSync(partial)
    renameSync(partial, file)
    sync(dirname(file))
    return { runs, bytes: size }
  } catch (error) {
    rmSync(partial, { force: true })
    return refused(`${source} could not be copied: ${messageOf(error)}`, null)
  }
}

/** Opened to be read only: closing it must not move the broker's log. Returns how many runs the copy holds. */
function vacuum(source: string, partial: string): number {
  const db = new DatabaseSync(source, { readOnly: true, timeout: 10_000 })
  try {
    const owner = db.prepare('PRAGMA application_id').get()?.['application_id']
    if (owner !== APPLICATION_ID) throw new Error('it is no database of jobz')
    db.prepare('VACUUM INTO ?').run(partial)
  } finally {
    db.close()
  }
  const made = new DatabaseSync(partial, { readOnly: true })
  try {
    return Number(made.prepare('SELECT count(*) AS runs FROM runs').get()?.['runs'])
  } finally {
    made.close()
  }
}

function sync(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function whyNotMade(error: unknown, file: string, partial: string): string {
  const is_there = error instanceof Error && 'code' in error && error.code === 'EEXIST'
  return is_there
    ? `${partial} is there: another backup writes it, or one was cut short; then remove it`
    : `${file} cannot be made: ${messageOf(error)}`
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

const refused = (message: string, hint: string | null): Failure => ({
  kind: 'refused',
  status: 0,
  code: 'backup',
  message,
  hint,
  body: null,
})
