/** A frontend that answers as a test tells it to, and remembers what it was asked. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'

export type Asked = {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
}

/** An answer as JSON, or a function that writes what it likes. */
export type Reply =
  | { readonly status?: number; readonly json: unknown }
  | ((response: ServerResponse, asked: Asked) => void)

/** By method and decoded path (`GET /api/runs`); a function is asked anew each time. */
export type Routes = Readonly<Record<string, Reply>>

export type FakeFrontend = { readonly url: string; readonly asked: Asked[] }

export async function fakeFrontend(t: ExecutionContext, routes: Routes): Promise<FakeFrontend> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', 'http://frontend')
      const text = await new Response(request).text()
      const one = {
        method: request.method ?? '',
        path: decodeURIComponent(url.pathname),
        query: url.searchParams,
        headers: request.headers,
        body: text === '' ? null : (JSON.parse(text) as unknown),
      }
      asked.push(one)
      const name = `${one.method} ${one.path}`
      const reply = Object.hasOwn(routes, name) ? routes[name] : undefined
      if (typeof reply === 'function') return reply(response, one)
      const { status = 200, json } = reply ?? refusal(404, 'not_found', `no ${name}`)
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(json))
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

export const refusal = (
  status: number,
  code: string,
  message: string,
  hint: string | null = null,
): { status: number; json: unknown } => ({ status, json: { error: { code, message, hint } } })

/** Answers with each of these in turn, and then with the last one for ever. */
export function inTurn(...bodies: readonly unknown[]): Reply {
  let next = 0
  return (response) => {
    const body = bodies[Math.min(next, bodies.length - 1)]
    next += 1
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
}

/** Text as it is. */
export const text =
  (body: string | Buffer): Reply =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/plain' })
    response.end(body)
  }
