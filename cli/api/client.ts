/** Talks HTTP to the frontend. Every answer is a value: the body, or a failure that says what to do. */
import { usage } from '../../common/daemon/flags.ts'
import type { Usage } from '../../common/daemon/flags.ts'
import { isLoopback } from '../../common/link/address.ts'
import { hintFor, interrupted, refusal, unreachable, whyNot } from './failure.ts'
import type { Failure } from './failure.ts'
import { fetchSecurely } from './secure.ts'
import type { Credentials } from './secure.ts'

export type Answer<Body> =
  { readonly kind: 'answer'; readonly status: number; readonly body: Body } | Failure

/** Segments of a path, not yet encoded: `['api', 'runs', id]`. */
type Path = readonly string[]
export type Query = readonly (readonly [string, string | undefined])[]

export type Api = {
  /** Without a slash at the end. */
  readonly url: string
  get<Body>(path: Path, query?: Query): Promise<Answer<Body>>
  post<Body>(path: Path, query?: Query, body?: unknown): Promise<Answer<Body>>
  /** An answer that comes bit by bit, until `signal` ends it. */
  open(path: Path, query: Query, accept: string, signal?: AbortSignal): Promise<Opened>
}
type Opened = { readonly kind: 'open'; readonly body: ReadableStream<Uint8Array> } | Failure

type Options = {
  readonly url: string
  /** Sent as bearer; '' for none. */
  readonly token: string
  readonly credentials?: Credentials
  /** The token may go where others can read it on its way. */
  readonly insecure?: boolean
  /** Asked when a request starts. */
  readonly interrupted: () => AbortSignal
}

/** An ordinary request that has no answer by then has none. */
const ANSWER_LIMIT_MS = 30_000

export function createApi(options: Options): { kind: 'api'; api: Api } | Usage {
  const base = URL.parse(options.url)
  if (!base || !/^https?:$/.test(base.protocol))
    return usage(`${JSON.stringify(options.url)} is no URL of a frontend`, 'http://127.0.0.1:6769')
  if (
    options.token !== '' &&
    base.protocol === 'http:' &&
    !isLoopback(base.host) &&
    !options.insecure
  )
    return usage(
      `JOBZ_TOKEN would travel to ${base.host} where others can read it`,
      'use https://…, or say that it may: JOBZ_INSECURE=1',
    )
  const url = `${base.origin}${base.pathname.replace(/\/+$/, '')}`
  const connection = { ...options, url }
  const ask = async <Body>(
    method: string,
    path: Path,
    query: Query,
    body?: unknown,
  ): Promise<Answer<Body>> => {
    const signal = AbortSignal.timeout(ANSWER_LIMIT_MS)
    const sent = await send(connection, { method, path, query, body, signal })
    return sent instanceof Response ? readAnswer<Body>(connection, sent) : sent
  }
  const api: Api = {
    url,
    get: (path, query = []) => ask('GET', path, query),
    post: (path, query = [], body) => ask('POST', path, query, body),
    open: async (path, query, accept, signal) => {
      const sent = await send(connection, { method: 'GET', path, query, accept, signal })
      if (!(sent instanceof Response)) return sent
      if (sent.ok && sent.body) return { kind: 'open', body: sent.body }
      const answer = await readAnswer(connection, sent)
      return answer.kind === 'answer' ? notJobz(connection, sent) : answer
    },
  }
  return { kind: 'api', api }
}

type Request = {
  readonly method: string
  readonly path: Path
  readonly query: Query
  readonly body?: unknown
  readonly accept?: string
  readonly signal?: AbortSignal | undefined
}

async function send(options: Options, request: Request): Promise<Response | Failure> {
  // A URL cannot hold these as one segment, and no name in jobz is one of them.
  const strange = request.path.find((segment) => ['', '.', '..'].includes(segment))
  if (strange !== undefined)
    return {
      ...interrupted,
      kind: 'refused',
      code: 'bad_name',
      message: `there is no "${strange}"`,
    }
  const stop = options.interrupted()
  try {
    const url = address(options.url, request)
    const init = {
      method: request.method,
      headers: {
        accept: request.accept ?? 'application/json',
        ...(request.body !== undefined && { 'content-type': 'application/json' }),
        ...(options.token !== '' && { authorization: `Bearer ${options.token}` }),
      },
      ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
      signal: request.signal ? AbortSignal.any([stop, request.signal]) : stop,
    }
    return await (url.startsWith('https:')
      ? fetchSecurely(url, init, options.credentials ?? NO_CREDENTIALS)
      : fetch(url, { ...init, redirect: 'manual' }))
  } catch (error) {
    if (stop.aborted) return interrupted
    const { code, why } = whyNot(error)
    const hint = hintFor(code, options.url.startsWith('https:')) ?? START_HINT
    return { ...unreachable(`cannot reach jobz at ${options.url}: ${why}`, hint), code }
  }
}

const NO_CREDENTIALS: Credentials = { ca: undefined, cert: undefined, key: undefined }

const START_HINT =
  '`jobz up` starts everything on this machine; --url or JOBZ_URL names another place'

function address(url: string, { path, query }: Request): string {
  const given = query.flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, value]],
  )
  const search = new URLSearchParams(given).toString()
  const place = path.map((segment) => encodeURIComponent(segment.toWellFormed())).join('/')
  return `${url}/${place}${search ? `?${search}` : ''}`
}

async function readAnswer<Body>(options: Options, response: Response): Promise<Answer<Body>> {
  let text: string
  try {
    text = await response.text()
  } catch (error) {
    if (options.interrupted().aborted) return interrupted
    return unreachable(`the answer of ${options.url} was cut short: ${whyNot(error).why}`, null)
  }
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return notJobz(options, response)
  }
  if (!response.ok) {
    const refused = refusal(response.status, body)
    if (refused?.code === 'unauthorized' && options.token === '')
      return { ...refused, hint: TOKEN_HINT }
    return refused ?? notJobz(options, response)
  }
  return { kind: 'answer', status: response.status, body: body as Body }
}

const TOKEN_HINT = 'set JOBZ_TOKEN to a token of this frontend (`jobz keys token NAME` makes one)'

/** Somebody answered, but not as a frontend does. */
function notJobz(options: Options, response: Response): Failure {
  const target = response.headers.get('location')
  return unreachable(
    `${options.url} answered ${response.status}, but not as jobz does`,
    target ? `it points to ${target}` : 'is --url (or JOBZ_URL) the address of a jobz frontend?',
    response.status,
  )
}
