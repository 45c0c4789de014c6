import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { APPLICATION_ID as OWNER } from '../../broker/store/schema.ts'
import { DATABASE_FILE as BROKERS_FILE, openSqlite } from '../../broker/store/sqlite.ts'
import type { SqliteStore } from '../../broker/store/sqlite.ts'
import { APPLICATION_ID, DATABASE_FILE } from '../../cli/commands/backup.ts'
import { born, idOf, sampleRun } from '../broker/store/samples.ts'
import { run } from './run.ts'

function folder(t: ExecutionContext): string {
  const made = mkdtempSync(join(tmpdir(), 'jobz-backup-'))
  t.teardown(() => rmSync(made, { recursive: true, force: true }))
  return made
}

function opened(directory: string): SqliteStore {
  const store = openSqlite(directory)
  if ('kind' in store) throw new Error(store.message)
  return store
}

/** A broker's data with these runs in it, whose store goes on being written. */
function inUse(t: ExecutionContext, data: string, ...numbers: number[]): SqliteStore {
  const store = opened(data)
  t.teardown(() => store.close())
  for (const n of numbers) store.commit(born([sampleRun(n)]))
  return store
}

const idsIn = (directory: string): string[] => {
  const store = opened(directory)
  const ids = store.load().runs.map(({ run_id }) => run_id)
  store.close()
  return ids
}

test('a copy holds what was committed before it, and can be put in the place of the file', async (t) => {
  const data = folder(t)
  const store = inUse(t, data, 1, 2)
  const restored = folder(t)
  const file = join(restored, 'jobz.db')
  const { code, out, err } = await run(['backup', file, '--data', data])
  t.is(code, 0, err)
  t.regex(out, /jobz\.db: 2 runs, \d+ bytes\n/)
  store.commit(born([sampleRun(3)]))
  t.deepEqual(readdirSync(restored), ['jobz.db'])
  t.is(statSync(file).mode & 0o777, 0o600)
  t.deepEqual(idsIn(restored), [idOf(1), idOf(2)])
})

test('the folder of `jobz up` and JOBZ_DATA name the data too', async (t) => {
  const up = folder(t)
  inUse(t, join(up, 'broker'), 1)
  for (const env of [{ JOBZ_DATA: up }, { JOBZ_DATA: join(up, 'broker') }]) {
    const file = join(folder(t), 'copy')
    t.is((await run(['backup', file], { env })).code, 0)
    const { code, out } = await run(['backup', `${file}2`, '--json'], { env })
    t.is(code, 0)
    t.like(JSON.parse(out), { file: `${file}2`, runs: 1 })
  }
})

test('a file that is there is never written over', async (t) => {
  const data = folder(t)
  inUse(t, data, 1)
  const file = join(folder(t), 'copy')
  writeFileSync(file, 'mine')
  const { code, err } = await run(['backup', file, '--data', data])
  t.is(code, 4)
  t.regex(err, /is there already/)
  t.is(readFileSync(file, 'utf8'), 'mine')
})

test('a copy that is being written, or was cut short, is not taken for one', async (t) => {
  const data = folder(t)
  inUse(t, data, 1)
  const file = join(folder(t), 'copy')
  writeFileSync(`${file}.partial`, '')
  const { code, err } = await run(['backup', file, '--data', data])
  t.is(code, 4)
  t.regex(err, /copy\.partial is there/)
  t.throws(() => statSync(file))
})

test('what is no store is refused, and leaves nothing behind', async (t) => {
  const [data, target] = [folder(t), folder(t)]
  const file = join(target, 'copy')
  const refused = async (expected: RegExp): Promise<void> => {
    const { code, err } = await run(['backup', file, '--data', data])
    t.is(code, 4)
    t.regex(err, expected)
    t.deepEqual(readdirSync(target), [])
  }
  await refused(/there is no database in .*\n {2}.*--data/)
  writeFileSync(join(data, 'jobz.db'), 'my diary '.repeat(1_000))
  await refused(/could not be copied/)
  writeFileSync(join(data, 'jobz.db'), '')
  await refused(/no database of jobz/)
  t.deepEqual(
    readdirSync(data).filter((name) => name !== 'jobz.db'),
    [],
  )
})

test('a damaged store is not copied', async (t) => {
  const data = folder(t)
  const store = opened(data)
  for (let n = 0; n < 500; n += 1) store.commit(born([sampleRun(n)], { filler: 'x'.repeat(500) }))
  store.close()
  const path = join(data, 'jobz.db')
  const bytes = readFileSync(path)
  bytes.fill(0, 4096 * 20, 4096 * 60)
  writeFileSync(path, bytes)
  const target = folder(t)
  const { code, err } = await run(['backup', join(target, 'copy'), '--data', data])
  t.is(code, 4)
  t.regex(err, /malformed/)
  t.deepEqual(readdirSync(target), [])
})

test('a place that cannot be written is said', async (t) => {
  const data = folder(t)
  inUse(t, data, 1)
  mkdirSync(join(data, 'taken'))
  t.is((await run(['backup', join(data, 'taken'), '--data', data])).code, 4)
  const { code, err } = await run(['backup', join(data, 'nowhere', 'copy'), '--data', data])
  t.is(code, 4)
  t.regex(err, /cannot be made: ENOENT/)
})

test('the command line and the broker mean the same file', (t) => {
  t.is(DATABASE_FILE, BROKERS_FILE)
  t.is(APPLICATION_ID, OWNER)
})
