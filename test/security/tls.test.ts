/** HTTPS, and "accept requests only from my own certificate authority": each way in which a certificate can be no good. */
import { chmodSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { Pair } from '../../common/keys/authority.ts'
import { makeRevocationList, makeAuthority } from '../../common/keys/authority.ts'
import { writePrivate } from '../../common/keys/private-file.ts'
import { quietLog, withFrontend } from '../frontend/with-frontend.ts'
import { askSecurely, authorityOf } from './certificates.ts'
import type { Authority } from './certificates.ts'
import { actions, tokenFile, twoRuns, until } from './closed.ts'

/** A connection may be silent for as long as a test takes. */
const PATIENT = { headers_ms: 600_000, request_ms: 600_000 }

async function secured(t: ExecutionContext, more: object = {}, lines: string[] = []) {
  const authority = await authorityOf(t)
  const settings = { ...authority.settings, ...more }
  const frontend = await withFrontend(t, twoRuns, {
    settings,
    log: quietLog(lines),
    manner: PATIENT,
  })
  const ask = (
    pair: Pair | undefined,
    how: { path?: string; token?: string; options?: object } = {},
  ) => askSecurely(frontend.url, authority.pem, { pair, ...how })
  return { ...frontend, authority, ask, lines }
}

const statusOf = (told: Awaited<ReturnType<typeof askSecurely>>): number | string =>
  typeof told === 'string' ? told : told.status

test('who has a certificate of the authority comes in, with the role that it says', async (t) => {
  const { url, authority, ask, broker } = await secured(t)
  t.regex(url, /^https:/)
  const start = '/job_start?job_name=load'
  const cases: readonly (readonly [object, string, number])[] = [
    [{}, start, 202],
    [{ role: 'read' }, start, 403],
    [{ role: 'read' }, '/api/workers', 200],
    [{ role: 'trigger' }, start, 202],
    [{ role: 'trigger' }, '/api/semaphores/s/forget', 405],
    [{ role: 'admin' }, start, 202],
    [{ role: 'trigger', jobs: ['load', 'im_*'] }, start, 202],
    [{ role: 'trigger', jobs: ['im_*'] }, start, 403],
    [{ role: 'root' }, start, 401],
    [{ role: 'trigger', jobs: ['a b'] }, start, 401],
  ]
  for (const [wanted, path, status] of cases) {
    const pair = await authority.issue({ name: 'cron', ...wanted })
    t.is(statusOf(await ask(pair, { path })), status, `${JSON.stringify(wanted)} ${path}`)
  }
  t.like(broker.seen[0], { kind: 'trigger', from: 'cron from 127.0.0.1' })
})

test('the status_url is one of HTTPS, and browsers are told to stay with it', async (t) => {
  const { url, authority, ask } = await secured(t)
  const pair = await authority.issue({ name: 'cron' })
  const { hostname, port } = new URL(url)
  const { json, headers } = await new Promise<any>((resolve, reject) => {
    const path = '/job_start?job_name=load'
    const secret = { cert: pair.certificate, key: pair.key, ca: authority.pem }
    httpsRequest({ hostname, port, path, agent: false, ...secret }, (response) => {
      let text = ''
      response.on('data', (piece) => (text += piece))
      response.on('end', () => resolve({ json: JSON.parse(text), headers: response.headers }))
    })
      .on('error', reject)
      .end()
  })
  t.regex(json.status_url, /^https:\/\/127\.0\.0\.1:/)
  t.regex(headers['strict-transport-security'], /max-age/)
  t.is(statusOf(await ask(pair)), 202)
})

/** Each gives a certificate, or none, that must not come in. */
const BAD: Readonly<
  Record<string, (authority: Authority, t: ExecutionContext) => Promise<Pair | undefined>>
> = {
  absent: async () => undefined,
  'of another authority': async (_own, t) =>
    (await authorityOf(t, 'other')).issue({ name: 'cron' }),
  'of another authority of the same name': async (_own, t) =>
    (await authorityOf(t, 'owner')).issue({ name: 'cron' }),
  expired: (own) =>
    own.issue({ name: 'cron', not_before: new Date(Date.now() - 3 * 86_400_000), days: 1 }),
  'not yet valid': (own) =>
    own.issue({ name: 'cron', not_before: new Date(Date.now() + 86_400_000) }),
  "a frontend's own": (own) => own.issue({ kind: 'frontend', name: 'cron' }),
  'one that signed itself': async () => {
    const { certificate, key } = await makeAuthority({ name: 'cron', days: 1 })
    return { certificate, key }
  },
}
for (const [name, make] of Object.entries(BAD))
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    test(`not let in: a certificate that is ${name} (${version})`, async (t) => {
      const { authority, ask, broker } = await secured(t)
      const options = { minVersion: version, maxVersion: version }
      const told = await ask(await make(authority, t), { path: '/healthz', options })
      t.is(typeof told, 'string', JSON.stringify(statusOf(told)))
      const good = await authority.issue({ name: 'cron' })
      t.is(statusOf(await ask(good, { path: '/healthz', options })), 200)
      t.deepEqual(actions(broker.seen), [])
    })

test('nothing older than TLS 1.2 is spoken', async (t) => {
  const { authority, ask } = await secured(t)
  const pair = await authority.issue({ name: 'cron' })
  const options = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
  t.is(typeof (await ask(pair, { options })), 'string')
})

test('a revoked one does not come in, whatever token comes with it', async (t) => {
  const tokens = tokenFile(t)
  tokens.write({ ops: { role: 'admin' } })
  const { authority, ask } = await secured(t, { tokens: tokens.path })
  const [good, bad] = [await authority.issue({ name: 'a' }), await authority.issue({ name: 'b' })]
  t.is(statusOf(await ask(bad)), 202)
  await authority.revoke([bad.serial])
  await until(t, async () => typeof (await ask(bad)) === 'string')
  t.is(typeof (await ask(bad, { token: tokens.token('ops') })), 'string')
  t.is(typeof (await ask(bad, { path: '/healthz' })), 'string')
  t.is(statusOf(await ask(good)), 202)
})

test('the live connections of a revoked one are ended, streams and idle ones', async (t) => {
  const { url, authority } = await secured(t)
  const [good, bad] = [
    await authority.issue({ name: 'a', role: 'read' }),
    await authority.issue({ name: 'b', role: 'read' }),
  ]
  const [kept, cut] = [
    await openStream(url, authority, good),
    await openStream(url, authority, bad),
  ]
  const idle = await idleConnection(url, authority, bad)
  const other = await idleConnection(url, authority, good)
  await authority.revoke([bad.serial])
  await cut.closed
  await idle.closed
  t.false(kept.isClosed())
  t.false(other.socket.destroyed)
  kept.end()
  other.socket.destroy()
})

test('a certificate that runs out loses its connection', async (t) => {
  const { url, authority } = await secured(t)
  const day_ms = 86_400_000
  const soon_ms = 3_000
  const not_before = new Date(Date.now() + soon_ms - day_ms)
  const pair = await authority.issue({ name: 'a', role: 'read', not_before, days: 1 })
  await (
    await openStream(url, authority, pair)
  ).closed
  t.pass()
})

test('a session is not resumed: each connection shows its certificate', async (t) => {
  const { authority, ask } = await secured(t)
  const pair = await authority.issue({ name: 'cron' })
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
    const first = await ask(pair, { options: { maxVersion } })
    if (typeof first === 'string') return t.fail(first)
    const session = first.socket.getSession()
    const again = await ask(pair, { options: { maxVersion, session } })
    if (typeof again === 'string') return t.fail(again)
    t.false(again.socket.isSessionReused(), maxVersion)
  }
})

