/** Files that cannot be used for reasons that are no damage: what is said must not send anybody to the backups. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { noRoom, whatIsInTheWay, whatOthersMayUse } from '../../../broker/store/rights.ts'
import { openSqlite } from '../../../broker/store/sqlite.ts'

function folder(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'jobz-rights-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

function refusal(directory: string): string {
  const store = openSqlite(directory)
  if ('kind' in store) return store.message
  store.close()
  return 'opened'
}

for (const name of ['jobz.db', 'jobz.db-wal', 'jobz.lock'])
  test(`a folder in the place of ${name} is said to be one, and nothing is made`, (t) => {
    const directory = folder(t)
    mkdirSync(join(directory, name))
    t.regex(refusal(directory), new RegExp(`${name} is a folder: move it away`))
    t.deepEqual(readdirSync(directory), [name])
  })

test('a file in the place of a folder is said to be one', (t) => {
  const directory = folder(t)
  writeFileSync(join(directory, 'output'), '')
  t.regex(refusal(directory), /output is no folder/)
  t.regex(refusal(join(directory, 'output')), /output is no folder/)
})

test('a lock that is no database is said to be worth nothing', (t) => {
  const directory = folder(t)
  writeFileSync(join(directory, 'jobz.lock'), 'x'.repeat(5_000))
  t.regex(refusal(directory), /jobz\.lock cannot be locked \(.*\): remove it, it holds nothing/)
})

test('what is there and can be used is in nobody’s way, nor what is not there yet', (t) => {
  const directory = folder(t)
  t.is(whatIsInTheWay(directory), null)
  t.is(whatIsInTheWay(join(directory, 'not', 'yet')), null)
  t.is(refusal(directory), 'opened')
  t.is(whatIsInTheWay(directory), null)
})

test('a store that others may use is refused, with what to do', (t) => {
  const directory = folder(t)
  t.is(refusal(directory), 'opened')
  const path = join(directory, 'jobz.db')
  for (const mode of [0o640, 0o620, 0o604, 0o602]) {
    chmodSync(path, mode)
    const told = `others may use ${path} (mode 0${mode.toString(8)}): chmod 600 ${path}`
    t.is(refusal(directory), told)
    t.is(statSync(path).mode & 0o777, mode)
  }
  chmodSync(path, 0o600)
  t.is(refusal(directory), 'opened')
})

test('all of it counts: the log, its index, the lock, and what commands wrote', (t) => {
  const directory = folder(t)
  const files = ['jobz.db', 'jobz.db-wal', 'jobz.db-shm', 'jobz.lock', 'jobz.holder']
  for (const name of files) writeFileSync(join(directory, name), '', { mode: 0o600 })
  mkdirSync(join(directory, 'output'), { mode: 0o700 })
  t.is(whatOthersMayUse(directory), null)
  for (const name of [...files, 'output']) {
    const path = join(directory, name)
    const right = statSync(path).mode & 0o777
    chmodSync(path, right | 0o040)
    t.regex(whatOthersMayUse(directory) ?? '', new RegExp(`${name} .* chmod ${right.toString(8)}`))
    chmodSync(path, right)
  }
})

test('a data folder that was made beforehand may be open to others: what is made in it is not', (t) => {
  const directory = folder(t)
  chmodSync(directory, 0o755)
  const open = openSqlite(directory)
  if ('kind' in open) return t.fail(open.message)
  for (const file of readdirSync(directory))
    t.is(statSync(join(directory, file)).mode & 0o077, 0, file)
  t.is(whatIsInTheWay(directory), null)
  open.close()
})

/** Root may do everything, so a process of its own gives that up before it looks. */
function seenByNobody(directory: string): string {
  const file = join(import.meta.dirname, '../../../broker/store/rights.ts')
  const program = `import { whatIsInTheWay } from ${JSON.stringify(file)}
    if (process.geteuid() === 0) process.setuid(65534)
    console.log(whatIsInTheWay(${JSON.stringify(directory)}))`
  return execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  })
}

test('somebody else’s files, and files that nobody may write, are told with their owner', (t) => {
  const directory = folder(t)
  t.is(refusal(directory), 'opened')
  chmodSync(directory, 0o777)
  chmodSync(join(directory, 'jobz.db'), 0o400)
  const said = seenByNobody(directory)
  const mine =
    /jobz\.db may not be read and written by this process \(user \d+; it belongs to user \d+, mode 0400\)/
  t.regex(said, mine)
  t.notRegex(said, /backup/)
  chmodSync(directory, 0o555)
  t.regex(seenByNobody(directory), /jobz-rights-\w+ may not be .* mode 0555/)
  chmodSync(directory, 0o700)
})

test('a full disk is a full disk, and other errors are not', (t) => {
  const directory = folder(t)
  const full = [{ code: 'ENOSPC' }, { errcode: 13 }, { errcode: 13 | (1 << 8) }]
  for (const error of full) t.regex(noRoom(directory, error) ?? '', /is full: make room/)
  for (const error of [{ errcode: 10 }, { errcode: 11 }, { code: 'EACCES' }, null, new Error('x')])
    t.is(noRoom(directory, error), null)
})
