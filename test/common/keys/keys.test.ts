import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { curveKeyPair } from 'zeromq'
import { readAuthorised, writeAuthorised } from '../../../common/keys/authorised.ts'
import { readDaemonKey, readKeyFile, writeKeyFile } from '../../../common/keys/key-file.ts'
import { type Claim, proofOf, publicKeyOf, sameProof } from '../../../common/keys/proof.ts'
import { decodeKey, encodeZ85 } from '../../../common/keys/z85.ts'

function folderOf(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-keys-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

const broker = curveKeyPair()
const worker = curveKeyPair()
const stranger = curveKeyPair()
const claim: Claim = { door: 'worker', challenge: 'abc', name: 'web17', instance: 'i1' }

test('Z85 gives back what it was given, and the example of its standard', (t) => {
  t.is(encodeZ85(Buffer.from('864fd26fb559f75b', 'hex')), 'HelloWorld')
  for (const { publicKey } of [broker, worker, stranger]) {
    const bytes = decodeKey(publicKey)
    t.is(bytes && encodeZ85(bytes), publicKey)
  }
  const good = worker.publicKey
  for (const bad of ['', good.slice(1), `${good}0`, `"${good.slice(1)}`, `#####${good.slice(5)}`])
    t.is(decodeKey(bad), null)
})

test('a secret key has the public key that the sockets know it by', (t) => {
  t.is(publicKeyOf(worker.secretKey), worker.publicKey)
})

test('both ends make the same proof, and nobody else does', (t) => {
  const proof = proofOf(worker.secretKey, broker.publicKey, claim) ?? ''
  const expected = proofOf(broker.secretKey, worker.publicKey, claim) ?? ''
  t.regex(proof, /^[0-9a-f]{64}$/)
  t.true(sameProof(proof, expected))
  t.false(sameProof(proofOf(stranger.secretKey, broker.publicKey, claim) ?? '', expected))
  t.false(sameProof('', expected))
})

for (const [field, other] of Object.entries({
  door: 'client',
  challenge: 'abd',
  name: 'web18',
  instance: 'i2',
}))
  test(`a proof is good for one ${field} alone`, (t) => {
    const proof = proofOf(worker.secretKey, broker.publicKey, claim) ?? ''
    const of_other = proofOf(worker.secretKey, broker.publicKey, { ...claim, [field]: other })
    t.false(sameProof(proof, of_other ?? ''))
  })

test('what is no key gives no proof', (t) => {
  t.is(proofOf('x', broker.publicKey, claim), null)
  // The key of zeros makes the same secret with every other.
  t.is(proofOf(worker.secretKey, '0'.repeat(40), claim), null)
})

const { publicKey: public_key, secretKey: secret_key } = worker
const key = { name: 'web17', role: 'worker', public_key, secret_key } as const

test('a key file is read as it was written', (t) => {
  const path = join(folderOf(t), 'web17.key')
  writeKeyFile(path, { ...key, broker_key: broker.publicKey })
  t.deepEqual(readDaemonKey(path, 'worker'), {
    kind: 'key',
    key: { ...key, broker_key: broker.publicKey },
  })
  t.deepEqual(readKeyFile(`${path}.other`), { kind: 'absent' })
})

const SPOILT: readonly (readonly [what: string, spoil: object, says: RegExp])[] = [
  ['of another role', { role: 'client' }, /is the key of a client, not of a worker/],
  ['without the key of the broker', { broker_key: undefined }, /broker_key is missing/],
  ['of two pairs', { secret_key: stranger.secretKey }, /are no pair/],
  ['with a key that is none', { public_key: 'abc' }, /public_key: must be a key of 40 characters/],
  ['with an unknown name in it', { secret: 'x' }, /unknown key "secret"/],
]
for (const [what, spoil, says] of SPOILT)
  test(`a key file ${what} is refused`, (t) => {
    const path = join(folderOf(t), 'web17.key')
    writeKeyFile(path, { ...key, broker_key: broker.publicKey, ...spoil })
    const read = readDaemonKey(path, 'worker')
    t.regex(read.kind === 'refused' ? read.message : '', says)
    t.false(JSON.stringify(read).includes(secret_key))
  })

test('a key file that others may read is refused', (t) => {
  const path = join(folderOf(t), 'web17.key')
  writeKeyFile(path, { ...key, broker_key: broker.publicKey })
  chmodSync(path, 0o640)
  const read = readDaemonKey(path, 'worker')
  t.regex(read.kind === 'refused' ? read.message : '', /others may read .*chmod 600/)
})

test('who is authorised is a folder of files; a wrong one takes nothing from the others', (t) => {
  const folder = folderOf(t)
  t.deepEqual(readAuthorised(join(folder, 'none')), {
    keys: new Map(),
    problems: [],
    is_partial: false,
  })
  writeAuthorised(folder, 'web17', { role: 'worker', public_key, topics: ['import_*'] })
  writeAuthorised(folder, 'front', { role: 'frontend', public_key: broker.publicKey })
  writeAuthorised(folder, 'zwin', { role: 'client', public_key })
  writeFileSync(join(folder, 'bad.pub'), 'role: god\n')
  writeFileSync(join(folder, '-x.pub'), '')
  writeFileSync(join(folder, 'web17.pub~'), 'left by an editor')
  writeFileSync(join(folder, 'open.pub'), 'role: client\n', { mode: 0o666 })
  chmodSync(join(folder, 'open.pub'), 0o666)
  mkdirSync(join(folder, 'folder.pub'))
  const { keys, problems } = readAuthorised(folder)
  t.deepEqual(keys.get(public_key), {
    name: 'web17',
    role: 'worker',
    public_key,
    workers: ['web17'],
    topics: ['import_*'],
  })
  t.deepEqual([...keys.values()].map(({ name }) => name).sort(), ['front', 'web17'])
  const all = problems.join('\n')
  t.is(problems.length, 5, all)
  for (const says of [
    /bad\.pub:1:7: role: /,
    /public_key: /,
    /-x\.pub: the file is not named for anybody/,
    /others may write .*open\.pub/,
    /folder\.pub is no file/,
    /zwin\.pub: web17 has the same key/,
  ])
    t.regex(all, says)
})
