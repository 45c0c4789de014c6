import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { SCHEMA_VERSION } from '../../../broker/store/schema.ts'
import { openSqlite } from '../../../broker/store/sqlite.ts'
import type { Store } from '../../../broker/store/store.ts'
import { conformance } from './conformance.ts'
import { born, changed, ended, entryOf, idOf, recordsWith, sampleRun } from './samples.ts'

conformance(test, () => {
  const directory = mkdtempSync(join(tmpdir(), 'jobz-store-'))
  return {
    open: () => opened(directory),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
})

function opened(directory: string): Store {
  const store = openSqlite(directory)
  if ('kind' in store) throw new Error(store.message)
  return store
}

function temporary(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'jobz-store-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A directory whose store held one run, and is closed. */
function used(t: ExecutionContext): string {
  const directory = temporary(t)
  const store = opened(directory)
  store.commit(born([sampleRun(1)]))
  store.close()
  return directory
}

const refusal = (directory: string): string => {
  const store = openSqlite(directory)
  if ('kind' in store) return store.message
  store.close()
  return 'opened'
}

const SQLITE_MODULE = join(import.meta.dirname, '../../../broker/store/sqlite.ts')

/** Opens the store in a process of its own, and says what came of it. */
const elsewhere = (directory: string): string =>
  spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { openSqlite } from ${JSON.stringify(SQLITE_MODULE)}
       const store = openSqlite(${JSON.stringify(directory)})
       console.log('kind' in store ? store.message : 'opened')
       process.kill(process.pid, 'SIGKILL')`,
    ],
    { encoding: 'utf8', timeout: 30_000 },
  ).stdout

test('a second process is told who holds the directory, and what to do', (t) => {
  const directory = temporary(t)
  const store = opened(directory)
  const message = elsewhere(directory)
  t.regex(message, new RegExp(`held by another broker \\(process ${process.pid} on `))
  t.regex(message, /--data/)
  store.commit(born([sampleRun(1)]))
  store.close()
  t.is(elsewhere(directory), 'opened\n')
})

test('a killed holder leaves no lock behind', (t) => {
  const directory = temporary(t)
  t.is(elsewhere(directory), 'opened\n')
  t.is(refusal(directory), 'opened')
})

test('the same process cannot open it twice either', (t) => {
  const directory = temporary(t)
  const store = opened(directory)
  t.regex(refusal(directory), /held by another broker/)
  store.close()
  t.is(refusal(directory), 'opened')
})

test('a process that is killed loses nothing it committed', (t) => {
  const directory = temporary(t)
  const samples = join(import.meta.dirname, 'samples.ts')
  const { signal } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { openSqlite } from ${JSON.stringify(SQLITE_MODULE)}
       import { born, sampleRun } from ${JSON.stringify(samples)}
       const store = openSqlite(${JSON.stringify(directory)})
       for (let n = 1; n <= 20; n++) store.commit(born([sampleRun(n)]))
       process.kill(process.pid, 'SIGKILL')`,
    ],
    { timeout: 30_000 },
  )
  t.is(signal, 'SIGKILL')
  const store = opened(directory)
  t.is(store.load().runs.length, 20)
  store.close()
})

test('only the owner may read what is kept', (t) => {
  const directory = join(temporary(t), 'new', 'data')
  const store = opened(directory)
  store.commit(born([sampleRun(1)]))
  t.is(statSync(directory).mode & 0o777, 0o700)
  const files = readdirSync(directory)
  t.true(files.includes('jobz.db-wal'))
  for (const file of files) t.is(statSync(join(directory, file)).mode & 0o777, 0o600, file)
  store.close()
})

test('each commit is synced, and the writer leaves the log alone', (t) => {
  const directory = temporary(t)
  const store = opened(directory)
  const log = join(directory, 'jobz.db-wal')
  const before = statSync(join(directory, 'jobz.db')).size
  for (let n = 0; n < 2_000; n += 1)
    store.commit(born([sampleRun(n)], { filler: 'x'.repeat(3_000) }))
  t.true(statSync(log).size > 2_000 * 4096)
  t.is(statSync(join(directory, 'jobz.db')).size, before)
  store.close()
})

test('a file that is no database is refused and left as it is', (t) => {
  const directory = temporary(t)
  const path = join(directory, 'jobz.db')
  const content = 'my diary, not a database. '.repeat(400)
  writeFileSync(path, content, { mode: 0o600 })
  t.regex(refusal(directory), /jobz\.db was left as it is, because it cannot be read .*backup/)
  t.is(readFileSync(path, 'utf8'), content)
})

