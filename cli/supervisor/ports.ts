/** Whether the places where daemons will listen are free, asked before any of them is started, for a clear message. */
import { createServer } from 'node:net'

export type Place = { readonly host: string; readonly port: number }

/** `127.0.0.1:6769`, `*:6769`, `[::1]:6769`; null for anything else. */
export function readPlace(text: string): Place | null {
  const match = /^(\*|[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(text)
  const port = Number(match?.[2])
  if (!match?.[1] || port < 1 || port > 65_535) return null
  return { host: match[1], port }
}

/** Where one dials what listens there: everywhere is also here. */
export function dialled(host: string): string {
  if (host === '*' || host === '0.0.0.0') return '127.0.0.1'
  return host === '[::]' ? '[::1]' : host
}

/** Why nothing can listen there (`EADDRINUSE` …); null when it can. */
export function whyTaken({ host, port }: Place): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer()
    const plain = host === '*' ? undefined : host.replace(/^\[|\]$/g, '')
    server.once('error', (error) => resolve('code' in error ? String(error.code) : error.message))
    server.listen({ port, host: plain, exclusive: true }, () => server.close(() => resolve(null)))
  })
}
