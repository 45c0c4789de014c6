import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { openSqlite } from '../../../broker/store/sqlite.ts'
import { makeRoom } from '../../../broker/store/write-ahead.ts'
import { born, idOf, sampleRun } from './samples.ts'

test('a log that was given its room keeps what is committed, across restarts', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'jobz-log-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  for (let n = 1; n <= 3; n++) {
    const store = openSqlite(directory)
    if ('kind' in store) return t.fail(store.message)
    makeRoom(join(directory, 'jobz.db-wal'))
    t.is(store.load().runs.length, n - 1)
    store.commit(born([sampleRun(n)]))
    t.true(statSync(join(directory, 'jobz.db-wal')).size >= 32 * 1024 * 1024)
    t.truthy(store.runs([idOf(n)]).get(idOf(n)))
    store.close()
  }
})
