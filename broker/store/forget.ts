/**
 * Deleting what is over and old, on the writer's connection, a few milliseconds at a time.
 *
 * These transactions are not synced: nothing that others act on depends on them, and the next commit's sync takes them
 * along. After a power cut some of what was deleted may be there again, whole, and is deleted again. Deleted pages are
 * used again by later rows, so the file stops growing; it does not shrink.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Semaphore } from '../../common/definition/card.ts'
import type { Forgetting } from './store.ts'

/** `onForgotten` is told of each run that is gone. */
export function forgetter(db: DatabaseSync, onForgotten: (run_id: string) => void): Forgetting {
  const forgetRun = runForgetter(db)
  const forgetRequest = db.prepare('DELETE FROM requests WHERE request_id = ? AND job = ?')
  const toRemove = db.prepare(
    'SELECT run_id FROM forgotten_outputs WHERE run_id > ? ORDER BY run_id LIMIT ?',
  )
  const removed = db.prepare('DELETE FROM forgotten_outputs WHERE run_id = ?')
  return {
    forgetRuns: (run_ids, patience_ms) => {
      const own_gates = semaphoresWithoutKey(db)
      return unsynced(db, run_ids, patience_ms, (run_id) => {
        forgetRun(run_id, own_gates)
        onForgotten(run_id)
      })
    },
    forgetRequests: (keys, patience_ms) =>
      unsynced(db, keys, patience_ms, ({ request_id, job }) => forgetRequest.run(request_id, job)),
    outputsToRemove: (after, limit) =>
      (toRemove.all(after, limit) as { run_id: string }[]).map(({ run_id }) => run_id),
    outputsRemoved: (run_ids) =>
      void unsynced(db, run_ids, Infinity, (run_id) => removed.run(run_id)),
  }
}

/** One transaction over as many of the items as there is patience for, at least one; returns how many. */
function unsynced<Item>(
  db: DatabaseSync,
  items: readonly Item[],
  patience_ms: number,
  remove: (item: Item) => unknown,
): number {
  const until = performance.now() + patience_ms
  let done = 0
  db.exec('PRAGMA synchronous = NORMAL')
  try {
    db.exec('BEGIN IMMEDIATE')
    for (const item of items) {
      remove(item)
      done += 1
      if (performance.now() >= until) break
    }
    db.exec('COMMIT')
    return done
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK')
    db.exec('PRAGMA synchronous = FULL')
  }
}

/** Attempts that may have left output: all but those that never began, or that succeeded at once and in silence. */
const HAS_OUTPUT = `attempt > 0 AND NOT
  (attempt = 1 AND state = 'succeeded' AND stdout_bytes = 0 AND stderr_bytes = 0)`

function runForgetter(db: DatabaseSync): (run_id: string, own_gates: readonly string[]) => void {
  const deleteRun = db.prepare(
    'DELETE FROM runs WHERE run_id = ? AND finished_ms IS NOT NULL RETURNING flow_id',
  )
  const keepOutput = db.prepare(`INSERT OR IGNORE INTO forgotten_outputs
    SELECT run_id FROM tasks WHERE run_id = ? AND ${HAS_OUTPUT} LIMIT 1`)
  const deleteTasks = db.prepare('DELETE FROM tasks WHERE run_id = ?')
  const deleteArrivals = db.prepare('DELETE FROM arrivals WHERE run_id = ?')
  const member = db.prepare('SELECT 1 FROM runs INDEXED BY runs_flow WHERE flow_id = ? LIMIT 1')
  const deleteGate = db.prepare(
    'DELETE FROM gates WHERE semaphore = ? AND key = ? AND opened_ms IS NOT NULL',
  )
  return (run_id, own_gates) => {
    const row = deleteRun.get(run_id) as { flow_id: string } | undefined
    if (row === undefined) return
    keepOutput.run(run_id)
    deleteTasks.run(run_id)
    deleteArrivals.run(run_id)
    if (own_gates.length === 0 || member.get(row.flow_id) !== undefined) return
    for (const semaphore of own_gates) deleteGate.run(semaphore, row.flow_id)
  }
}

/**
 * Without a key a semaphore has one gate per flow, and nothing can come to it once the flow has no runs. A gate with a
 * key is kept for ever: it says that it was opened, and opens once.
 */
function semaphoresWithoutKey(db: DatabaseSync): string[] {
  const rows = db.prepare('SELECT name, definition FROM semaphores').all() as {
    name: string
    definition: string
  }[]
  return rows
    .filter(({ definition }) => (JSON.parse(definition) as Semaphore).key === null)
    .map(({ name }) => name)
}
