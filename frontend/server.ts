/** The listening socket: its bounds, what is said to a client whose request cannot even be read, and a polite end. */
import { createServer } from 'node:http'
import type {
  RequestListener,
  Server as HttpServer,
  ServerOptions,
  ServerResponse,
} from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Tls } from './access/tls.ts'
import { boundConnections, CONNECTION_BOUNDS } from './connections.ts'
import type { ConnectionBounds } from './connections.ts'
import { errorBody, failure } from './failure.ts'
import { MAX_HEADERS } from './guard.ts'
import type { Standing } from './standing.ts'

export type Server = {
  /** `http://host:port`; the port is known even when 0 was asked for. */
  readonly url: string
  stop(): Promise<void>
}

export type ListenAddress = { readonly host: string; readonly port: number }

/** Request line and headers: more than the 64 KiB of URL that are read, so that a longer one can be told so. */
const MAX_HEADER_BYTES = 128 * 1024
/** How long a client may take over its headers, and over its whole request; and how often that is looked at. */
const HEADERS_MS = 10_000
const REQUEST_MS = 120_000
const LOOK_MS = 1_000
/** How long requests that are under way may go on after a stop. */
const GRACE_MS = 3_000

/** `127.0.0.1:6769`, `[::1]:6769`, `host:0`; null when it is not of that form. */
export function readListenAddress(text: string): ListenAddress | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+|\*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65_535) return null
  const host = match[1] ?? match[2] ?? ''
  return { host: host === '*' ? '::' : host, port }
}

/** All of it has a default; tests are in a hurry. */
export type Manner = {
  readonly tls?: Tls | null
  readonly grace_ms?: number
  readonly connections?: ConnectionBounds
  readonly headers_ms?: number
  readonly request_ms?: number
}

/** Rejects when the address cannot be listened on. */
export async function listen(
  app: RequestListener,
  address: ListenAddress,
  standing: Standing,
  how: Manner = {},
): Promise<Server> {
  const { tls = null, grace_ms = GRACE_MS } = how
  const server = makeServer(how)
  const lastAnswers = endConnections(server)
  server.on('request', app)
  boundConnections(server, how.connections ?? CONNECTION_BOUNDS)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { port, address: host, family } = server.address() as AddressInfo
  return {
    url: `${tls ? 'https' : 'http'}://${family === 'IPv6' ? `[${host}]` : host}:${port}`,
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      lastAnswers()
      standing.end()
      server.closeIdleConnections()
      const force = setTimeout(() => server.closeAllConnections(), grace_ms)
      await closed
      clearTimeout(force)
    },
  }
}

function makeServer({ tls, headers_ms, request_ms }: Manner): HttpServer {
  const options: ServerOptions = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: headers_ms ?? HEADERS_MS,
    requestTimeout: request_ms ?? REQUEST_MS,
    connectionsCheckingInterval: LOOK_MS,
    // A header that comes twice is then no valid one, where Node would take the first and a proxy the last.
    joinDuplicateHeaders: true,
  }
  if (!tls) {
    const server = createServer(options)
    server.maxHeadersCount = MAX_HEADERS + 1
    return server.on('clientError', answerUnreadable)
  }
  const server = createSecureServer({ ...options, ...tls.options })
  server.maxHeadersCount = MAX_HEADERS + 1
  const secured = new WeakSet<object>()
  server.on('secureConnection', (socket) => secured.add(socket))
  tls.serve(server)
  // What fails before it is secured cannot be answered.
  return server.on('clientError', (error, socket) =>
    secured.has(socket) ? answerUnreadable(error, socket) : socket.destroy(),
  )
}

/**
 * Answers which a call of the result finds on their way, or that come after it, are the last ones of their connections,
 * and say so. Otherwise a client that keeps its connection goes on asking a frontend that stops, and is cut off in the
 * middle of a request.
 */
function endConnections(server: HttpServer): () => void {
  const open = new Set<ServerResponse>()
  let ending = false
  const endAfter = (res: ServerResponse): void => {
    if (!res.headersSent) res.setHeader('Connection', 'close')
    // A stream that began before has not said so.
    else res.once('close', () => setImmediate(() => server.closeIdleConnections()))
  }
  server.on('request', (_req, res) => {
    open.add(res)
    res.once('close', () => open.delete(res))
    if (ending) endAfter(res)
  })
  return () => {
    ending = true
    open.forEach(endAfter)
  }
}

/** What Node's parser refuses never reaches the app, and still gets an answer of the usual shape. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const why = {
    HPE_HEADER_OVERFLOW: failure(
      431,
      'headers_too_large',
      'the request line and headers are too large',
    ),
    ERR_HTTP_REQUEST_TIMEOUT: failure(408, 'timeout', 'the request took too long to arrive'),
  }[error.code ?? '']
  const answer = why ?? failure(400, 'bad_request', 'this is not HTTP that can be read')
  const text = JSON.stringify(errorBody(answer))
  socket.end(
    `HTTP/1.1 ${answer.status} ${answer.code}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  )
}
