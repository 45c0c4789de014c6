import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { readPrivate, writePrivate } from '../../../common/keys/private-file.ts'

function fileOf(t: ExecutionContext, mode: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-private-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'secret')
  writeFileSync(path, 'text')
  chmodSync(path, mode)
  return path
}

test('a file that only its owner may read is read', (t) => {
  t.deepEqual(readPrivate(fileOf(t, 0o600)), { kind: 'read', text: 'text' })
  t.deepEqual(readPrivate(fileOf(t, 0o400)), { kind: 'read', text: 'text' })
})

for (const mode of [0o640, 0o604, 0o660, 0o644, 0o777, 0o610])
  test(`a secret of mode ${mode.toString(8)} is refused, and the message says what to do`, (t) => {
    const path = fileOf(t, mode)
    const read = readPrivate(path)
    t.is(read.kind, 'refused')
    t.regex(read.kind === 'refused' ? read.message : '', /chmod 600/)
  })

test('what only decides may be read by others, and not be written by them', (t) => {
  t.is(readPrivate(fileOf(t, 0o644), 'public').kind, 'read')
  for (const mode of [0o664, 0o646, 0o622]) {
    const read = readPrivate(fileOf(t, mode), 'public')
    t.regex(read.kind === 'refused' ? read.message : '', /chmod go-w/)
  }
})

test('what is not there is absent, and what is no file is refused', (t) => {
  const path = fileOf(t, 0o600)
  t.deepEqual(readPrivate(`${path}.other`), { kind: 'absent' })
  mkdirSync(`${path}.folder`)
  t.is(readPrivate(`${path}.folder`).kind, 'refused')
})

test('a link is judged by the file that it leads to', (t) => {
  const path = fileOf(t, 0o644)
  symlinkSync(path, `${path}.link`)
  t.is(readPrivate(`${path}.link`).kind, 'refused')
})

test('a file without end is refused', (t) => {
  const path = fileOf(t, 0o600)
  writeFileSync(path, 'x'.repeat(1024 * 1024 + 1))
  t.is(readPrivate(path).kind, 'refused')
})

test('what is written is private from the first byte on, and replaces what was there', (t) => {
  const path = fileOf(t, 0o644)
  writePrivate(path, 'new')
  t.is(statSync(path).mode & 0o777, 0o600)
  t.deepEqual(readPrivate(path), { kind: 'read', text: 'new' })
  writePrivate(path, 'open', 'public')
  t.deepEqual(readPrivate(path, 'public'), { kind: 'read', text: 'open' })
})

test('nothing that somebody put there beforehand gets what is written', (t) => {
  const path = fileOf(t, 0o600)
  // What can be guessed: names end in a number of a process.
  const trap = `${path}.new.${process.pid}`
  const elsewhere = `${path}.elsewhere`
  writeFileSync(elsewhere, '')
  symlinkSync(elsewhere, trap)
  writePrivate(path, 'new secret')
  t.is(readFileSync(elsewhere, 'utf8'), '')
  t.deepEqual(readPrivate(path), { kind: 'read', text: 'new secret' })
  t.true(lstatSync(path).isFile())
})

test('what cannot be put in place is not left lying beside it', (t) => {
  const path = fileOf(t, 0o600)
  const folder = `${path}.folder`
  mkdirSync(folder)
  t.throws(() => writePrivate(folder, 'secret'), { code: 'EISDIR' })
  t.deepEqual(
    readdirSync(dirname(path)).filter((name) => name.includes('.new.')),
    [],
  )
})
