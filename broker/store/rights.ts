/**
 * Whether this process can use the files of a data directory, and nobody else can: they hold what commands were given and
 * what they wrote. What SQLite says of a file that belongs to somebody else, or of a full disk, is about input, output and
 * databases, and sends people to their backups.
 */
import { accessSync, constants, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

const { R_OK, W_OK, X_OK } = constants
const FILES = ['jobz.db', 'jobz.db-wal', 'jobz.db-shm', 'jobz.lock', 'jobz.holder']
const OUTPUT = 'output'
const FOLDERS = ['', OUTPUT]

/** The first thing that is in the way, with what to do; null when nothing is. What is not there yet is not. */
export function whatIsInTheWay(directory: string): string | null {
  const wanted = [
    ...FOLDERS.map((name) => ({ path: join(directory, name), isFolder: true })),
    ...FILES.map((name) => ({ path: join(directory, name), isFolder: false })),
  ]
  for (const { path, isFolder } of wanted) {
    const problem = problemWith(path, isFolder)
    if (problem !== null) return problem
  }
  return null
}

function problemWith(path: string, isFolder: boolean): string | null {
  try {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found === undefined) return null
    if (found.isDirectory() !== isFolder)
      return `${path} is ${isFolder ? 'no folder' : 'a folder'}: move it away, or name another with --data`
    accessSync(path, isFolder ? R_OK | W_OK | X_OK : R_OK | W_OK)
    return null
  } catch (error) {
    return inWords(path, error instanceof Error && 'code' in error ? String(error.code) : '')
  }
}

/**
 * The first thing that others may use too, with what to do; null when there is none. The folder itself may be open to them,
 * as one that was made beforehand often is: what is in it is not.
 */
export function whatOthersMayUse(directory: string): string | null {
  const kept = [{ name: OUTPUT, right: '700' }, ...FILES.map((name) => ({ name, right: '600' }))]
  for (const { name, right } of kept) {
    const path = join(directory, name)
    const { mode } = statSync(path, { throwIfNoEntry: false }) ?? { mode: 0 }
    if ((mode & 0o077) !== 0)
      return `others may use ${path} (mode ${octal(mode)}): chmod ${right} ${path}`
  }
  return null
}

function inWords(path: string, code: string): string {
  if (code === 'EROFS') return `${path} is on a file system that cannot be written`
  if (code !== 'EACCES' && code !== 'EPERM') return `${path} cannot be used (${code})`
  return `${path} may not be read and written by this process (${me()}; it belongs to ${ownerOf(path)}): start the broker as its owner, or change that`
}

const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(4, '0')

const me = (): string => `user ${process.geteuid?.() ?? '?'}`

function ownerOf(path: string): string {
  try {
    const { uid, mode } = statSync(path)
    return `user ${uid}, mode ${octal(mode)}`
  } catch {
    return 'somebody else'
  }
}

const SQLITE_FULL = 13
const SQLITE_IOERR = 10
const HARDLY_ANY_BYTES = 1024 * 1024

/** Whether an error came of a disk without room, in words; null when it did not. */
export function noRoom(directory: string, error: unknown): string | null {
  const { code, errcode } = Object(error) as { code?: unknown; errcode?: unknown }
  const kind = typeof errcode === 'number' ? errcode & 0xff : 0
  const isFull =
    code === 'ENOSPC' ||
    kind === SQLITE_FULL ||
    (kind === SQLITE_IOERR && freeBytes(directory) < HARDLY_ANY_BYTES)
  return isFull
    ? `the disk of ${directory} is full: make room and start again; nothing is lost`
    : null
}

function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}
