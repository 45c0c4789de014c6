/**
 * The store that comes with jobz: one SQLite file in WAL mode, written by the turn and synced at every commit.
 *
 * `synchronous=FULL` is set at each open because a file remembers WAL but not this. The writer never checkpoints: that
 * would hold up a decision for as long as the disk likes, so the history's thread does it (reader-checkpoint.ts).
 */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Records } from '../core/records.ts'
import {
  cardWriter,
  feedWriter,
  gateWriter,
  refusalWriter,
  semaphoreWriter,
  workerWriter,
} from './commit-rest.ts'
import { requestWriter, revisedWriter, runWriter, taskWriter } from './commit-runs.ts'
import { findDamage, findLost, tellingDamage, WHAT_TO_DO } from './damage.ts'
import { forgetter } from './forget.ts'
import { loadAlive } from './load.ts'
import { createPrivate, messageOf, takeLock } from './lock.ts'
import {
  arrivedLookUp,
  flowLookUp,
  gateLookUp,
  requestLookUp,
  retriedLookUp,
  runLookUp,
  valuesLookUp,
} from './look-ups.ts'
import { noRoom, whatIsInTheWay, whatOthersMayUse } from './rights.ts'
import { migrate } from './schema.ts'
import type { Forgetting, Store } from './store.ts'
import { openValuesCache } from './values-cache.ts'
import type { ValuesCache } from './values-cache.ts'

export const DATABASE_FILE = 'jobz.db'
const VALUES_CACHE_BYTES = 16 * 1024 * 1024
const PAGE_CACHE_KIB = 32 * 1024
/** A checkpoint on the other thread may hold the file for a moment; longer than this it is stuck. */
const BUSY_TIMEOUT_MS = 30_000

export type SqliteStore = Store & Forgetting
export type StoreRefused = { readonly kind: 'refused'; readonly message: string }

/** Opens, and creates where need be, the store of a data directory; says why it cannot. */
export function openSqlite(directory: string): SqliteStore | StoreRefused {
  try {
    const before = whatIsInTheWay(directory)
    if (before !== null) return { kind: 'refused', message: before }
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const lock = takeLock(directory)
    if (lock.kind === 'refused') return lock
    const path = join(directory, DATABASE_FILE)
    const db = openDatabase(path)
    if ('kind' in db) {
      lock.release()
      return db
    }
    return tellingDamage(
      path,
      storeOn(db, () => lock.release()),
    )
  } catch (error) {
    const message = noRoom(directory, error) ?? `${directory} cannot be used: ${messageOf(error)}`
    return { kind: 'refused', message }
  }
}

/** A file that is not what it should be is refused and left alone: it may be the only copy of somebody's runs. */
function openDatabase(path: string): DatabaseSync | StoreRefused {
  let db: DatabaseSync | null = null
  try {
    const lost = findLost(path)
    if (lost === null) createPrivate(path)
    // Before it is opened to be looked through: its side files would be open to others like it.
    const exposed = whatOthersMayUse(dirname(path))
    if (exposed !== null) return { kind: 'refused', message: exposed }
    const damage = lost ?? findDamage(path)
    if (damage !== null) return refused(path, `, because it is damaged (${damage}): ${WHAT_TO_DO}`)
    db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
    const refusal = migrate(db)
    if (refusal === null) {
      db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
        PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -${PAGE_CACHE_KIB}`)
      return db
    }
    db.close()
    return refused(path, `: ${refusal}`)
  } catch (error) {
    db?.close()
    const full = noRoom(dirname(path), error)
    if (full !== null) return { kind: 'refused', message: full }
    return refused(path, `, because it cannot be read (${messageOf(error)}): ${WHAT_TO_DO}`)
  }
}

const refused = (path: string, why: string): StoreRefused => ({
  kind: 'refused',
  message: `${path} was left as it is${why}`,
})

function storeOn(db: DatabaseSync, release: () => void): SqliteStore {
  const cache = openValuesCache(VALUES_CACHE_BYTES)
  return {
    load: () => loadAlive(db),
    commit: committer(db, cache),
    values: valuesLookUp(db, cache),
    requests: requestLookUp(db),
    runs: runLookUp(db),
    flow: flowLookUp(db),
    gates: gateLookUp(db),
    arrived: arrivedLookUp(db),
    retried: retriedLookUp(db),
    ...forgetter(db, (run_id) => cache.delete(run_id)),
    close: () => {
      db.close()
      release()
    },
  }
}

function committer(db: DatabaseSync, cache: ValuesCache): Store['commit'] {
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const lengths = new Map<string, number>()
  const writers = [
    runWriter(db, (run_id, text_length) => lengths.set(run_id, text_length)),
    revisedWriter(db),
    taskWriter(db),
    requestWriter(db),
    cardWriter(db),
    workerWriter(db),
    semaphoreWriter(db),
    gateWriter(db),
    refusalWriter(db),
    feedWriter(db),
  ]
  return (records) => {
    lengths.clear()
    begin.run()
    try {
      for (const write of writers) write(records)
      commit.run()
    } catch (error) {
      rollBack(db)
      throw error
    }
    remember(cache, records, lengths)
  }
}

/** SQLite may have rolled back by itself (a full disk), and then there is nothing left to undo. */
function rollBack(db: DatabaseSync): void {
  if (db.isTransaction) db.exec('ROLLBACK')
}

/** Only what is on disk enters the cache; a run that is over is hardly asked for again. */
function remember(cache: ValuesCache, records: Records, lengths: Map<string, number>): void {
  for (const { run_id } of records.revised) cache.delete(run_id)
  for (const { run, values } of records.runs) {
    if (run.finished_ms !== null) cache.delete(run.run_id)
    else if (values !== null) cache.set(run.run_id, values, lengths.get(run.run_id) ?? 0)
  }
}
