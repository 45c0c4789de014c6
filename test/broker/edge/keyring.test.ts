/** The folder of authorised keys: whatever becomes of it, the broker goes on, and who is not in it is out. */
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import test, { type ExecutionContext } from 'ava'
import { openKeyring } from '../../../broker/edge/entry/keyring.ts'
import { addKey, authorisedFolder, makeBrokerKey } from '../../../common/keys/folder.ts'
import { quietLog } from '../../frontend/with-frontend.ts'
import { until } from '../../worker/until.ts'

function folderOf(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-keyring-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const made = makeBrokerKey(folder)
  if (made.kind !== 'key') throw new Error(made.kind)
  const { topics, public_key } = {
    topics: ['a*'],
    ...addKey(folder, made.key.public_key, { name: 'web1', role: 'worker', topics: ['a*'] }),
  }
  return { folder, place: authorisedFolder(folder), public_key, topics }
}

test('a folder that cannot be read, or that others may write to, lets nobody in until it is mended', async (t) => {
  const { folder, place, public_key } = folderOf(t)
  const lines: string[] = []
  const keyring = openKeyring(folder, { log: quietLog(lines), look_ms: 5 })
  if (keyring.kind !== 'keyring') return t.fail(keyring.message)
  t.teardown(() => keyring.stop())
  const isIn = (): boolean => keyring.find(public_key) !== undefined
  t.true(isIn())
  t.true(keyring.serves(public_key, 'abc'))
  t.false(keyring.serves(public_key, 'bc'))
  t.false(keyring.serves(undefined, 'abc'))
  renameSync(place, `${place}.old`)
  writeFileSync(place, 'no folder')
  await until('nobody is in', () => !isIn())
  t.false(keyring.serves(public_key, 'abc'))
  t.true(
    lines.some((line) => line.includes('ENOTDIR')),
    lines.join(),
  )
  rmSync(place)
  renameSync(`${place}.old`, place)
  await until('it is in again', isIn)
  chmodSync(place, 0o777)
  await until('nobody is in', () => !isIn())
  chmodSync(place, 0o755)
  await until('it is in again', isIn)
})

test('a broker does not start where others may authorise keys', (t) => {
  const { folder, place } = folderOf(t)
  chmodSync(place, 0o777)
  const opened = openKeyring(folder, { log: quietLog([]) })
  t.regex(
    opened.kind === 'refused' ? opened.message : '',
    /others may write to .*authorised: chmod 700/,
  )
})

/** Opens files until it can open no more, and sees who is in then, and after that. */
const SHORT_OF_FILES = `
import { closeSync, openSync, rmSync } from 'node:fs'
const [module, folder, pub, key] = process.argv.slice(1)
const { openKeyring } = await import(module)
const note = (line, facts) => lines.push(line + JSON.stringify(facts))
const lines = []
const log = { info: note, warn: note, error: note, debug: note }
const keyring = openKeyring(folder, { log, look_ms: 5 })
const until = async (look) => { while (!look()) await new Promise((resolve) => setTimeout(resolve, 5)) }
const files = []
try { for (;;) files.push(openSync('/dev/null')) } catch {}
await until(() => lines.some((line) => line.includes('EMFILE')))
const was_in = keyring.find(key) !== undefined
for (const file of files) closeSync(file)
rmSync(pub)
await until(() => keyring.find(key) === undefined)
console.log(was_in)
process.exit()
`

test('nobody is put out because the broker can open no more files; who is taken away then is out after it', async (t) => {
  const { folder, place, public_key } = folderOf(t)
  const module = new URL('../../../broker/edge/entry/keyring.ts', import.meta.url).href
  const words = ['--input-type=module', '-e', SHORT_OF_FILES, module, folder]
  const all = [...words, join(place, 'web1.pub'), public_key]
  const sh = ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, ...all]
  const { stdout } = await execa('/bin/sh', sh, { timeout: 60_000 })
  t.is(stdout, 'true')
})
