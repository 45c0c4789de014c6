// Where the example pipeline keeps its files: `.jobz/catalog/<date>` in the checkout.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** The day's folder, made when it is not there. */
export function folderOf(date) {
  const folder = join(import.meta.dirname, '../../.jobz/catalog', date)
  mkdirSync(folder, { recursive: true })
  return folder
}
