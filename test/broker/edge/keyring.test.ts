/** The folder of authorised keys: whatever becomes of it, the broker goes on, and who is not in it is out. */
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
