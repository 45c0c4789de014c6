import { copyFileSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { closeSync, existsSync, mkdirSync, truncateSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { openSqlite } from '../../../broker/store/sqlite.ts'
import type { SqliteStore } from '../../../broker/store/sqlite.ts'
import { born, ended, idOf, sampleRun } from './samples.ts'

const PAGE_BYTES = 4096
const RUNS = 2_000

/** A closed store of many ended runs and an unfinished one, all in its one file. */
function used(t: ExecutionContext): { directory: string; path: string } {
  const directory = mkdtempSync(join(tmpdir(), 'jobz-damage-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const store = opened(directory)
  const runs = Array.from({ length: RUNS }, (_, n) => ended(n, 'succeeded'))
  store.commit(born([...runs, sampleRun(RUNS)], { filler: 'x'.repeat(400) }))
  store.close()
  const path = join(directory, 'jobz.db')
  t.true(statSync(path).size > 100 * PAGE_BYTES)
  t.false(existsSync(`${path}-wal`))
  return { directory, path }
}

function opened(directory: string): SqliteStore {
  const store = openSqlite(directory)
  if ('kind' in store) throw new Error(store.message)
  return store
}

function refusal(directory: string): string {
  const store = openSqlite(directory)
  if ('kind' in store) return store.message
  store.close()
  return 'opened'
}

/** Writes over some bytes of a file, as a failing disk does. */
function overwrite(path: string, offset: number, bytes: Buffer): void {
  const fd = openSync(path, 'r+')
  writeSync(fd, bytes, 0, bytes.length, offset)
  closeSync(fd)
}

/** The page that holds the run's row. */
function pageOf(path: string, run_id: string): number {
  const at = readFileSync(path).lastIndexOf(`${run_id}${run_id}trigger`)
  if (at < 0) throw new Error(`${run_id} is nowhere`)
  return Math.floor(at / PAGE_BYTES)
}

for (const [what, bytes] of [
  ['zeros', Buffer.alloc(PAGE_BYTES)],
  ['garbage', Buffer.alloc(PAGE_BYTES, 'torn page ')],
  ['half a page of something else', Buffer.alloc(PAGE_BYTES / 2, 0xff)],
] as const)
  test(`a page in the middle that became ${what} is refused, with what to do`, (t) => {
    const { directory, path } = used(t)
    overwrite(path, pageOf(path, idOf(RUNS / 2)) * PAGE_BYTES, bytes)
    const before = readFileSync(path)
    t.regex(
      refusal(directory),
      /jobz\.db was left as it is, because it .*: put a backup in its place/,
    )
    t.true(readFileSync(path).equals(before))
    t.regex(refusal(directory), /left as it is/, 'the lock was let go of')
  })

for (const [where, size] of [
  ['in the middle', 60 * PAGE_BYTES],
  ['within a page', 61 * PAGE_BYTES - 100],
  ['within its head', 50],
] as const)
  test(`a file that was cut off ${where} is refused and left as it is`, (t) => {
    const { directory, path } = used(t)
    truncateSync(path, size)
    t.regex(refusal(directory), /left as it is, because it (?:is damaged|cannot be read) .*backup/)
    t.is(statSync(path).size, size)
  })

test("a damaged file's log stays beside it", (t) => {
  const { directory, path } = used(t)
  const store = opened(directory)
  store.commit(born([sampleRun(RUNS + 1)]))
  const elsewhere = mkdtempSync(join(tmpdir(), 'jobz-damage-'))
  t.teardown(() => rmSync(elsewhere, { recursive: true, force: true }))
  const copy = join(elsewhere, 'jobz.db')
  for (const end of ['', '-wal']) copyFileSync(path + end, copy + end)
  store.close()
  overwrite(copy, pageOf(copy, idOf(RUNS / 2)) * PAGE_BYTES, Buffer.alloc(PAGE_BYTES))
  const before = [copy, `${copy}-wal`].map((file) => readFileSync(file))
  t.regex(refusal(elsewhere), /damaged/)
  const after = [copy, `${copy}-wal`].map((file) => readFileSync(file))
  t.true(before.every((bytes, at) => after[at]?.equals(bytes)))
})

/** A database that was not closed, beside its log, as kill -9 leaves them. */
function killed(t: ExecutionContext): { directory: string; path: string } {
  const { directory, path } = used(t)
  const store = opened(directory)
  store.commit(born([sampleRun(RUNS + 1)]))
  const elsewhere = mkdtempSync(join(tmpdir(), 'jobz-damage-'))
  t.teardown(() => rmSync(elsewhere, { recursive: true, force: true }))
  const copy = join(elsewhere, 'jobz.db')
  for (const end of ['', '-wal']) copyFileSync(path + end, copy + end)
  store.close()
  return { directory: elsewhere, path: copy }
}

const LOST: readonly [string, (path: string) => void, RegExp][] = [
  ['a log without its database', (path) => rmSync(path), /not there, but its log .* is/],
  ['a log beside an empty database', (path) => truncateSync(path), /empty, but its log .* is not/],
  ['a log cut off within its head', (path) => truncateSync(`${path}-wal`, 20), /log .* is cut off/],
  [
    'a log that begins with something else',
    (path) => overwrite(`${path}-wal`, 0, Buffer.alloc(8, 'x')),
    /log .* written over/,
  ],
]
for (const [what, spoil, said] of LOST)
  test(`${what} is refused, and stays: SQLite would throw it away`, (t) => {
    const { directory, path } = killed(t)
    spoil(path)
    const log = readFileSync(`${path}-wal`)
    const had_file = existsSync(path)
    t.regex(refusal(directory), said)
    t.true(readFileSync(`${path}-wal`).equals(log))
    t.is(existsSync(path), had_file)
  })

test('an empty database beside what its runs wrote is refused; one that never was anything is not', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'jobz-damage-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  closeSync(openSync(join(directory, 'jobz.db'), 'a', 0o600))
  mkdirSync(join(directory, 'output'), { mode: 0o700 })
  t.is(refusal(directory), 'opened')
  truncateSync(join(directory, 'jobz.db'))
  mkdirSync(join(directory, 'output', 'abc'))
  t.regex(refusal(directory), /it is empty, but what its runs wrote is there/)
  rmSync(join(directory, 'jobz.db'))
  t.is(refusal(directory), 'opened', 'moved away, to start empty')
})

test('a log with nothing but room in it is as good as none', (t) => {
  const { directory, path } = used(t)
  closeSync(openSync(`${path}-wal`, 'a', 0o600))
  truncateSync(`${path}-wal`, 1_000_000)
  t.is(refusal(directory), 'opened')
})

test('damage that shows later ends the step with the file and what to do', (t) => {
  const { directory, path } = used(t)
  const store = opened(directory)
  overwrite(path, pageOf(path, idOf(RUNS / 2)) * PAGE_BYTES, Buffer.alloc(PAGE_BYTES))
  const told = { message: /jobz\.db is damaged \(.+\): put a backup in its place/ }
  t.throws(() => store.values([idOf(RUNS / 2)]), told)
  t.throws(() => store.runs([idOf(RUNS / 2)]), told)
  t.throws(() => store.forgetRuns([idOf(RUNS / 2)], 1), told)
  t.is(store.load().runs.length, 1, 'what is whole can still be read')
  store.close()
})

test('a database that version 1 made becomes the newest, and keeps all that is in it', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'jobz-version-1-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'jobz.db')
  closeSync(openSync(path, 'a', 0o600))
  const old = new DatabaseSync(path)
  old.exec(readFileSync(join(import.meta.dirname, 'fixtures/schema-1.sql'), 'utf8'))
  old.exec(`INSERT INTO runs (run_id, flow_id, via, job, state, lane, priority, deliver, created_ms,
      delay_ms, cancel_requested, depth, sequence, params, context)
    VALUES ('${idOf(1)}', '${idOf(1)}', 'trigger', 'import', 'queued', 'main', 512, 'one', 1, 0, 0, 0, 1,
      '{"date":"d"}', '{}')`)
  old.close()
  const store = opened(directory)
  t.deepEqual(
    store.load().runs.map(({ run_id }) => run_id),
    [idOf(1)],
  )
  t.deepEqual(store.values([idOf(1)]).get(idOf(1))?.params, { date: 'd' })
  t.deepEqual(store.outputsToRemove('', 1), [])
  store.close()
  t.is(refusal(directory), 'opened', 'and again')
  const fresh = used(t)
  t.deepEqual(schemaOf(path), schemaOf(fresh.path))
})

const words = (sql: unknown) => String(sql).replaceAll(/\s+/g, ' ')

/** Tables and indexes as they were declared, whatever the spaces between their words. */
function schemaOf(path: string): unknown {
  const db = new DatabaseSync(path, { readOnly: true })
  const version = db.prepare('PRAGMA user_version').get()?.['user_version']
  const rows = db.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all()
  db.close()
  return { version, tables: rows.map(({ name, sql }) => [name, words(sql)]) }
}
