/**
 * A damaged file, said in words that help. SQLite notices damage only where it reads, so a file of moderate size is
 * looked through at the start; in a larger one damage shows when it is met, and whoever meets it ends with the same words.
 */
import { statSync } from 'node:fs'
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

/** SQLITE_CORRUPT and SQLITE_NOTADB, in the low byte of whatever extended code. */
const DAMAGED: ReadonlySet<number> = new Set([11, 26])

const isDamage = (error: unknown): boolean =>
  error instanceof Error &&
  'errcode' in error &&
  typeof error.errcode === 'number' &&
  DAMAGED.has(error.errcode & 0xff)

export const WHAT_TO_DO = 'put a backup in its place, or move it away to start empty'

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
