/**
 * When the write-ahead log is moved into the database: on the reader's thread, off the hot path. It syncs files on the
 * same disk as the commits, which wait for it: so it happens rarely, unless the log has grown large.
 */
import { statSync } from 'node:fs'
import type { Log } from '../../common/daemon/log.ts'
import type { History } from '../store/store.ts'

const LOOK_MS = 1_000
const LARGE_BYTES = 64 * 1024 * 1024
const AT_LEAST_EVERY = 15

/** `wal` is the path of the log. Returns what stops it. */
export function startCheckpoints(
  wal: string,
  history: Pick<History, 'checkpoint'>,
  log: Log,
): () => void {
  let looks = 0
  const look = (): void => {
    looks += 1
    const bytes = statSync(wal, { throwIfNoEntry: false })?.size ?? 0
    if (bytes < LARGE_BYTES && looks < AT_LEAST_EVERY) return
    looks = 0
    void history
      .checkpoint()
      .catch((error: unknown) => log.warn('checkpoint failed', { error: String(error) }))
  }
  const timer = setInterval(look, LOOK_MS)
  return () => clearInterval(timer)
}
