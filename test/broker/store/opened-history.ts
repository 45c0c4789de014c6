/** A store and its history, for tests that ask. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Records } from '../../../broker/core/records.ts'
import type { RunFilter } from '../../../common/protocol/client-door.ts'
import { openHistory } from '../../../broker/store/history.ts'
import { openSqlite } from '../../../broker/store/sqlite.ts'
import type { SqliteStore } from '../../../broker/store/sqlite.ts'
import type { History } from '../../../broker/store/store.ts'

type Opened = { store: SqliteStore; history: History; directory: string }

/** A store with these transactions in it, and its history. */
export function opened(t: ExecutionContext, ...transactions: readonly Records[]): Opened {
  const directory = mkdtempSync(join(tmpdir(), 'jobz-history-'))
  const store = openSqlite(directory)
  if ('kind' in store) throw new Error(store.message)
  for (const records of transactions) store.commit(records)
  const history = openHistory(directory)
  t.teardown(async () => {
    await history.close()
    store.close()
    rmSync(directory, { recursive: true, force: true })
  })
  return { store, history, directory }
}

/** The ids of all pages of a list. */
export async function listed(history: History, filter: Partial<RunFilter>): Promise<string[]> {
  const ids: string[] = []
  let before: string | null = null
  do {
    const page: Awaited<ReturnType<History['runs']>> = await history.runs({
      limit: 1000,
      ...filter,
      before,
    })
    ids.push(...page.runs.map((run) => run.run_id))
    before = page.before
  } while (before !== null)
  return ids
}
