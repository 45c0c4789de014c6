/** Where a store under test keeps things. */
import type { ExecutionContext } from 'ava'
import type { Store } from '../../../broker/store/store.ts'

/** `open` may be called again after the store was closed. */
export type Place = { open(): Store; remove(): void }

/** Declares a test with a place of its own. */
export type Behaviour = (title: string, body: (t: ExecutionContext, place: Place) => void) => void

/** Does something with a store, and closes it: the next use is as after a crash. */
export function using<T>(place: Place, use: (store: Store) => T): T {
  const store = place.open()
  try {
    return use(store)
  } finally {
    store.close()
  }
}
