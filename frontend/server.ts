/** The listening socket: its bounds, what is said to a client whose request cannot even be read, and a polite end. */
import { createServer } from 'node:http'
import type { RequestListener, Server as HttpServer, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { errorBody, failure } from './failure.ts'
import type { Standing } from './standing.ts'

export type Server = {
  /** `http://host:port`; the port is known even when 0 was asked for. */
  readonly url: string
  stop(): Promise<void>
}

export type ListenAddress = { readonly host: string; readonly port: number }

/** Request line and headers: more than the 64 KiB of URL that are read, so that a longer one can be told so. */
const MAX_HEADER_BYTES = 128 * 1024
const MAX_CONNECTIONS = 20_000
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

/** Rejects when the address cannot be listened on. */
export async function listen(
  app: RequestListener,
  address: ListenAddress,
  standing: Standing,
  grace_ms: number = GRACE_MS,
): Promise<Server> {
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES })
  const lastAnswers = endConnections(server)
  server.on('request', app)
  server.maxConnections = MAX_CONNECTIONS
  server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
    answerUnreadable(error, socket as Socket),
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { port, address: host, family } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${host}]` : host}:${port}`,
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
function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
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
