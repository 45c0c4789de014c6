/**
 * Moves the write-ahead log into the database file. A passive checkpoint holds nobody up, and once it has caught up
 * the writer starts over at the log's beginning. Under a steady load it never quite catches up; then the little that
 * is left is worth a moment of the writer's time, or the log would grow for ever. The file itself stays as large as it
 * is: see write-ahead.ts.
 */
import type { DatabaseSync } from 'node:sqlite'

/** Frames of 4 KiB: 256 MiB. */
const LONG_LOG_FRAMES = 65_536
/** How long to wait for the writer to pause; the next checkpoint tries again. */
const PATIENCE_MS = 100
/** With more than this left over, somebody (a backup) reads an older state, and waiting would not help. */
const LEFT_OVER_FRAMES = 4_096

export function checkpointAnswer(db: DatabaseSync): () => void {
  const passive = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')
  return () => {
    const { log, checkpointed } = passive.get() as { log: number; checkpointed: number }
    if (log < LONG_LOG_FRAMES || log - checkpointed > LEFT_OVER_FRAMES) return
    // The writer is held up while this waits for others.
    db.exec(`PRAGMA busy_timeout = ${PATIENCE_MS}`)
    db.prepare('PRAGMA wal_checkpoint(RESTART)').get()
  }
}
