/**
 * Moves the write-ahead log into the database file. A passive checkpoint holds nobody up, and once it has caught up
 * the writer starts over at the log's beginning. Under a steady load it never quite catches up; then the little that
 * is left is worth a moment of the writer's time, or the log would grow for ever.
 */
import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'

const BIG_LOG_BYTES = 64 * 1024 * 1024
/** How long to wait for the writer to pause; the next checkpoint tries again. */
const PATIENCE_MS = 100

export function checkpointAnswer(db: DatabaseSync, path: string): () => void {
  return () => {
    db.prepare('PRAGMA wal_checkpoint(PASSIVE)').get()
    if (logSize(path) < BIG_LOG_BYTES) return
    db.exec(`PRAGMA busy_timeout = ${PATIENCE_MS}`)
    db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
  }
}

const logSize = (path: string): number =>
  statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
