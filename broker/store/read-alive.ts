/** What is alive in a store; one that is damaged is refused, and left as it is. */
import type { Alive } from '../core/load.ts'
import { noRoom } from './rights.ts'
import type { Store } from './store.ts'

/** Closes the store when it cannot be read. */
export function readAlive(
  directory: string,
  store: Store,
): Alive | { readonly kind: 'refused'; readonly message: string } {
  try {
    return store.load()
  } catch (error) {
    store.close()
    const message =
      noRoom(directory, error) ??
      `the store cannot be read (${String(error)}); it was left as it is: restore a copy`
    return { kind: 'refused', message }
  }
}
