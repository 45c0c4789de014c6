/** `jobz keys` for HTTP: tokens, an authority and its certificates, and taking them away. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import test from 'ava'
import { readRevocationList } from '../../common/keys/authority.ts'
import { findToken, isExpired, readTokens } from '../../common/keys/tokens.ts'
import { keysIn } from './keys-folder.ts'

const DAY_MS = 86_400_000

test('a token is shown once, and only its hash is kept', async (t) => {
  const { folder, keys } = keysIn(t)
  const words = ['--role', 'trigger', '--jobs', 'import_*,publish', '--expires', '90d']
  const { code, out, err } = await keys('token', 'cron', ...words, '--rate', '5')
  t.is(code, 0, err)
  t.regex(out, /^jobz_[0-9a-f]{16}_[\w-]{43}\n$/)
  t.regex(err, /cron: trigger on import_\*, publish, until 2/)
  const token = out.trim()
  const path = join(folder, 'tokens.yaml')
  t.is(statSync(path).mode & 0o777, 0o600)
  t.false(readFileSync(path, 'utf8').includes(token.slice(-43)))
  t.false((await keys()).out.includes(token.slice(-43)))
  const read = readTokens(path)
  if (read.kind !== 'read') return t.fail()
  const found = findToken(read.tokens, token)
  if (found === null) return t.fail()
  const { name, role, jobs, rate } = found
  t.deepEqual([name, role, jobs, rate], ['cron', 'trigger', ['import_*', 'publish'], 5])
  t.false(isExpired(found, Date.now() + 89 * DAY_MS))
  t.true(isExpired(found, Date.now() + 91 * DAY_MS))
})

test('a token ends on a day, or never', async (t) => {
  const { json } = keysIn(t)
  const year = new Date().getUTCFullYear() + 2
  const dated = ['token', 'a', '--role', 'read', '--expires', `${year}-02-01`]
  t.is((await json<{ expires: string }>(...dated)).expires, `${year}-02-01T00:00:00Z`)
  const ever = await json<{ expires: null; token: string }>('token', 'b', '--role', 'admin')
  t.is(ever.expires, null)
  t.regex(ever.token, /^jobz_/)
})

test('tokens come and go, and what people wrote beside them stays', async (t) => {
  const { folder, keys } = keysIn(t)
  const path = join(folder, 'tokens.yaml')
  await keys('token', 'old', '--role', 'read')
  writeFileSync(path, `# asked for by the night shift\n${readFileSync(path, 'utf8')}`)
  const taken = await keys('token', 'old', '--role', 'admin')
  t.is(taken.code, 4)
  t.regex(taken.err, /there is a token old\n.*revoke old --kind token first/)
  const token = (await keys('token', 'new', '--role', 'read')).out.trim()
  const { code, err } = await keys('revoke', 'old')
  t.is(code, 0)
  t.regex(err, /the token old is good no more: frontends refuse it within a second/)
  t.regex(readFileSync(path, 'utf8'), /^# asked for by the night shift\n/)
  const read = readTokens(path)
  t.is(read.kind === 'read' && findToken(read.tokens, token)?.name, 'new')
  t.is(read.kind === 'read' && read.tokens.size, 1)
  await keys('revoke', 'new')
  t.deepEqual(readTokens(path), { kind: 'read', tokens: new Map() })
})

test('a file of tokens that cannot be read stays as it is', async (t) => {
  const { folder, keys } = keysIn(t)
  await keys('init')
  const path = join(folder, 'tokens.yaml')
  writeFileSync(path, 'tokens: [\n', { mode: 0o600 })
  for (const words of [['token', 'x', '--role', 'read'], ['revoke', 'x'], []]) {
    const { code, err } = await keys(...words)
    t.is(code, 4)
    t.regex(err, /tokens\.yaml:/)
  }
  t.is(readFileSync(path, 'utf8'), 'tokens: [\n')
})

test('the authority is made once; another name needs another folder', async (t) => {
  const { folder, keys } = keysIn(t)
  const made = await keys('ca', 'shop', '--expires', '30d')
  t.is(made.code, 0, made.err)
  t.is(made.out, `${join(folder, 'ca', 'ca.crt')}\n`)
  const before = readFileSync(join(folder, 'ca', 'ca.key'), 'utf8')
  t.is(statSync(join(folder, 'ca', 'ca.key')).mode & 0o777, 0o600)
  t.regex((await keys('ca')).err, /found the authority shop/)
  t.is((await keys('ca', 'other')).code, 4)
  t.is(readFileSync(join(folder, 'ca', 'ca.key'), 'utf8'), before)
})

type Made = { certificate: string; key: string; serial: string }

test('a frontend and its client meet by what was issued to them', async (t) => {
  const { folder, keys, json } = keysIn(t)
  await keys('ca')
  const frontend = await json<Made>('issue', 'frontend', 'web', '--hosts', 'localhost,127.0.0.1')
  const client = await json<Made>('issue', 'client', 'cron', '--jobs', 'import_*')
  const [ca, crl] = ['ca.crt', 'crl.pem'].map((name) => readFileSync(join(folder, 'ca', name)))
  const server = createServer({
    ca,
    crl,
    cert: readFileSync(frontend.certificate),
    key: readFileSync(frontend.key),
    requestCert: true,
  })
  server.on('request', (asked, answer) =>
    answer.end(JSON.stringify((asked.socket as TLSSocket).getPeerCertificate().subject)),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const asked = request({
    host: 'localhost',
    family: 4,
    port: (server.address() as AddressInfo).port,
    ca,
    cert: readFileSync(client.certificate),
    key: readFileSync(client.key),
    agent: false,
  })
  asked.end()
  const [answer] = await once(asked, 'response')
  t.deepEqual(JSON.parse(await text(answer)), { CN: 'cron', OU: ['role:trigger', 'job:import_*'] })
})

test('what was issued is listed, with a line to try it', async (t) => {
  const { keys } = keysIn(t)
  await keys('ca')
  const frontend = await keys('issue', 'frontend', 'web', '--hosts', 'jobs.example.org')
  t.regex(frontend.out, /ca\/web\.crt\n.*ca\/web\.key\n$/)
  const client = await keys('issue', 'client', 'ops', '--role', 'operate', '--expires', '30d')
  t.regex(client.err, /ops: operate on every job, until 2/)
  t.regex(client.err, /curl --cacert \S+ca\.crt --cert \S+ --key \S+ https:\/\/jobs\.example\.org:/)
  const { out } = await keys()
  t.regex(out, /authority +jobz +issues .*good\n/)
  t.regex(out, /certificate +web +frontend +jobs\.example\.org .*good\n/)
  t.regex(out, /certificate +ops +operate .*good\n/)
})

test('a revoked certificate is on the list, and its name is free again', async (t) => {
  const { folder, keys, json } = keysIn(t)
  await keys('ca')
  const gone = await json<Made>('issue', 'client', 'cron')
  const stays = await json<Made>('issue', 'client', 'ops')
  const taken = await keys('issue', 'client', 'cron')
  t.is(taken.code, 4)
  t.regex(taken.err, /cron\.crt is there already\n.*revoke cron first/)
  const { code, err } = await keys('revoke', 'cron')
  t.is(code, 0)
  t.regex(err, /on the list of the revoked/)
  t.deepEqual(await revokedIn(folder), new Set([gone.serial]))
  t.false(existsSync(gone.key))
  t.true(existsSync(stays.key))
  t.regex((await keys()).out, /certificate +cron +trigger .*revoked\n/)
  const next = await json<Made>('issue', 'client', 'cron')
  t.not(next.serial, gone.serial)
  t.deepEqual(await revokedIn(folder), new Set([gone.serial]))
})

test('of two certificates of a name, one alone is revoked by its serial', async (t) => {
  const { folder, keys, json } = keysIn(t)
  await keys('ca')
  const old = await json<Made>('issue', 'client', 'cron')
  const fresh = await json<Made>('issue', 'client', 'cron', '--out', join(folder, 'new'))
  t.is((await keys('revoke', 'cron', '--serial', '00')).code, 4)
  await keys('revoke', 'cron', '--serial', old.serial.toLowerCase())
  t.deepEqual(await revokedIn(folder), new Set([old.serial]))
  await keys('revoke', 'cron')
  t.deepEqual(await revokedIn(folder), new Set([old.serial, fresh.serial]))
})

async function revokedIn(folder: string): Promise<ReadonlySet<string> | string> {
  const [list, ca] = ['crl.pem', 'ca.crt'].map((name) =>
    readFileSync(join(folder, 'ca', name), 'utf8'),
  )
  const read = await readRevocationList(list ?? '', ca ?? '')
  return read.kind === 'read' ? read.serials : read.message
}

test('a name of several kinds needs the kind', async (t) => {
  const { keys } = keysIn(t)
  await keys('init')
  await keys('ca')
  await keys('add', 'client', 'cron')
  await keys('token', 'cron', '--role', 'read')
  await keys('issue', 'client', 'cron')
  const { code, err } = await keys('revoke', 'cron')
  t.is(code, 2)
  t.regex(err, /cron is a key and a token and a certificate\n.*--kind key\|token\|certificate/)
  t.is((await keys('revoke', 'cron', '--kind', 'certificate')).code, 0)
  t.is((await keys('revoke', 'cron', '--kind', 'token')).code, 0)
  t.regex((await keys('revoke', 'cron')).err, /the key cron lets nobody in/)
  t.regex((await keys('revoke', 'cron')).err, /the certificate cron is on the list/)
  const unknown = await keys('revoke', 'corn')
  t.is(unknown.code, 4)
  t.regex(unknown.err, /there is no key, token or certificate corn\n.*did you mean cron/)
})

test('several at once undo nothing of each other', async (t) => {
  const { keys, json } = keysIn(t)
  await keys('ca')
  const names = Array.from({ length: 8 }, (_, at) => `c${at}`)
  const ran = await Promise.all(names.map((name) => keys('issue', 'client', name)))
  t.true(ran.every(({ code }) => code === 0))
  const { entries } = await json<{ entries: { kind: string; name: string }[] }>()
  const listed = entries.filter(({ kind }) => kind === 'certificate').map(({ name }) => name)
  t.deepEqual(listed.sort(), names)
})

test('where another one was cut short, nothing is done until somebody looks', async (t) => {
  const { folder, keys } = keysIn(t)
  await keys('init')
  writeFileSync(join(folder, '.lock'), '')
  const { code, err } = await keys('token', 'x', '--role', 'read')
  t.is(code, 4)
  t.regex(err, /another jobz keys works in .*\n.*rm \S+\.lock/)
  t.false(existsSync(join(folder, 'tokens.yaml')))
})

test('what is no authority issues nothing', async (t) => {
  const { folder, keys } = keysIn(t)
  await keys('init')
  t.regex((await keys('issue', 'client', 'c')).err, /there is no authority in .*\n.*jobz keys ca/)
  await keys('ca')
  const other = keysIn(t)
  await other.keys('ca')
  const key = readFileSync(join(other.folder, 'ca', 'ca.key'))
  writeFileSync(join(folder, 'ca', 'ca.key'), key, { mode: 0o600 })
  const mixed = await keys('issue', 'client', 'c')
  t.is(mixed.code, 4)
  t.regex(mixed.err, /ca\.key is not the key of .*ca\.crt/)
  writeFileSync(join(folder, 'ca', 'ca.crt'), 'words')
  for (const words of [['issue', 'client', 'c'], ['ca'], []]) {
    const { code, err } = await keys(...words)
    t.is(code, 4)
    t.regex(err, /ca\.crt is no certificate/)
  }
  t.is((await keys('issue', 'client', 'ca')).code, 4)
})

test('a certificate says the hosts of a frontend, or its name', async (t) => {
  const { keys, json } = keysIn(t)
  await keys('ca')
  const plain = await json<Made>('issue', 'frontend', 'jobs.example.org')
  const { subjectAltName } = new X509Certificate(readFileSync(plain.certificate))
  t.is(subjectAltName, 'DNS:jobs.example.org')
  const named = await json<Made>('issue', 'frontend', 'f', '--hosts', '*.example.org,::1')
  const several = new X509Certificate(readFileSync(named.certificate)).subjectAltName
  t.is(several, 'DNS:*.example.org, IP Address:0:0:0:0:0:0:0:1')
})
