/**
 * What runs were started with, for as long as it is likely to be asked for: dispatch follows a trigger so closely that
 * reading it back from the file would be most of the work. Bounded by bytes; what was used longest ago goes first.
 */
import type { StoredValues } from '../core/values.ts'

/** What an entry costs beside its text. */
const ENTRY_BYTES = 256

export type ValuesCache = {
  get(run_id: string): StoredValues | undefined
  /** `text_length` is how long the values are as JSON, in UTF-16 units. */
  set(run_id: string, values: StoredValues, text_length: number): void
  delete(run_id: string): void
}

export function openValuesCache(limit_bytes: number): ValuesCache {
  const entries = new Map<string, { values: StoredValues; bytes: number }>()
  let total_bytes = 0
  const remove = (run_id: string): void => {
    total_bytes -= entries.get(run_id)?.bytes ?? 0
    entries.delete(run_id)
  }
  return {
    get: (run_id) => {
      const entry = entries.get(run_id)
      if (entry === undefined) return undefined
      entries.delete(run_id)
      entries.set(run_id, entry)
      return entry.values
    },
    set: (run_id, values, text_length) => {
      remove(run_id)
      const bytes = ENTRY_BYTES + 2 * text_length
      entries.set(run_id, { values, bytes })
      total_bytes += bytes
      for (const oldest of entries.keys()) {
        if (total_bytes <= limit_bytes) break
        remove(oldest)
      }
    },
    delete: remove,
  }
}
