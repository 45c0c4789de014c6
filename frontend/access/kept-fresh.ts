/** A value that stands in files, and follows them: a change that cannot be read is logged, and the last good one stays. */
import type { Log } from '../../common/daemon/log.ts'
import { watchFiles } from '../../common/keys/watched.ts'

export type Fresh<T> =
  | { readonly kind: 'read'; readonly value: T }
  | { readonly kind: 'refused'; readonly message: string }

export type Kept<T> = {
  readonly value: T
  /** Looks at the files now, whether they seem changed or not. */
  reload(): void
  stop(): void
}

export type Source<T> = {
  /** In words, for the log. */
  readonly what: string
  readonly paths: readonly string[]
  readonly read: () => Fresh<T> | Promise<Fresh<T>>
  /** Told of each new value, when it has become the one that is kept. */
  readonly changed: (value: T) => void
  readonly log: Log
}

/** Refused when the files cannot be read the first time. */
export async function keepFresh<T>(
  source: Source<T>,
): Promise<Kept<T> | { readonly kind: 'refused'; readonly message: string }> {
  const { what, log } = source
  let reading: Promise<void> | null = null
  let again = false
  const readAnew = async (): Promise<void> => {
    do {
      again = false
      const fresh = await source.read()
      if (fresh.kind === 'refused') {
        log.error(`${what}: the change is not taken, what was good before stays`, {
          reason: fresh.message,
        })
        continue
      }
      kept.value = fresh.value
      source.changed(fresh.value)
      log.info(`${what}: read anew`)
    } while (again)
    reading = null
  }
  const reload = (): void => {
    again = true
    reading ??= readAnew()
  }
  // Looked at before they are read, so that no change falls between the two.
  const watched = watchFiles(source.paths, reload)
  const first = await source.read()
  if (first.kind === 'refused') {
    watched.stop()
    return first
  }
  const kept = { value: first.value, reload, stop: () => watched.stop() }
  return kept
}
