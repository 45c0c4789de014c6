/**
 * One broker holds a data directory. The lock is an exclusive transaction on a second database file: the system drops
 * it with the process, however that ends, and it leaves the first file open to readers (backups, `sqlite3`). Who holds
 * it is written beside it, for the message only.
 */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export type Lock = { readonly kind: 'held'; release(): void }

/** Takes the lock of a directory, or says who has it. */
export function takeLock(directory: string): Lock | { kind: 'refused'; message: string } {
  const path = join(directory, 'jobz.lock')
  const holder = join(directory, 'jobz.holder')
  createPrivate(path)
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    if (!isBusy(error) && !isForeign(error)) throw error
    if (!isBusy(error)) {
      const message = `${path} cannot be locked (${messageOf(error)}): remove it, it holds nothing`
      return { kind: 'refused', message }
    }
    const message = `${directory} is held by another broker${readHolder(holder)}: stop that one, or give this one a directory of its own with --data`
    return { kind: 'refused', message }
  }
  writeFileSync(holder, `process ${process.pid} on ${hostname()}\n`, { mode: 0o600 })
  return { kind: 'held', release: () => db.close() }
}

/** Makes sure of a file that only its owner may read; SQLite gives its side files the same mode. */
export const createPrivate = (path: string): void => closeSync(openSync(path, 'a', 0o600))

/** What an unknown thrown thing says. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

const isCode =
  (code: number) =>
  (error: unknown): boolean =>
    error instanceof Error && 'errcode' in error && error.errcode === code
const isBusy = isCode(5)
/** It is no database. */
const isForeign = isCode(26)

function readHolder(path: string): string {
  try {
    const [line = ''] = readFileSync(path, 'utf8').split('\n')
    return line === '' ? '' : ` (${line.slice(0, 200)})`
  } catch {
    return ''
  }
}
