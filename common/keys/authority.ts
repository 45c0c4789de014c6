/**
 * A small certificate authority: it makes itself, certificates for frontends and for their clients, and the list of
 * those that are revoked. ECDSA with P-256 throughout. It decides nothing about files: PEM goes in and comes out.
 *
 * A client certificate says in its subject who it is (CN) and what it may do (one OU each): `role:trigger`,
 * `job:import_*`. So whoever trusts the authority needs no list of its clients.
 */
import { createPrivateKey, randomBytes } from 'node:crypto'
import type { webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import type { Extension, JsonNameParams, X509Certificate } from '@peculiar/x509'

/** A certificate and its private key (PKCS#8), both in PEM. */
export type Pair = { readonly certificate: string; readonly key: string }

export type Wanted = {
  readonly kind: 'frontend' | 'client'
  readonly name: string
  /** The DNS names and addresses that a frontend is reached by; without any, its name. */
  readonly hosts?: readonly string[]
  /** What a client may do. */
  readonly role?: string
  /** Names or patterns of the jobs that it may do it to; without any, all. */
  readonly jobs?: readonly string[]
  /** How long it is good, from now or from `not_before` on. */
  readonly days: number
  readonly not_before?: Date
}

export type RevocationList =
  | { readonly kind: 'read'; readonly serials: ReadonlySet<string> }
  | { readonly kind: 'refused'; readonly message: string }

const DAY_MS = 86_400_000
/** Certificates are good from a little before now on, for hosts whose clock is behind. */
const CLOCKS_DIFFER_MS = 5 * 60_000
const KEYS = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const
const CRL_NUMBER = '2.5.29.20'

/** The library is large, and most processes have no use for it. */
async function library(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

/** Makes an authority, which signs itself. */
export async function makeAuthority({
  name,
  days,
}: {
  readonly name: string
  readonly days: number
}): Promise<Pair> {
  const x509 = await library()
  const keys = await crypto.subtle.generateKey(KEYS, true, ['sign', 'verify'])
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: new x509.Name([utf8('CN', name)]),
    keys,
    notBefore: aLittleAgo(),
    notAfter: daysAfter(new Date(), days),
    signingAlgorithm: SIGNATURE,
    extensions: [
      // No authorities below this one.
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return pairOf(certificate, keys.privateKey)
}

/** Makes a key and the authority's certificate of it, which ends with the authority's own at the latest. */
export async function issueCertificate(
  authority: Pair,
  wanted: Wanted,
): Promise<Pair & { readonly serial: string }> {
  const x509 = await library()
  const issuer = new x509.X509Certificate(authority.certificate)
  const keys = await crypto.subtle.generateKey(KEYS, true, ['sign', 'verify'])
  const not_after = daysAfter(wanted.not_before ?? new Date(), wanted.days)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    issuer: issuer.subjectName,
    subject: new x509.Name(subjectOf(wanted)),
    publicKey: keys.publicKey,
    signingKey: await signingKey(authority),
    notBefore: wanted.not_before ?? aLittleAgo(),
    notAfter: not_after < issuer.notAfter ? not_after : issuer.notAfter,
    signingAlgorithm: SIGNATURE,
    extensions: await extensionsOf(wanted, issuer, keys.publicKey),
  })
  const serial = shownSerial(certificate.serialNumber)
  return { ...(await pairOf(certificate, keys.privateKey)), serial }
}

/** UTF-8, since patterns have characters that the older kinds of string lack. */
function subjectOf({ name, kind, role, jobs = [] }: Wanted): JsonNameParams {
  if (kind === 'frontend') return [utf8('CN', name)]
  const may = [...(role === undefined ? [] : [`role:${role}`]), ...jobs.map((job) => `job:${job}`)]
  return [utf8('CN', name), ...may.map((unit) => utf8('OU', unit))]
}

const utf8 = (attribute: string, text: string): JsonNameParams[number] => ({
  [attribute]: [{ utf8String: text }],
})

async function extensionsOf(
  { kind, name, hosts }: Wanted,
  issuer: X509Certificate,
  public_key: webcrypto.CryptoKey,
): Promise<Extension[]> {
  const x509 = await library()
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage
  const common = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([kind === 'frontend' ? serverAuth : clientAuth]),
    await x509.SubjectKeyIdentifierExtension.create(public_key),
    await x509.AuthorityKeyIdentifierExtension.create(issuer),
  ]
  if (kind === 'client') return common
  const names = (hosts?.length ? hosts : [name]).map(
    (host) => new x509.GeneralName(isIP(host) === 0 ? 'dns' : 'ip', host),
  )
  return [...common, new x509.SubjectAlternativeNameExtension(names)]
}