test('a database of some other program is refused and left as it is', (t) => {
  const directory = temporary(t)
  const path = join(directory, 'jobz.db')
  const other = new DatabaseSync(path)
  other.exec('CREATE TABLE recipes (name TEXT)')
  other.close()
  chmodSync(path, 0o600)
  const before = readFileSync(path)
  t.regex(refusal(directory), /left as it is: it is a database of some other program/)
  t.deepEqual(readFileSync(path), before)
})

test('a truncated file is refused and left as it is', (t) => {
  const directory = used(t)
  const path = join(directory, 'jobz.db')
  truncateSync(path, 8192)
  t.regex(refusal(directory), /left as it is, because it cannot be read/)
  t.is(statSync(path).size, 8192)
})

test('a file of a newer jobz is refused, with what to do, and left as it is', (t) => {
  const directory = used(t)
  const path = join(directory, 'jobz.db')
  const db = new DatabaseSync(path)
  db.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`)
  db.close()
  t.regex(refusal(directory), /written by a newer jobz .*run that version/)
  const again = new DatabaseSync(path)
  t.is(again.prepare('PRAGMA user_version').get()?.['user_version'], SCHEMA_VERSION + 1)
  again.close()
})

test('a refused file does not keep the lock', (t) => {
  const directory = temporary(t)
  writeFileSync(join(directory, 'jobz.db'), 'x'.repeat(5_000), { mode: 0o600 })
  t.regex(refusal(directory), /cannot be read/)
  rmSync(join(directory, 'jobz.db'))
  t.is(refusal(directory), 'opened')
})

test('a directory that cannot be made is a refusal', (t) => {
  const directory = temporary(t)
  writeFileSync(join(directory, 'file'), '')
  t.regex(refusal(join(directory, 'file', 'data')), /cannot be used/)
})

test('a directory in the place of the file is a refusal', (t) => {
  const directory = temporary(t)
  mkdirSync(join(directory, 'jobz.db'))
  t.regex(refusal(directory), /is a folder/)
})

test('an empty file becomes the newest schema, and opening it again changes nothing', (t) => {
  const directory = used(t)
  const version = (): unknown => {
    const db = new DatabaseSync(join(directory, 'jobz.db'), { readOnly: true })
    const found = db.prepare('PRAGMA user_version').get()?.['user_version']
    db.close()
    return found
  }
  t.is(version(), SCHEMA_VERSION)
  t.is(refusal(directory), 'opened')
  t.is(version(), SCHEMA_VERSION)
})

test('values that no longer fit the cache are read from the file', (t) => {
  const store = opened(temporary(t))
  const filler = 'x'.repeat(100_000)
  for (let n = 0; n < 200; n += 1) store.commit(born([sampleRun(n)], { n: String(n), filler }))
  const found = store.values([idOf(0), idOf(199)])
  t.deepEqual(
    [...found.values()].map(({ params }) => params['n']),
    ['0', '199'],
  )
  store.commit(changed([ended(199, 'succeeded')]))
  t.is(store.values([idOf(199)]).get(idOf(199))?.params['n'], '199')
  store.close()
})

test('the feed forgets what is older than a week, a little at a time', (t) => {
  const directory = temporary(t)
  const store = opened(directory)
  const day_ms = 24 * 3600 * 1000
  for (let n = 1; n <= 30; n += 1)
    store.commit(recordsWith({ feed: [entryOf(n, sampleRun(1), { at_ms: n * day_ms })] }))
  t.is(store.load().feed_head, 30)
  store.close()
  const db = new DatabaseSync(join(directory, 'jobz.db'), { readOnly: true })
  t.is(db.prepare('SELECT min(first_n) AS oldest FROM feed').get()?.['oldest'], 23)
  db.close()
})

test('only the newest refusals are kept', (t) => {
  const directory = temporary(t)
  const store = opened(directory)
  const refusals = Array.from({ length: 6_000 }, (_, at) => ({
    at_ms: at,
    job: 'no',
    from: null,
    code: 'unknown_job',
    message: 'no',
  }))
  for (let n = 0; n < 3; n += 1) store.commit(recordsWith({ refusals }))
  store.close()
  const db = new DatabaseSync(join(directory, 'jobz.db'), { readOnly: true })
  t.is(db.prepare('SELECT count(*) AS count FROM refusals').get()?.['count'], 10_000)
  db.close()
})
