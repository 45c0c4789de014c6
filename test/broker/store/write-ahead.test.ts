import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
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

test('a disk without so much room gets back what was taken of it', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'jobz-log-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const log = join(directory, 'jobz.db-wal')
  writeFileSync(log, 'frames')
  const file = join(import.meta.dirname, '../../../broker/store/write-ahead.ts')
  const program = `import { makeRoom } from ${JSON.stringify(file)}; makeRoom(${JSON.stringify(log)})`
  // A limit of the file's size stands in for that of the disk.
  const limited = `trap '' XFSZ; ulimit -f 4096; exec "$0" --input-type=module --eval "$1"`
  execFileSync('/bin/sh', ['-c', limited, process.execPath, program])
  t.is(readFileSync(log, 'utf8'), 'frames')
})