test('with tokens too, a header decides, else the certificate', async (t) => {
  const tokens = tokenFile(t)
  tokens.write({ viewer: { role: 'read' }, ops: { role: 'admin' } })
  const { authority, ask } = await secured(t, { tokens: tokens.path })
  const pair = await authority.issue({ name: 'cron', role: 'trigger' })
  t.is(statusOf(await ask(pair)), 202)
  t.is(statusOf(await ask(pair, { token: tokens.token('viewer') })), 403)
  t.is(statusOf(await ask(pair, { token: tokens.token('ops') })), 202)
  t.is(statusOf(await ask(pair, { token: tokens.token('unknown') })), 401)
  t.is(typeof (await ask(undefined, { token: tokens.token('ops') })), 'string')
})

test('with tokens alone, HTTPS asks for no certificate', async (t) => {
  const tokens = tokenFile(t)
  tokens.write({ ops: { role: 'admin' } })
  const { ask } = await secured(t, { tokens: tokens.path, tls_ca: '', tls_crl: '' })
  t.is(statusOf(await ask(undefined, { token: tokens.token('ops') })), 202)
  t.is(statusOf(await ask(undefined)), 401)
})

test('a new certificate is served without a restart, and a bad one is not', async (t) => {
  const lines: string[] = []
  const { url, authority, ask } = await secured(t, {}, lines)
  const pair = await authority.issue({ name: 'cron' })
  const before = await servedSerial(url, authority, pair)
  await authority.renew()
  await until(t, async () => (await servedSerial(url, authority, pair)) !== before)
  chmodSync(authority.settings.tls_key, 0o644)
  await until(t, () =>
    lines.some((line) => line.includes('not taken') && line.includes('chmod 600')),
  )
  t.is(statusOf(await ask(pair)), 202)
})

