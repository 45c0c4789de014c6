/** The files behind HTTPS: our certificate and its key, and the authority whose clients may connect, read and checked. */
import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { readRevocationList } from '../../common/keys/authority.ts'
import { readPrivate } from '../../common/keys/private-file.ts'
import type { Fresh } from './kept-fresh.ts'

/** Where they are; '' for those that there are none of. */
export type TlsPaths = {
  readonly cert: string
  readonly key: string
  readonly ca: string
  readonly crl: string
}

export type TlsFiles = {
  readonly cert: string
  readonly key: string
  /** Null when clients need no certificate. */
  readonly authority: { readonly pem: string; readonly certificate: X509Certificate } | null
  /** Serial numbers, as Node shows those of certificates. */
  readonly revoked: ReadonlySet<string>
}

export async function readTlsFiles(paths: TlsPaths): Promise<Fresh<TlsFiles>> {
  try {
    const cert = textOf(paths.cert, 'public')
    const key = textOf(paths.key, 'secret')
    createSecureContext({ cert, key })
    const authority = paths.ca === '' ? null : authorityOf(paths.ca)
    const revoked =
      paths.crl === '' || authority === null
        ? new Set<string>()
        : await serials(paths, authority.pem)
    return { kind: 'read', value: { cert, key, authority, revoked } }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return {
      kind: 'refused',
      message: error instanceof Untrusted ? why : `${paths.cert}, ${paths.key}: ${why}`,
    }
  }
}

class Untrusted extends Error {}

function textOf(path: string, secrecy: 'secret' | 'public'): string {
  const file = readPrivate(path, secrecy)
  if (file.kind === 'read') return file.text
  throw new Untrusted(file.kind === 'absent' ? `there is no file ${path}` : file.message)
}

/** One authority and no more: a serial number means a certificate only together with who gave it. */
function authorityOf(path: string): TlsFiles['authority'] {
  const pem = textOf(path, 'public')
  if (pem.match(/-----BEGIN CERTIFICATE-----/g)?.length !== 1)
    throw new Untrusted(`${path} must be the certificate of one authority, and no more`)
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(pem)
  } catch (error) {
    throw new Untrusted(`${path} is no certificate: ${(error as Error).message}`)
  }
  if (!certificate.ca) throw new Untrusted(`${path} is not the certificate of an authority`)
  return { pem, certificate }
}

async function serials(paths: TlsPaths, authority_pem: string): Promise<ReadonlySet<string>> {
  const list = await readRevocationList(textOf(paths.crl, 'public'), authority_pem)
  if (list.kind === 'read') return list.serials
  throw new Untrusted(`${paths.crl}: ${list.message}`)
}
