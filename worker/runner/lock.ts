/**
 * One daemon to a spool. The lock is a file that names the process that holds it; one that is dead holds nothing.
 *
 * The file appears whole, by a hard link, so that nobody reads half of it.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { identify, isAlive, ProcessIdentity } from './process-table.ts'

export type Locked =
  | { readonly kind: 'locked'; readonly release: () => void }
  | { readonly kind: 'held'; readonly pid: number }

const TRIES = 10

export function lockSpool(spool: string): Locked {
  const path = join(spool, 'lock')
  const mine = `${path}.${process.pid}`
  writeFileSync(mine, JSON.stringify(identify(process.pid)))
  try {
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (linked(mine, path))
        return { kind: 'locked', release: () => rmSync(path, { force: true }) }
      const holder = readHolder(path)
      if (holder !== null && isAlive(holder)) return { kind: 'held', pid: holder.pid }
      removeStale(path, `${path}.stale.${process.pid}`)
    }
    throw new Error(`the lock ${path} changes hands all the time`)
  } finally {
    rmSync(mine, { force: true })
  }
}

/** Whoever was quicker may have put a living lock there meanwhile: that one is put back. */
function removeStale(path: string, aside: string): void {
  try {
    renameSync(path, aside)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  const taken = readHolder(aside)
  if (taken !== null && isAlive(taken)) linked(aside, path)
  rmSync(aside, { force: true })
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

function readHolder(path: string): ProcessIdentity | null {
  try {
    const parsed = ProcessIdentity.safeParse(JSON.parse(readFileSync(path, 'utf8')))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''
