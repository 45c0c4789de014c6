/** The authority's certificates, as Node's own TLS sees them: it must let in whom we mean, and nobody else. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import {
  issueCertificate,
  makeAuthority,
  makeRevocationList,
  readRevocationList,
} from '../../../common/keys/authority.ts'
import type { Pair } from '../../../common/keys/authority.ts'

const DAY_MS = 86_400_000

const authority = await makeAuthority({ name: 'jobz', days: 30 })
const other = await makeAuthority({ name: 'jobz', days: 30 })
const frontend = await issueCertificate(authority, { kind: 'frontend', name: 'localhost', days: 5 })
const client = await issueCertificate(authority, {
  kind: 'client',
  name: 'cron',
  role: 'trigger',
  jobs: ['import_*', 'publish'],
  days: 5,
})

/** What a server that asks for certificates makes of a client: the subject it sees, or why the two don't agree. */
async function meet(
  t: ExecutionContext,
  server: Pair,
  visitor: Pair | null,
  how: { readonly ca?: string; readonly crl?: string; readonly host?: string } = {},
): Promise<string> {
  const listening = createServer({
    cert: server.certificate,
    key: server.key,
    ca: how.ca ?? authority.certificate,
    ...(how.crl === undefined ? {} : { crl: how.crl }),
    requestCert: true,
    rejectUnauthorized: false,
  })
  listening.on('request', (asked, answer) => {
    const socket = asked.socket as TLSSocket
    const { CN, OU } = socket.getPeerCertificate().subject ?? {}
    const units = [OU ?? []].flat().join(' ')
    answer.end(socket.authorized ? `${String(CN)} ${units}` : String(socket.authorizationError))
  })
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  t.teardown(() => listening.close())
  const asked = request({
    host: '127.0.0.1',
    port: (listening.address() as AddressInfo).port,
    servername: how.host ?? 'localhost',
    ca: how.ca ?? authority.certificate,
    agent: false,
    ...(visitor === null ? {} : { cert: visitor.certificate, key: visitor.key }),
  })
  asked.end()
  try {
    const [answer] = await once(asked, 'response')
    return await text(answer)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

test('a client is let in as who it is, with its role and its jobs', async (t) => {
  t.is(await meet(t, frontend, client), 'cron role:trigger job:import_* job:publish')
})

test('a client that has no role and no jobs has its name alone', async (t) => {
  const plain = await issueCertificate(authority, { kind: 'client', name: 'ops', days: 1 })
  t.is(await meet(t, frontend, plain), 'ops ')
})

test('without a certificate nobody is let in', async (t) => {
  t.is(await meet(t, frontend, null), 'UNABLE_TO_GET_ISSUER_CERT')
})

test('an authority of the same name is another one', async (t) => {
  const stranger = await issueCertificate(other, { kind: 'client', name: 'cron', days: 5 })
  t.is(await meet(t, frontend, stranger), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  const false_server = await issueCertificate(other, {
    kind: 'frontend',
    name: 'localhost',
    days: 5,
  })
  t.is(await meet(t, false_server, client), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
})

test('a certificate is good neither after its days nor before them', async (t) => {
  const of = (not_before: Date): Promise<Pair> =>
    issueCertificate(authority, { kind: 'client', name: 'cron', days: 5, not_before })
  const expired = await of(new Date(Date.now() - 10 * DAY_MS))
  t.is(await meet(t, frontend, expired), 'CERT_HAS_EXPIRED')
  const early = await of(new Date(Date.now() + DAY_MS))
  t.is(await meet(t, frontend, early), 'CERT_NOT_YET_VALID')
})

test("a frontend's certificate is no client's, and a client's is no frontend's", async (t) => {
  t.is(await meet(t, frontend, frontend), 'INVALID_PURPOSE')
  t.is(await meet(t, client, client), 'INVALID_PURPOSE')
})

test('what is not the authority cannot issue', async (t) => {
  const forged = await issueCertificate(client, { kind: 'client', name: 'root', days: 1 })
  const chain = { certificate: forged.certificate + client.certificate, key: forged.key }
  t.notRegex(await meet(t, frontend, chain), /root/)
  t.regex(await meet(t, frontend, client), /^cron /)
})

test('a revoked certificate is refused, and the others are not', async (t) => {
  const revoked = await issueCertificate(authority, { kind: 'client', name: 'gone', days: 5 })
  const crl = await makeRevocationList(authority, [revoked.serial])
  t.is(await meet(t, frontend, revoked, { crl }), 'CERT_REVOKED')
  t.regex(await meet(t, frontend, client, { crl }), /^cron /)
  const none = await makeRevocationList(authority, [])
  t.regex(await meet(t, frontend, revoked, { crl: none }), /^gone /)
})

test('a frontend is known by its hosts and by no other name', async (t) => {
  const hosts = ['jobs.example.org', '*.jobz.internal', '192.0.2.7', '::1']
  const server = await issueCertificate(authority, { kind: 'frontend', name: 'f', hosts, days: 5 })
  t.regex(await meet(t, server, client, { host: 'jobs.example.org' }), /^cron /)
  t.regex(await meet(t, server, client, { host: 'a.jobz.internal' }), /^cron /)
  t.is(await meet(t, server, client, { host: 'f' }), 'ERR_TLS_CERT_ALTNAME_INVALID')
  const certificate = new X509Certificate(server.certificate)
  t.is(certificate.checkIP('192.0.2.7'), '192.0.2.7')
  t.is(certificate.checkIP('::1'), '::1')
  t.is(certificate.checkIP('192.0.2.8'), undefined)
})

test('certificates say what they are for, and whose they are', (t) => {
  const ca = new X509Certificate(authority.certificate)
  t.true(ca.ca)
  t.true(ca.verify(ca.publicKey))
  for (const { certificate, key } of [frontend, client]) {
    const issued = new X509Certificate(certificate)
    t.false(issued.ca)
    t.true(issued.checkIssued(ca))
    t.true(issued.verify(ca.publicKey))
    t.regex(key, /^-----BEGIN PRIVATE KEY-----\n/)
    t.true(issued.validFromDate.getTime() < Date.now())
  }
  t.deepEqual(new X509Certificate(client.certificate).keyUsage, ['1.3.6.1.5.5.7.3.2'])
  t.deepEqual(new X509Certificate(frontend.certificate).keyUsage, ['1.3.6.1.5.5.7.3.1'])
})

test('a certificate ends with its authority at the latest', async (t) => {
  const long = await issueCertificate(authority, { kind: 'client', name: 'long', days: 3650 })
  const end = new X509Certificate(authority.certificate).validToDate
  t.deepEqual(new X509Certificate(long.certificate).validToDate, end)
})

test('an authority may last past the year 2050', async (t) => {
  const lasting = await makeAuthority({ name: 'lasting', days: 36_500 })
  const end = new X509Certificate(lasting.certificate).validToDate.getTime()
  t.true(Math.abs(end - (Date.now() + 36_500 * DAY_MS)) < DAY_MS)
})

test('a serial is 128 bits, another one each time, and written as Node writes it', async (t) => {
  const serials = [frontend, client].map(({ serial, certificate }) => {
    t.is(new X509Certificate(certificate).serialNumber, serial)
    return serial
  })
  t.is(new Set(serials).size, 2)
  for (const serial of serials) t.regex(serial, /^[4-7][0-9A-F]{31}$/)
})

test('a list of revoked certificates reads as it was written', async (t) => {
  const serials = [client.serial, frontend.serial]
  const read = await readRevocationList(
    await makeRevocationList(authority, serials),
    authority.certificate,
  )
  t.deepEqual(read, { kind: 'read', serials: new Set(serials) })
  const empty = await readRevocationList(
    await makeRevocationList(authority, []),
    authority.certificate,
  )
  t.deepEqual(empty, { kind: 'read', serials: new Set() })
})

test('serials that other authorities have are read as Node shows those of certificates', async (t) => {
  const list = await makeRevocationList(authority, ['00', '01', '7f', '0100'])
  const read = await readRevocationList(list, authority.certificate)
  t.deepEqual(read, { kind: 'read', serials: new Set(['0', '01', '7F', '0100']) })
})

test("a list that is not this authority's, was changed, or is none is refused", async (t) => {
  const list = await makeRevocationList(authority, [client.serial])
  const foreign = await readRevocationList(list, other.certificate)
  t.is(foreign.kind, 'refused')
  const body = Buffer.from(list.replaceAll(/-----.*-----/g, ''), 'base64')
  for (const place of [60, body.length - 5]) {
    const changed = Buffer.from(body)
    changed[place] = (changed[place] ?? 0) ^ 1
    const pem = `-----BEGIN X509 CRL-----\n${changed.toString('base64')}\n-----END X509 CRL-----\n`
    t.is((await readRevocationList(pem, authority.certificate)).kind, 'refused')
  }
  for (const none of ['', 'words', authority.certificate, list.slice(0, 100), '[]'])
    t.is((await readRevocationList(none, authority.certificate)).kind, 'refused', none)
  t.is((await readRevocationList(list, 'words')).kind, 'refused')
})
