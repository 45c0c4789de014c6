import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { readAuthorised } from '../../../common/keys/authorised.ts'
import * as keys from '../../../common/keys/folder.ts'
import { readDaemonKey } from '../../../common/keys/key-file.ts'

function folderOf(t: ExecutionContext): string {
  const parent = mkdtempSync(join(tmpdir(), 'jobz-folder-'))
  t.teardown(() => rmSync(parent, { recursive: true }))
  return join(parent, 'keys')
}

test('the folder is made once, and found after that', (t) => {
  const folder = folderOf(t)
  const made = keys.makeBrokerKey(folder)
  const found = keys.makeBrokerKey(folder)
  if (made.kind !== 'key' || found.kind !== 'key') return t.fail()
  t.true(made.made)
  t.deepEqual(found.key, made.key)
  t.deepEqual(keys.readBrokerKey(folder), { kind: 'key', key: made.key })
  t.is(statSync(folder).mode & 0o777, 0o700)
  t.is(statSync(keys.brokerKeyPath(folder)).mode & 0o777, 0o600)
})

test('a key that is added may come in, by what was written of it', (t) => {
  const folder = folderOf(t)
  const broker = keys.makeBrokerKey(folder)
  if (broker.kind !== 'key') return t.fail()
  t.false(keys.isTaken(folder, 'web17'))
  const given = { name: 'web17', role: 'worker', topics: ['a*'] } as const
  const key = keys.addKey(folder, broker.key.public_key, { ...given, topics: ['a*'] })
  t.true(keys.isTaken(folder, 'web17'))
  t.deepEqual(readDaemonKey(keys.keyPath(folder, 'web17'), 'worker'), { kind: 'key', key })
  const { keys: authorised, problems } = readAuthorised(keys.authorisedFolder(folder))
  t.deepEqual(problems, [])
  t.deepEqual(authorised.get(key.public_key)?.topics, ['a*'])
})

test('a folder that others may write to is refused', (t) => {
  const folder = folderOf(t)
  keys.makeBrokerKey(folder)
  chmodSync(folder, 0o777)
  const again = keys.makeBrokerKey(folder)
  t.regex(again.kind === 'refused' ? again.message : '', /others may write to .*chmod 700/)
})
