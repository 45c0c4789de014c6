/**
 * The room of the write-ahead log. A sync of a file that grows makes the file system write its own journal too, and
 * whoever makes files on that disk meanwhile (a worker's spool) waits for it. So the log gets its room once, as zeros
 * past its end, which SQLite takes for nothing (their salts are wrong), and is written over and over in place.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs'

const ROOM_BYTES = 32 * 1024 * 1024
const CHUNK = Buffer.alloc(1024 * 1024)

/** Makes the log at `path` as large as it will usually be. A disk that has no room for that has it for the runs instead. */
export function makeRoom(path: string): void {
  const file = openSync(path, 'a', 0o600)
  const { size } = fstatSync(file)
  try {
    for (let at = size; at < ROOM_BYTES; at += CHUNK.length)
      writeSync(file, CHUNK, 0, Math.min(CHUNK.length, ROOM_BYTES - at))
  } catch {
    // A full disk: the log grows as it is needed, or says by itself that it cannot.
    ftruncateSync(file, size)
  } finally {
    closeSync(file)
  }
}
