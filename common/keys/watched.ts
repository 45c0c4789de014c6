/**
 * Files that may change while a daemon runs: they are looked at every second, which works on every file system and
 * through every way of replacing a file.
 */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

export type Watched = { stop(): void }

const LOOK_MS = 1_000

/**
 * Calls `changed` after any of these files, or a file of one of these folders, came, went or was written.
 * @param paths What need not exist yet.
 */
export function watchFiles(
  paths: readonly string[],
  changed: () => void,
  look_ms: number = LOOK_MS,
): Watched {
  let before = lookOf(paths)
  const timer = setInterval(() => {
    const now = lookOf(paths)
    if (now === before) return
    before = now
    changed()
  }, look_ms)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}

const lookOf = (paths: readonly string[]): string =>
  paths
    .flatMap((path) => [markOf(path), ...namesIn(path).map((name) => markOf(join(path, name)))])
    .join('\n')

/** What changes with a file: which one it is, its size, and when it or its rights were changed. */
function markOf(path: string): string {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false })
    if (found === undefined) return `${path} absent`
    return `${path} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`
  } catch (error) {
    return `${path} ${String(error)}`
  }
}

/** Of the files in a folder; what is no folder, or cannot be listed, has none. */
function namesIn(path: string): string[] {
  try {
    return readdirSync(path).sort()
  } catch {
    return []
  }
}