/**
 * Makes the list of certificates that are good no more, in PEM.
 *
 * It holds as long as the authority: a list that ended sooner would have to be renewed by a clock, and one that was
 * forgotten would shut everybody out.
 */
export async function makeRevocationList(
  authority: Pair,
  serials: readonly string[],
): Promise<string> {
  const x509 = await library()
  const issuer = new x509.X509Certificate(authority.certificate)
  const now = new Date()
  const list = await x509.X509CrlGenerator.create({
    issuer: issuer.subjectName,
    thisUpdate: now,
    nextUpdate: issuer.notAfter,
    entries: serials.map((serial) => ({ serialNumber: serial, revocationDate: now })),
    signingAlgorithm: SIGNATURE,
    signingKey: await signingKey(authority),
    extensions: [
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      new x509.Extension(CRL_NUMBER, false, derInteger(now.getTime())),
    ],
  })
  return pem(x509.PemConverter.encode(list.rawData, 'X509 CRL'))
}

/** Reads a list of revoked certificates, if it is this authority's; serials are as Node shows those of certificates. */
export async function readRevocationList(
  list_pem: string,
  authority_certificate_pem: string,
): Promise<RevocationList> {
  const x509 = await library()
  try {
    const issuer = new x509.X509Certificate(authority_certificate_pem)
    const list = new x509.X509Crl(list_pem)
    if (!(await list.verify({ publicKey: issuer.publicKey })))
      return { kind: 'refused', message: 'the list of revoked certificates has another signature' }
    return { kind: 'read', serials: new Set(list.entries.map(serialOf)) }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { kind: 'refused', message: `the list of revoked certificates cannot be read: ${why}` }
  }
}

const serialOf = ({ serialNumber }: { readonly serialNumber: string }): string =>
  shownSerial(serialNumber)

/** Upper-case, without the zeros that only keep a number from being negative. Some authorities' first serial is 0. */
const shownSerial = (hex: string): string =>
  /^0+$/.test(hex) ? '0' : hex.toUpperCase().replace(/^(?:00)+(?=..)/, '')

/** 128 bits by chance, but for the two that keep it positive and its length the same. */
function newSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes.toString('hex')
}

const signingKey = async ({ key }: Pair): Promise<webcrypto.CryptoKey> =>
  createPrivateKey(key).toCryptoKey(KEYS, false, ['sign'])

async function pairOf(
  certificate: X509Certificate,
  private_key: webcrypto.CryptoKey,
): Promise<Pair> {
  const { PemConverter } = await library()
  const key = await crypto.subtle.exportKey('pkcs8', private_key)
  return {
    certificate: pem(certificate.toString('pem')),
    key: pem(PemConverter.encode(key, 'PRIVATE KEY')),
  }
}

const pem = (text: string): string => `${text.trim()}\n`

const aLittleAgo = (): Date => new Date(Date.now() - CLOCKS_DIFFER_MS)

/** To the second, as certificates are. */
const daysAfter = (start: Date, days: number): Date =>
  new Date(Math.floor((start.getTime() + days * DAY_MS) / 1000) * 1000)

/** A number above zero as an INTEGER of certificates. */
function derInteger(value: number): Uint8Array<ArrayBuffer> {
  const hex = value.toString(16)
  const digits = hex.length % 2 === 0 ? hex : `0${hex}`
  const padded = Number.parseInt(digits.slice(0, 2), 16) > 0x7f ? `00${digits}` : digits
  return Uint8Array.from([0x02, padded.length / 2, ...Buffer.from(padded, 'hex')])
}
