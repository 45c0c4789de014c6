/** `jobz keys` for the broker's doors: pairs, who may come in, and a folder that may be trusted. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { readAuthorised } from '../../common/keys/authorised.ts'
import { readBrokerKey } from '../../common/keys/folder.ts'
import { readDaemonKey } from '../../common/keys/key-file.ts'
import { keysIn } from './keys-folder.ts'
import { run } from './run.ts'

test('init makes the folder and the pair once, and shows the public half', async (t) => {
  const { folder, keys } = keysIn(t)
  const made = await keys('init')
  const key = readBrokerKey(folder)
  if (key.kind !== 'key') return t.fail()
  t.is(made.code, 0)
  t.is(made.out, `${key.key.public_key}\n`)
  t.regex(made.err, /made .*broker\.key/)
  t.is(statSync(folder).mode & 0o777, 0o700)
  const found = await keys('init')
  t.is(found.out, made.out)
  t.regex(found.err, /found .*broker\.key, and 0 /)
})

test('a worker is let in by a pair that is made here, for its topics alone', async (t) => {
  const { folder, keys } = keysIn(t)
  await keys('init')
  const { code, out, err } = await keys('add', 'worker', 'web17', '--topics', 'a_*,b')
  t.is(code, 0, err)
  t.is(out, `${join(folder, 'web17.key')}\n`)
  t.regex(err, /web17 may come in as a worker named web17, and serve a_\*, b\n.*jobz worker --key/)
  const pair = readDaemonKey(out.trim(), 'worker')
  const broker = readBrokerKey(folder)
  if (pair.kind !== 'key' || broker.kind !== 'key') return t.fail()
  t.is(pair.key.broker_key, broker.key.public_key)
  const { keys: authorised } = readAuthorised(join(folder, 'authorised'))
  t.deepEqual(authorised.get(pair.key.public_key), {
    name: 'web17',
    role: 'worker',
    public_key: pair.key.public_key,
    workers: ['web17'],
    topics: ['a_*', 'b'],
  })
})

test('a host makes its own pair, and only the public half comes to the broker', async (t) => {
  const { folder, keys, json } = keysIn(t)
  const { broker_key } = await json<{ broker_key: string }>('init')
  const host = join(folder, '..', 'host')
  const made = await keys('make', 'worker', 'db', '--broker-key', broker_key, '--out', host)
  t.is(made.code, 0, made.err)
  const public_key = made.out.trim()
  t.true(made.err.includes(`jobz keys add worker db --public '${public_key}'`))
  const pair = readDaemonKey(join(host, 'db.key'), 'worker')
  t.is(pair.kind === 'key' && pair.key.public_key, public_key)
  const added = await keys('add', 'worker', 'db', '--public', public_key, '--workers', 'db-*')
  t.is(added.code, 0, added.err)
  t.false(existsSync(join(folder, 'db.key')))
  const { keys: authorised } = readAuthorised(join(folder, 'authorised'))
  t.deepEqual(authorised.get(public_key)?.workers, ['db-*'])
  const twin = await keys('add', 'worker', 'db2', '--public', public_key)
  t.is(twin.code, 4)
  t.regex(twin.err, /db has this key already/)
  const again = await keys('make', 'worker', 'db', '--broker-key', broker_key, '--out', host)
  t.is(again.out, made.out)
  t.regex(again.err, /found /)
  for (const [role, broker] of [
    ['client', broker_key],
    ['worker', public_key],
  ] as const) {
    const other = await keys('make', role, 'db', '--broker-key', broker, '--out', host)
    t.is(other.code, 4)
    t.regex(other.err, /is there already, for another role or broker/)
  }
})

test('the list shows who may come in, and nothing secret', async (t) => {
  const { folder, keys, json } = keysIn(t)
  t.regex((await keys()).err, /nobody has a key in/)
  await keys('init')
  await keys('add', 'worker', 'web17', '--topics', 'a_*')
  await keys('add', 'client', 'reports')
  const { out, err, code } = await keys()
  t.is(code, 0)
  t.regex(out, /^KIND +NAME +ROLE/)
  t.regex(out, /key +reports +client .*good\nkey +web17 +worker +a_\* .*good/)
  t.regex(err, /secret keys that are here: reports\.key, web17\.key; /)
  const listed = await json<{ entries: { name: string; secret_here: boolean }[] }>('list')
  t.deepEqual(
    listed.entries.map(({ name, secret_here }) => [name, secret_here]),
    [
      ['reports', true],
      ['web17', true],
    ],
  )
  for (const name of ['broker', 'web17', 'reports']) {
    const [, secret = ''] = /^secret_key: "(.*)"$/m.exec(
      readFileSync(join(folder, `${name}.key`), 'utf8'),
    ) ?? ['']
    t.is(secret.length, 40)
    for (const shown of [out, err, JSON.stringify(listed)]) t.false(shown.includes(secret))
  }
})

test('a file that is wrong is named, the others are listed, and it can be taken away', async (t) => {
  const { folder, keys } = keysIn(t)
  await keys('init')
  await keys('add', 'worker', 'good')
  writeFileSync(join(folder, 'authorised', 'bad.pub'), 'role: boss\n')
  const { code, out, err } = await keys()
  t.is(code, 4)
  t.regex(out, /good +worker/)
  t.regex(err, /bad\.pub:1:7: role/)
  t.is((await keys('revoke', 'bad')).code, 0)
  t.is((await keys()).code, 0)
})

test('a revoked key lets nobody in, and its name is free again', async (t) => {
  const { folder, keys } = keysIn(t)
  await keys('init')
  await keys('add', 'worker', 'web17')
  const { code, err } = await keys('revoke', 'web17')
  t.is(code, 0)
  t.regex(err, /web17 lets nobody in any more: its sessions end within a second/)
  t.is(readAuthorised(join(folder, 'authorised')).keys.size, 0)
  t.false(existsSync(join(folder, 'web17.key')))
  t.is((await keys('add', 'worker', 'web17')).code, 0)
})

test("the broker's own pair stays, whatever is revoked", async (t) => {
  const { folder, keys } = keysIn(t)
  await keys('init')
  t.is((await keys('revoke', 'broker')).code, 4)
  writeFileSync(join(folder, 'authorised', 'broker.pub'), '')
  t.is((await keys('revoke', 'broker')).code, 0)
  t.true(existsSync(join(folder, 'broker.key')))
})

test('no secret is ever overwritten', async (t) => {
  const { folder, keys } = keysIn(t)
  await keys('init')
  await keys('add', 'worker', 'web17')
  const before = readFileSync(join(folder, 'web17.key'), 'utf8')
  const { code, err } = await keys('add', 'semaphore', 'web17')
  t.is(code, 4)
  t.regex(err, /there is a key web17\n.*revoke web17 first/)
  t.is((await keys('add', 'worker', 'broker')).code, 4)
  t.is(readFileSync(join(folder, 'web17.key'), 'utf8'), before)
})

test('a folder that is not there is not made by the way', async (t) => {
  const { folder, keys } = keysIn(t)
  for (const words of [
    ['add', 'worker', 'w'],
    ['revoke', 'w'],
    ['issue', 'client', 'c'],
  ]) {
    const { code, err } = await keys(...words)
    t.is(code, 4)
    t.regex(err, /there is no folder .*\n.*jobz keys init/)
  }
  t.false(existsSync(folder))
})

for (const exposed of ['.', 'authorised', 'ca'])
  test(`nothing is done where others may write to ${exposed}`, async (t) => {
    const { folder, keys } = keysIn(t)
    await keys('init')
    mkdirSync(join(folder, 'ca'), { mode: 0o700 })
    chmodSync(join(folder, exposed), 0o770)
    for (const words of [[], ['init'], ['add', 'worker', 'w'], ['token', 'x', '--role', 'read']]) {
      const { code, out, err } = await keys(...words)
      t.is(code, 4)
      t.is(out, '')
      t.regex(err, /others may write to .*\n.*chmod 700/)
    }
  })

test('a secret that others may read is refused', async (t) => {
  const { folder, keys } = keysIn(t)
  await keys('init')
  chmodSync(join(folder, 'broker.key'), 0o640)
  for (const words of [['init'], ['add', 'worker', 'w'], []]) {
    const { code, err } = await keys(...words)
    t.is(code, 4)
    t.regex(err, /others may read .*broker\.key.*chmod 600/)
  }
})

test('what the file system refuses is said, with the path', async (t) => {
  const { folder } = keysIn(t)
  writeFileSync(folder, '')
  const { code, err } = await run(['keys', 'init', '--keys', join(folder, 'below')])
  t.is(code, 4)
  t.regex(err, /below cannot be read or written: .*\(ENOTDIR\)/)
})

const MISTYPED: readonly [string[], RegExp][] = [
  [['lsit'], /cannot "lsit"\n.*jobz keys list/],
  [['add', 'worker'], /add: too few words/],
  [['init', 'x'], /init: too many words: x/],
  [['add', 'wroker', 'x'], /"wroker" is no role\n.*did you mean worker/],
  [['add', 'broker', 'x'], /"broker" is no role/],
  [['add', 'worker', '../x'], /"\.\.\/x" is no name/],
  [['add', 'worker', 'x', '--topics', 'a b'], /--topics: "a b" is neither/],
  [['add', 'semaphore', 'x', '--topics', 'a'], /--topics is for a worker's key/],
  [['add', 'worker', 'x', '--jobs', 'a'], /add has no --jobs/],
  [['add', 'worker', 'x', '--public', 'short'], /"short" is no public key/],
  [['make', 'worker', 'x'], /make needs the --broker-key/],
  [['make', 'worker', 'x', '--broker-key', 'short'], /--broker-key is no public key/],
  [['token', 'x'], /token needs a --role/],
  [['token', 'x', '--role', 'reed'], /"reed" is no role\n.*did you mean read/],
  [['token', 'x', '--role', 'read', '--jobs', 'a/b'], /--jobs: "a\/b"/],
  [['token', 'x', '--role', 'read', '--expires', 'soon'], /--expires: soon is no time/],
  [['token', 'x', '--role', 'read', '--expires', '2020-01-01'], /2020-01-01 is over/],
  [['token', 'x', '--role', 'read', '--expires', '0'], /0 is over/],
  [['token', 'x', '--role', 'read', '--expires', '99999d'], /more than 100 years/],
  [['token', 'x', '--role', 'read', '--rate', '0'], /--rate: 0/],
  [['token', '__x', '--role', 'read'], /"__x" is no name/],
  [['issue', 'server', 'x'], /"server" is no kind of certificate/],
  [['issue', 'client', 'x'.repeat(65)], /longer than a certificate's name/],
  [['issue', 'client', 'x', '--hosts', 'a'], /--hosts is for a frontend's/],
  [['issue', 'client', 'x', '--jobs', 'x'.repeat(61)], /longer than 60/],
  [['issue', 'frontend', 'x', '--role', 'read'], /--role is for a client's/],
  [['issue', 'frontend', 'x', '--hosts', 'https://x'], /"https:\/\/x" is neither a host's name/],
  [['revoke', 'x', '--kind', 'tokn'], /"tokn" is no kind\n.*did you mean token/],
  [['revoke', 'x', '--kind', 'key', '--serial', 'AB'], /--serial is of a certificate/],
]
for (const [words, said] of MISTYPED)
  test(`mistyped: ${words.join(' ').slice(0, 60)}`, async (t) => {
    const { folder, keys } = keysIn(t)
    await keys('init')
    const { code, out, err } = await keys(...words)
    t.is(code, 2)
    t.is(out, '')
    t.regex(err, said)
    t.false(existsSync(join(folder, 'tokens.yaml')))
    t.is(readAuthorised(join(folder, 'authorised')).keys.size, 0)
  })
