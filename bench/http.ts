/** Requests over HTTP on kept connections. */
import { Agent, request } from 'node:http'

export type Got = { readonly status: number; readonly text: string }
export type Http = {
  /** A GET without a body, a POST of JSON with one. A status of 0 is a connection that failed. */
  send(url: string, body?: string | null): Promise<Got>
  close(): void
}

export function openHttp(connections: number): Http {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  return {
    send: (url, body = null) =>
      new Promise((resolve) => {
        const headers = body === null ? {} : { 'content-type': 'application/json' }
        const method = body === null ? 'GET' : 'POST'
        const sent = request(url, { agent, method, headers }, (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
        })
        sent.on('error', (error) => resolve({ status: 0, text: String(error) }))
        sent.end(body ?? undefined)
      }),
    close: () => agent.destroy(),
  }
}
