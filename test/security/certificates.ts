/** A certificate authority of a test's own, and files of what it made. */
import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import type { ExecutionContext } from 'ava'
import { issueCertificate, makeAuthority, makeRevocationList } from '../../common/keys/authority.ts'
import type { Pair, Wanted } from '../../common/keys/authority.ts'
import { writePrivate } from '../../common/keys/private-file.ts'

export type Authority = {
  readonly pem: string
  readonly folder: string
  /** Where its files are, as the frontend's settings. */
  readonly settings: { tls_cert: string; tls_key: string; tls_ca: string; tls_crl: string }
  issue(wanted: Partial<Wanted> & { name: string }): Promise<Pair & { serial: string }>
  /** Writes the frontend a new certificate. */
  renew(): Promise<void>
  revoke(serials: readonly string[]): Promise<void>
}

export async function authorityOf(t: ExecutionContext, name = 'owner'): Promise<Authority> {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-ca-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const pair = await makeAuthority({ name, days: 30 })
  const at = (file: string): string => join(folder, file)
  const authority: Authority = {
    pem: pair.certificate,
    folder,
    settings: {
      tls_cert: at('frontend.crt'),
      tls_key: at('frontend.key'),
      tls_ca: at('ca.crt'),
      tls_crl: at('crl.pem'),
    },
    issue: (wanted) => issueCertificate(pair, { kind: 'client', days: 2, ...wanted }),
    renew: async () => {
      const hosts = ['localhost', '127.0.0.1']
      const own = await authority.issue({ kind: 'frontend', name: 'frontend', hosts })
      writePrivate(at('frontend.crt'), own.certificate, 'public')
      writePrivate(at('frontend.key'), own.key)
    },
    revoke: async (serials) =>
      writePrivate(at('crl.pem'), await makeRevocationList(pair, serials), 'public'),
  }
  await authority.renew()
  await authority.revoke([])
  writePrivate(at('ca.crt'), pair.certificate, 'public')
  return authority
}

export type Secured = {
  readonly status: number
  readonly code: string | null
  readonly message: string
  readonly socket: TLSSocket
}

/** Asks by HTTPS; a connection that fails is its error's code. */
export function askSecurely(
  url: string,
  ca: string,
  how: {
    readonly path?: string
    readonly pair?: Pair | undefined
    readonly token?: string
    readonly options?: object
  } = {},
): Promise<Secured | string> {
  const { pair, path = '/job_start?job_name=load', token, options } = how
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const request = httpsRequest(
      {
        hostname,
        port,
        path,
        ca,
        agent: false,
        ...(pair && { cert: pair.certificate, key: pair.key }),
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        ...options,
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
        response.on('error', () => {})
        response.on('close', () => {
          const { statusCode: status = 0 } = response
          const error = status >= 400 ? JSON.parse(text).error : {}
          const { code = null, message = '' } = error
          resolve({ status, code, message, socket: response.socket as TLSSocket })
        })
      },
    )
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    request.end()
  })
}
