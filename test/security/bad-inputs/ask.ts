/** Sends bad requests, over HTTP or as raw bytes, and says what came back instead of what was expected. */
import { connect } from 'node:net'

/** What it is, what is sent, the status, and the error's code, words of its message or hint, or null for no matter. */
export type HttpCase = readonly [
  what: string,
  request: string | readonly [path: string, init: RequestInit],
  status: number,
  said: string | RegExp | null,
]

/** What it is, the bytes of a request, and the number of the status line; null when the connection is only closed. */
export type RawCase = readonly [what: string, bytes: string | Buffer, status: number | null]

type ErrorBody = { readonly error?: Readonly<Record<string, string | null>> }

/** Null when the answer is the expected one. */
export async function ask(url: string, one: HttpCase): Promise<string | null> {
  const [what, request, status, said] = one
  const [path, init] = typeof request === 'string' ? [request, {}] : request
  const response = await fetch(url + path, init)
  const text = await response.text()
  if (response.status === status && (said === null || isSaid(text, said))) return null
  return `${what}: ${response.status} ${text.slice(0, 300)}`
}

function isSaid(text: string, said: string | RegExp): boolean {
  const { error } = JSON.parse(text) as ErrorBody
  return typeof said === 'string'
    ? error?.['code'] === said
    : said.test(`${error?.['message']} ${error?.['hint']}`)
}

/** The same for raw bytes; a server that waits for more is told that there is no more. */
export async function askRaw(url: string, [what, bytes, status]: RawCase): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string>()
  let answer = ''
  const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.end(bytes))
  socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk))
  socket.on('error', () => undefined).on('close', () => resolve(answer))
  await promise
  const line = /^HTTP\/1\.1 (\d+)/.exec(answer)
  if ((line === null ? null : Number(line[1])) === status) return null
  return `${what}: ${answer.slice(0, 300)}`
}
