/** What another version of jobz left in the store. A file of a newer schema is refused, see sqlite.test.ts. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'ava'
import { openSqlite } from '../../../broker/store/sqlite.ts'
import type { Store } from '../../../broker/store/store.ts'
import type { Card } from '../../../common/definition/card.ts'
import { recordsWith, sampleCard } from './samples.ts'

function opened(directory: string): Store {
  const store = openSqlite(directory)
  if ('kind' in store) throw new Error(store.message)
  return store
}

test('cards of another version are read as far as they are known, and stand in no way', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'jobz-store-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const store = opened(directory)
  const cards = ['plain', 'odd'].map((job) => ({
    hash: job,
    card: sampleCard(job),
    first_seen_ms: 1,
  }))
  store.commit(recordsWith({ cards }))
  store.close()
  const db = new DatabaseSync(join(directory, 'jobz.db'))
  const write = db.prepare('UPDATE cards SET card = ? WHERE hash = ?')
  write.run(JSON.stringify({ ...sampleCard('plain'), region: 'eu' }), 'plain')
  write.run(JSON.stringify({ ...sampleCard('odd'), deliver: 'some' }), 'odd')
  db.close()
  const again = opened(directory)
  const [plain, odd] = again.load().cards
  again.close()
  t.deepEqual(plain?.card, sampleCard('plain'))
  t.deepEqual(odd?.card, { ...sampleCard('odd'), deliver: 'some' } as unknown as Card)
})
