/**
 * The authority's folder, `ca/`: its own pair, what it has issued, the list of what is revoked, and the certificates that
 * were made here for others. `issued.yaml` is what counts; the list of the revoked is made from it.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { z } from 'zod'
import { NAME_PATTERN } from '../../../common/definition/card.ts'
import { makeRevocationList } from '../../../common/keys/authority.ts'
import type { Pair } from '../../../common/keys/authority.ts'
import { readChecked } from '../../../common/keys/checked-yaml.ts'
import { readPrivate, writePrivate } from '../../../common/keys/private-file.ts'
import { ROLES } from '../../../common/keys/tokens.ts'
import { authorityFolder } from './folder.ts'
import { refused } from './verb.ts'
import type { Problem } from './verb.ts'

const time = z.iso.datetime({ offset: true })
const Issued = z.strictObject({
  serial: z.string().regex(/^[0-9A-F]{2,40}$/),
  kind: z.enum(['frontend', 'client']),
  name: z.string().regex(NAME_PATTERN),
  hosts: z.array(z.string()).optional(),
  role: z.enum(ROLES).optional(),
  jobs: z.array(z.string()).optional(),
  since: time,
  expires: time,
  revoked: time.optional(),
})
export type Issued = z.infer<typeof Issued>
const IssuedFile = z.strictObject({ issued: z.array(Issued) })

export type Authority = {
  readonly kind: 'authority'
  readonly pair: Pair
  readonly name: string
  readonly expires: Date
}
type Read<Kind extends string, Value> = ({ readonly kind: Kind } & Value) | Problem

export const certificatePath = (place: string, name: string): string => join(place, `${name}.crt`)
export const certificateKeyPath = (place: string, name: string): string =>
  join(place, `${name}.key`)
export const revokedPath = (folder: string): string => join(authorityFolder(folder), 'crl.pem')
export const authorityCertificatePath = (folder: string): string =>
  certificatePath(authorityFolder(folder), AUTHORITY)
const issuedPath = (folder: string): string => join(authorityFolder(folder), 'issued.yaml')
/** The authority's own files have this name, which no certificate may have. */
export const AUTHORITY = 'ca'

export const hasAuthority = (folder: string): boolean =>
  existsSync(authorityCertificatePath(folder)) ||
  existsSync(certificateKeyPath(authorityFolder(folder), AUTHORITY))

/** The authority of this folder, with its secret key. */
export function readAuthority(folder: string): Authority | Problem {
  const [certificate_path, key_path] = [
    authorityCertificatePath(folder),
    certificateKeyPath(authorityFolder(folder), AUTHORITY),
  ]
  const certificate = readPrivate(certificate_path, 'public')
  const key = readPrivate(key_path)
  for (const read of [certificate, key]) if (read.kind === 'refused') return refused(read.message)
  if (certificate.kind !== 'read' || key.kind !== 'read')
    return refused(
      `there is no authority in ${authorityFolder(folder)}`,
      'jobz keys ca makes it: ca.crt and ca.key',
    )
  const found = certificateOf(certificate.text)
  if (found === null) return refused(`${certificate_path} is no certificate`)
  if (!isKeyOf(found, key.text))
    return refused(`${key_path} is not the key of ${certificate_path}, or none that jobz made`)
  return {
    kind: 'authority',
    pair: { certificate: certificate.text, key: key.text },
    name: commonNameOf(found),
    expires: found.validToDate,
  }
}

/** Null for a text that is none. */
export function certificateOf(text: string): X509Certificate | null {
  try {
    return new X509Certificate(text)
  } catch {
    return null
  }
}

export const commonNameOf = ({ subject }: X509Certificate): string => subject.replace(/^CN=/, '')

function isKeyOf(certificate: X509Certificate, text: string): boolean {
  try {
    const key = createPrivateKey(text)
    const { namedCurve } = key.asymmetricKeyDetails ?? {}
    return namedCurve === 'prime256v1' && certificate.checkPrivateKey(key)
  } catch {
    return false
  }
}

/** Puts a new authority in place, which has issued nothing yet. */
export async function writeAuthority(folder: string, pair: Pair): Promise<void> {
  const place = authorityFolder(folder)
  mkdirSync(place, { recursive: true, mode: 0o700 })
  writePair(place, AUTHORITY, pair)
  await writeIssued(folder, pair, [])
}

/** The key first: a certificate without its key would look complete. */
export function writePair(place: string, name: string, { certificate, key }: Pair): void {
  writePrivate(certificateKeyPath(place, name), key)
  writePrivate(certificatePath(place, name), certificate, 'public')
}

/** All that was issued here, the oldest first. */
export function readIssued(folder: string): Read<'issued', { readonly issued: readonly Issued[] }> {
  const path = issuedPath(folder)
  const read = readPrivate(path)
  if (read.kind === 'refused') return refused(read.message)
  if (read.kind === 'absent') return { kind: 'issued', issued: [] }
  return checked(path, read.text)
}

function checked(
  path: string,
  text: string,
): Read<'issued', { readonly issued: readonly Issued[] }> {
  const read = readChecked(path, text, IssuedFile, ['issued', ...Object.keys(Issued.shape)])
  return read.kind === 'refused' ? refused(read.message) : { kind: 'issued', ...read.value }
}

/** Long enough to be seen in a listing; a certificate that is over needs no place among the revoked. */
const KEEP_MS = 30 * 86_400_000

/** Writes down what was issued, and the list of what is revoked of it. */
export async function writeIssued(
  folder: string,
  authority: Pair,
  issued: readonly Issued[],
): Promise<Problem | null> {
  const kept = issued.filter(({ expires }) => Date.parse(expires) > Date.now() - KEEP_MS)
  const text = stringify({ issued: kept }, { lineWidth: 0 })
  // What could not be read again could not be revoked either.
  const again = checked(issuedPath(folder), text)
  if (again.kind !== 'issued') return again
  const serials = kept.filter(({ revoked }) => revoked !== undefined).map(({ serial }) => serial)
  const list = await makeRevocationList(authority, serials)
  writePrivate(issuedPath(folder), text)
  writePrivate(revokedPath(folder), list, 'public')
  return null
}
