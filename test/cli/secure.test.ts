/** The command line over HTTPS, and with tokens: what it sends where, and what it says when that is not enough. */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { writePrivate } from '../../common/keys/private-file.ts'
import { withFrontend } from '../frontend/with-frontend.ts'
import { authorityOf } from '../security/certificates.ts'
import { closedFrontend, twoRuns } from '../security/closed.ts'
import { RUN_ID } from '../frontend/fake-broker.ts'
import { fakeFrontend } from './fake-frontend.ts'
import { run } from './run.ts'

async function secured(t: ExecutionContext) {
  const authority = await authorityOf(t)
  const { url } = await withFrontend(t, twoRuns, { settings: authority.settings })
  const certificate = async (name: string, wanted: object = {}) => {
    const pair = await authority.issue({ name, ...wanted })
    const [cert, key] = [
      join(authority.folder, `${name}.crt`),
      join(authority.folder, `${name}.key`),
    ]
    writePrivate(cert, pair.certificate, 'public')
    writePrivate(key, pair.key)
    return { JOBZ_CERT: cert, JOBZ_CERT_KEY: key }
  }
  return { authority, url, certificate, env: { JOBZ_URL: url, JOBZ_CA: authority.settings.tls_ca } }
}

test('with an authority of its own and a certificate it is let in, by flags and by the environment', async (t) => {
  const { authority, url, certificate, env } = await secured(t)
  const own = await certificate('cron', { role: 'admin' })
  const answered = await run(['start', 'load', '--json'], { env: { ...env, ...own } })
  t.is(answered.code, 0, answered.err)
  const flags = [
    '--ca',
    authority.settings.tls_ca,
    '--cert',
    own.JOBZ_CERT,
    '--cert-key',
    own.JOBZ_CERT_KEY,
  ]
  t.is((await run(['workers', '--url', url, ...flags])).code, 0)
  t.is((await run(['logs', RUN_ID], { env: { ...env, ...own } })).code, 0)
})

test('what is wrong with certificates is unreachable, and says what to do', async (t) => {
  const { url, certificate, env } = await secured(t)
  const own = await certificate('cron')
  const other = await authorityOf(t, 'other')
  const expired = await certificate('old', {
    not_before: new Date(Date.now() - 3 * 86_400_000),
    days: 1,
  })
  const cases: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    ['no authority', { ...own, JOBZ_CA: '' }, /of no known authority\n.*JOBZ_CA/],
    ['another authority', { ...own, JOBZ_CA: other.settings.tls_ca }, /authority\n.*JOBZ_CA/],
    ['no certificate', {}, /JOBZ_CERT and JOBZ_CERT_KEY/],
    ['an expired certificate', expired, /in date and not revoked/],
    [
      'another name',
      { ...own, JOBZ_URL: url.replace('127.0.0.1', '127.0.0.2') },
      /for other names|nothing listens/,
    ],
    ['plain HTTP', { ...own, JOBZ_URL: url.replace('https', 'http') }, /is it https/],
  ]
  for (const [name, differs, says] of cases) {
    const { code, err } = await run(['workers'], { env: { ...env, ...differs } })
    t.is(code, 3, name)
    t.regex(err, says, name)
  }
})

test('files that are not as they must be are usage', async (t) => {
  const { certificate, env } = await secured(t)
  const own = await certificate('cron')
  const cases: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ JOBZ_CERT: own.JOBZ_CERT }, /belong together/],
    [{ ...own, JOBZ_CERT: '/nowhere.crt' }, /there is no file/],
  ]
  for (const [differs, says] of cases) {
    const { code, err } = await run(['workers'], { env: { ...env, ...differs } })
    t.is(code, 2)
    t.regex(err, says)
  }
  chmodSync(own.JOBZ_CERT_KEY, 0o644)
  const { code, err } = await run(['workers'], { env: { ...env, ...own } })
  t.is(code, 2)
  t.regex(err, /chmod 600/)
})

test('a token goes over HTTPS, or to this machine, and nowhere else', async (t) => {
  const { url, asked } = await fakeFrontend(t, { 'GET /api/workers': { json: { workers: [] } } })
  const env = { JOBZ_TOKEN: 'secret', JOBZ_URL: url }
  t.is((await run(['workers'], { env })).code, 0)
  t.is(asked[0]?.headers.authorization, 'Bearer secret')
  const elsewhere = { ...env, JOBZ_URL: 'http://192.0.2.1:6769' }
  const refused = await run(['workers'], { env: elsewhere })
  t.is(refused.code, 2)
  t.regex(refused.err, /where others can read it\n.*https:.*JOBZ_INSECURE=1/)
  t.notRegex(refused.err, /secret/)
  const interrupt = new AbortController()
  interrupt.abort()
  const interrupted = { interrupted: interrupt.signal }
  const insecure = await run(['workers'], {
    env: { ...elsewhere, JOBZ_INSECURE: '1' },
    ...interrupted,
  })
  t.is(insecure.code, 130)
  const secure = { ...env, JOBZ_URL: 'https://192.0.2.1:6769' }
  t.is((await run(['workers'], { env: secure, ...interrupted })).code, 130)
})

test('what is not allowed is refused: 4, with what is missing', async (t) => {
  const { url, tokens } = await closedFrontend(t, { viewer: { role: 'read' } })
  const env = { JOBZ_URL: url }
  const nobody = await run(['workers'], { env })
  t.is(nobody.code, 4)
  t.regex(nobody.err, /a token is missing\n.*JOBZ_TOKEN.*jobz keys token/)
  const wrong = await run(['workers'], { env: { ...env, JOBZ_TOKEN: 'wrong' } })
  t.is(wrong.code, 4)
  t.regex(wrong.err, /not known/)
  const viewer = { ...env, JOBZ_TOKEN: tokens.token('viewer') }
  t.is((await run(['workers'], { env: viewer })).code, 0)
  const start = await run(['start', 'load'], { env: viewer })
  t.is(start.code, 4)
  t.regex(start.err, /viewer has the role read, and this needs trigger/)
})
