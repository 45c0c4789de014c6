/**
 * A damaged file, said in words that help. SQLite notices damage only where it reads, so a file of moderate size is
 * looked through at the start; in a larger one damage shows when it is met, and whoever meets it ends with the same words.
 */
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { messageOf } from './lock.ts'

/** Looking through this much takes about half a second when the system has it in memory. */
const LOOKED_THROUGH_BYTES = 512 * 1024 * 1024

/**
 * What is found first, or null. The file is opened to be read only: otherwise closing it again would move its log into
 * it, and a damaged file is to be left as it is. Throws what SQLite throws where it can read nothing at all.
 */
export function findDamage(path: string): string | null {
  const { size } = statSync(path)
  if (size === 0 || size > LOOKED_THROUGH_BYTES) return null
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const found = String(Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})[0])
    return found === 'ok' ? null : found.trim().replaceAll(/\s+/g, ' ')
  } finally {
    db.close()
  }
}

/**
 * What SQLite would pass over in silence, and so lose: a log that lies beside no database or an empty one (it is thrown
 * away), a log that is none (it is written over), and a database that is empty though there were runs.
 */
export function findLost(path: string): string | null {
  const size = statSync(path, { throwIfNoEntry: false })?.size
  const head = startOf(`${path}-wal`)
  const has_log = head.some((byte) => byte !== 0)
  if (has_log && !isLogHead(head)) return 'its log jobz.db-wal is cut off or written over'
  if (has_log && !size)
    return size === 0
      ? 'it is empty, but its log jobz.db-wal is not'
      : 'it is not there, but its log jobz.db-wal is'
  if (size === 0 && hasEntries(join(dirname(path), 'output')))
    return 'it is empty, but what its runs wrote is there'
  return null
}

const LOG_HEAD_BYTES = 32
const LOG_MAGIC: ReadonlySet<number> = new Set([0x377f0682, 0x377f0683])
const isLogHead = (head: Buffer): boolean =>
  head.length === LOG_HEAD_BYTES && LOG_MAGIC.has(head.readUInt32BE(0))

/** The first bytes of a file; none when there is no such file. */
function startOf(path: string): Buffer {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return Buffer.alloc(0)
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(LOG_HEAD_BYTES)
    return bytes.subarray(0, readSync(file, bytes))
  } finally {
    closeSync(file)
  }
}

const hasEntries = (folder: string): boolean =>
  statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true &&
  readdirSync(folder).length > 0

/** SQLITE_CORRUPT and SQLITE_NOTADB, in the low byte of whatever extended code. */
const DAMAGED: ReadonlySet<number> = new Set([11, 26])

const isDamage = (error: unknown): boolean =>
  error instanceof Error &&
  'errcode' in error &&
  typeof error.errcode === 'number' &&
  DAMAGED.has(error.errcode & 0xff)

export const WHAT_TO_DO =
  'put a backup in its place, or move it away with its log (-wal) to start empty'

/** The same functions, whose errors say which file is damaged and what to do. */
export function tellingDamage<T extends Record<string, (...args: never[]) => unknown>>(
  path: string,
  functions: T,
): T {
  const telling = Object.entries(functions).map(([name, ask]) => [
    name,
    (...args: never[]): unknown => {
      try {
        return ask(...args)
      } catch (error) {
        if (!isDamage(error)) throw error
        const message = `${path} is damaged (${messageOf(error)}): ${WHAT_TO_DO}`
        throw new Error(message, { cause: error })
      }
    },
  ])
  return Object.fromEntries(telling) as T
}
