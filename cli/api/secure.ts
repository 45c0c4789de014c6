/**
 * HTTPS for the command line: with an authority of one's own and a client certificate, which `fetch` knows nothing of.
 * Answers as `fetch` does, so that the client needs not know which it was.
 */
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { usage } from '../../common/daemon/flags.ts'
import type { Usage } from '../../common/daemon/flags.ts'
import { readPrivate } from '../../common/keys/private-file.ts'

/** In PEM; what is undefined is not there. */
export type Credentials = {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
}

/** Reads the files that are named; '' names none. */
export function readCredentials(paths: {
  readonly ca: string
  readonly cert: string
  readonly cert_key: string
}): { readonly kind: 'credentials'; readonly credentials: Credentials } | Usage {
  if ((paths.cert === '') !== (paths.cert_key === ''))
    return usage(
      'a client certificate and its key belong together',
      'set both: --cert and --cert-key, or JOBZ_CERT and JOBZ_CERT_KEY',
    )
  const texts: (string | undefined)[] = []
  for (const [path, secrecy] of [
    [paths.ca, 'public'],
    [paths.cert, 'public'],
    [paths.cert_key, 'secret'],
  ] as const) {
    const file = path === '' ? null : readPrivate(path, secrecy)
    if (file?.kind === 'absent') return usage(`there is no file ${path}`)
    if (file?.kind === 'refused') return usage(file.message)
    texts.push(file?.text)
  }
  const [ca, cert, key] = texts
  return { kind: 'credentials', credentials: { ca, cert, key } }
}

type Init = {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

/** Rejects as the socket does: with the code of what went wrong. */
export async function fetchSecurely(
  url: string,
  { method, headers, body, signal }: Init,
  { ca, cert, key }: Credentials,
): Promise<Response> {
  const { request } = await import('node:https')
  const secrets = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, signal, minVersion: 'TLSv1.2', ...secrets })
    sent.on('error', reject)
    sent.on('response', (response) => resolve(asResponse(response)))
    sent.end(body)
  })
}

function asResponse(response: IncomingMessage): Response {
  const { statusCode: status = 0 } = response
  const headers = Object.entries(response.headers).map(([name, value]): [string, string] => [
    name,
    String(value),
  ])
  const body = Readable.toWeb(response) as unknown as ReadableStream<Uint8Array>
  return new Response(status === 204 || status === 304 ? null : body, { status, headers })
}
