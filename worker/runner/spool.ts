/**
 * The spool: what a worker holds, as files, so that the next daemon of the same spool knows it too.
 *
 *     lock  instance
 *     attempts/17.task     what was accepted
 *              17.command  how it was started; its header says when and by which keeper
 *              17.stdout   17.stderr
 *              17.output   values; before that, where another user runs it, its script
 *              17.code     the exit code: digits and a newline
 *              17.stop     why it is to end
 *
 * There is no folder for each attempt: making and removing one costs more than all of its files. Numbers are not used
 * again while a daemon lives, so nothing that an old command left behind can write to a new one's files.
 * Nothing is synced to the disk: the broker keeps what must survive the host. A record that is not whole was never
 * acknowledged, and is removed. A code counts when its newline is there, so it needs no renaming to be whole.
 */
import {
  chmodSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { AttemptKey, AttemptTask, StopReason } from '../core/state.ts'
import { keyOf } from '../core/state.ts'
import type { CommandHeader } from './command-file.ts'
import { SCRIPT_MARK, SCRIPT_MODE } from './as-user.ts'
import { readHeader } from './command-file.ts'
import { readHidden } from './outputs.ts'

/**
 * What an older daemon wrote, a newer one reads, and the other way round when an upgrade is taken back. So a field that is
 * added must be one that may be missing, and none may ever mean something else: a record that cannot be read is removed, and
 * its command is nobody's any more.
 */
const TaskRecord = z.object({
  task_id: z.string(),
  attempt: z.number().int().min(1),
  run_id: z.string(),
  flow_id: z.string(),
  job: z.string(),
  params: z.record(z.string(), z.string()),
  context: z.record(z.string(), z.string()),
  token: z.string().optional(),
  secret: z.array(z.string()).optional(),
})
/** A reason that is not known stops it all the same. */
const StopRecord = z.enum(['timeout', 'canceled', 'fenced', 'returned']).catch('canceled')

export type Stored = {
  readonly task: AttemptTask
  readonly stop: StopReason | null
  /** Null: no keeper was ever given it. */
  readonly header: CommandHeader | null
}

type Code = { readonly exit_code: number; readonly at_ms: number }

export type Spool = {
  /** Where keepers run: it holds the files. */
  readonly folder: string
  /** Writes the record; throws when the disk does not take it. */
  keep(key: AttemptKey, task: AttemptTask): void
  /** Answers why it could not be written, or null. */
  noteStop(key: AttemptKey, reason: StopReason): string | null
  /** The number of an attempt, as its files are named; null when it has none. */
  entryOf(key: AttemptKey): string | null
  keyOf(entry: string): AttemptKey | null
  pathOf(entry: string, file: SpoolFile): string
  writeCommand(entry: string, text: string): void
  /** What another user's shell reads, in the file for that command's values. */
  writeScript(entry: string, text: string): void
  /** There is a script, and nobody has read it. */
  hasScript(entry: string): boolean
  /** Null while there is none. */
  readCode(entry: string): Code | null
  /** Its subshell began; where another user runs it, the command has only when its script is read, too. */
  hasMark(entry: string): boolean
  /** It never began: all but its record goes. */
  clear(entry: string): void
  forget(key: AttemptKey): void
}

type SpoolFile = 'task' | 'command' | 'stdout' | 'stderr' | 'output' | 'code' | 'stop'
/** The record goes first: what is left without one is no attempt any more. */
const FILES: readonly SpoolFile[] = [
  'task',
  'command',
  'stdout',
  'stderr',
  'code',
  'output',
  'stop',
]

/** Opens the spool (which is locked) and reads what it holds, in the order in which it came. */
export function openSpool(root: string): { readonly spool: Spool; readonly stored: Stored[] } {
  const folder = join(root, 'attempts')
  const entries = new Map<AttemptKey, string>()
  const keys = new Map<string, AttemptKey>()
  const files = readdirSync(folder)
  const numbers = files.map((file) => Number(/^(\d{1,15})\.task$/.exec(file)?.[1] ?? 0))
  let last = Math.max(0, ...files.map((file) => Number.parseInt(file, 10) || 0))
  const pathOf = (entry: string, file: SpoolFile): string => `${folder}/${entry}.${file}`
  const assign = (key: AttemptKey, entry: string): void => {
    entries.set(key, entry)
    keys.set(entry, key)
  }

  const stored: Stored[] = []
  for (const number of numbers.filter((n) => n > 0).toSorted((x, y) => x - y)) {
    const entry = String(number)
    const found = readStored((file) => readOrNull(pathOf(entry, file)))
    if (!found || entries.has(keyOf(found.task))) continue
    assign(keyOf(found.task), entry)
    stored.push(found)
  }
  for (const file of files) {
    const [entry = ''] = file.split('.')
    if (!keys.has(entry)) rmSync(join(folder, file), { recursive: true, force: true })
  }

  const spool: Spool = {
    folder,
    keep: (key, task) => {
      last += 1
      const entry = String(last)
      try {
        writeFileSync(pathOf(entry, 'task'), JSON.stringify(task), { mode: 0o600, flag: 'wx' })
      } catch (error) {
        rmSync(pathOf(entry, 'task'), { force: true })
        throw error
      }
      assign(key, entry)
    },
    noteStop: (key, reason) => {
      const entry = entries.get(key)
      if (entry === undefined) return null
      try {
        writeFileSync(pathOf(entry, 'stop'), reason, { flush: true })
        return null
      } catch (error) {
        return String(error)
      }
    },
    entryOf: (key) => entries.get(key) ?? null,
    keyOf: (entry) => keys.get(entry) ?? null,
    pathOf,
    writeCommand: (entry, text) => writeFileSync(pathOf(entry, 'command'), text, { mode: 0o600 }),
    writeScript: (entry, text) => writeScript(pathOf(entry, 'output'), text),
    hasScript: (entry) => hasScript(pathOf(entry, 'output')),
    readCode: (entry) => readCode(pathOf(entry, 'code')),
    hasMark: (entry) => exists(pathOf(entry, 'stderr')),
    clear: (entry) => {
      // Should somebody have it open all the same, there is nothing to run in it.
      if (exists(pathOf(entry, 'output'))) truncateSync(pathOf(entry, 'output'))
      for (const file of FILES) if (file !== 'task') unlinkQuietly(pathOf(entry, file))
    },
    forget: (key) => {
      const entry = entries.get(key)
      if (entry === undefined) return
      entries.delete(key)
      keys.delete(entry)
      for (const file of FILES) removeFile(pathOf(entry, file), file)
    },
  }
  return { spool, stored }
}

function readStored(read: (file: SpoolFile) => string | null): Stored | null {
  const task = TaskRecord.safeParse(parseJson(read('task') ?? ''))
  if (!task.success) return null
  const stop = read('stop')
  return {
    task: task.data,
    stop: stop ? StopRecord.parse(stop) : null,
    header: readHeader(read('command') ?? ''),
  }
}

function readCode(path: string): Code | null {
  const match = /^(\d{1,3})\n/.exec(readOrNull(path) ?? '')
  const exit_code = Number(match?.[1] ?? 256)
  if (exit_code > 255) return null
  const stat = statSync(path, { throwIfNoEntry: false })
  return { exit_code, at_ms: Math.round(stat?.mtimeMs ?? Date.now()) }
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined

function writeScript(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 })
  // Whatever this daemon's mask leaves to others, that user must be able to write it.
  chmodSync(path, SCRIPT_MODE)
}

function hasScript(path: string): boolean {
  if (!exists(path)) return false
  return readHidden(path, 0, SCRIPT_MARK.length, null).toString('latin1') === SCRIPT_MARK
}

function removeFile(path: string, file: SpoolFile): void {
  // For those that most attempts have not, asking first is cheaper than an exception.
  const rare = file === 'output' || file === 'stop'
  if (!rare || exists(path)) unlinkQuietly(path)
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // It never was there, or is gone already.
  }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