test('a list of revoked ones that somebody else signed changes nothing', async (t) => {
  const lines: string[] = []
  const { authority, ask } = await secured(t, {}, lines)
  const pair = await authority.issue({ name: 'cron' })
  await authority.revoke([pair.serial])
  await until(t, async () => typeof (await ask(pair)) === 'string')
  const other = await makeAuthority({ name: 'owner', days: 1 })
  writePrivate(authority.settings.tls_crl, await makeRevocationList(other, []), 'public')
  await until(t, () => lines.some((line) => line.includes('another signature')))
  t.is(typeof (await ask(pair)), 'string')
})

test('plain HTTP at the port of HTTPS gets nothing, and harms nothing', async (t) => {
  const { url, authority, ask } = await secured(t)
  await t.throwsAsync(fetch(url.replace('https', 'http')))
  t.is(statusOf(await ask(await authority.issue({ name: 'cron' }))), 202)
})

/** A connection that says nothing. */
function idleConnection(
  url: string,
  authority: Authority,
  pair: Pair,
): Promise<{ socket: TLSSocket; closed: Promise<void> }> {
  const { hostname, port } = new URL(url)
  const secret = { cert: pair.certificate, key: pair.key, ca: authority.pem }
  const ended = Promise.withResolvers<void>()
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), ...secret }, () =>
      resolve({ socket, closed: ended.promise }),
    )
    socket.on('error', () => {})
    socket.on('close', () => ended.resolve())
  })
}

/** The serial number of the certificate that a new connection is shown. */
async function servedSerial(url: string, authority: Authority, pair: Pair): Promise<string> {
  const { socket } = await idleConnection(url, authority, pair)
  const serial = socket.getPeerX509Certificate()?.serialNumber ?? ''
  socket.destroy()
  return serial
}

type Stream = { readonly closed: Promise<void>; isClosed(): boolean; end(): void }

/** A stream of events that has begun. */
function openStream(url: string, authority: Authority, pair: Pair): Promise<Stream> {
  const { hostname, port } = new URL(url)
  const secret = { cert: pair.certificate, key: pair.key, ca: authority.pem }
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ hostname, port, path: '/api/events', agent: false, ...secret })
    request.on('error', reject)
    request.on('response', (response) => {
      const ended = Promise.withResolvers<void>()
      let isClosed = false
      response.on('error', () => {})
      response.on('close', () => {
        isClosed = true
        ended.resolve()
      })
      response.once('data', () =>
        resolve({ closed: ended.promise, isClosed: () => isClosed, end: () => request.destroy() }),
      )
    })
    request.end()
  })
}
