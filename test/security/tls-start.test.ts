/** Files of HTTPS with which a frontend does not start, and what it says about them. */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { writePrivate } from '../../common/keys/private-file.ts'
import { withFrontend } from '../frontend/with-frontend.ts'
import { authorityOf } from './certificates.ts'
import type { Authority } from './certificates.ts'
import { twoRuns } from './closed.ts'

const REFUSED: readonly (readonly [string, (own: Authority) => object | void, RegExp])[] = [
  ['a key that others may read', (own) => chmodSync(own.settings.tls_key, 0o640), /chmod 600/],
  ['a certificate that others may write', (own) => chmodSync(own.settings.tls_cert, 0o666), /go-w/],
  ['no key', () => ({ tls_key: '' }), /belong together/],
  ['an authority without HTTPS', () => ({ tls_key: '', tls_cert: '' }), /--tls-ca needs/],
  ['a list without an authority', () => ({ tls_ca: '' }), /--tls-crl needs/],
  ['a file that is not there', () => ({ tls_crl: '/nowhere/crl.pem' }), /there is no file/],
  [
    'an authority that is none',
    (own) => ({ tls_ca: own.settings.tls_cert }),
    /not the certificate of an authority/,
  ],
  ['no certificate', (own) => writeFileSync(own.settings.tls_cert, 'x'), /frontend\.crt/],
  [
    'two authorities',
    (own) => writeFileSync(own.settings.tls_ca, own.pem + own.pem),
    /one authority, and no more/,
  ],
]
for (const [name, change, says] of REFUSED)
  test(`it does not start with ${name}`, async (t) => {
    const authority = await authorityOf(t)
    const settings = { ...authority.settings, ...change(authority) }
    await t.throwsAsync(withFrontend(t, twoRuns, { settings }), { message: says })
  })

test("a key that is not the certificate's is refused", async (t) => {
  const authority = await authorityOf(t)
  const path = join(authority.folder, 'other.key')
  writePrivate(path, (await authority.issue({ name: 'other' })).key)
  const settings = { ...authority.settings, tls_key: path }
  await t.throwsAsync(withFrontend(t, twoRuns, { settings }), {
    message: /key values mismatch|other\.key/,
  })
})
