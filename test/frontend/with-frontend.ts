/** A frontend on a free port, before a fake broker; everything is closed after the test, whatever came of it. */
import { request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { ExecutionContext } from 'ava'
import type { Log } from '../../common/daemon/log.ts'
import { openRequests } from '../../common/link/request.ts'
import { openSubscriber } from '../../common/link/subscriber.ts'
import { openAccess } from '../../frontend/access/open.ts'
import { createApp } from '../../frontend/app.ts'
import { createBrokerLink } from '../../frontend/broker-link.ts'
import { createCounters } from '../../frontend/counters.ts'
import { openFeed } from '../../frontend/feed.ts'
import { listen } from '../../frontend/server.ts'
import type { Manner } from '../../frontend/server.ts'
import { createStanding } from '../../frontend/standing.ts'
import { openFakeBroker } from './fake-broker.ts'
import type { FakeBroker, Script } from './fake-broker.ts'

export type Answered = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** False when the connection broke off before the body's end. */
  readonly whole: boolean
  readonly json: any
}
export type Asking = {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Uint8Array
  readonly signal?: AbortSignal
  /** Told of each piece of the body. */
  readonly onData?: (text: string) => void
}

export type Fixture = {
  readonly broker: FakeBroker
  readonly url: string
  readonly ask: (path: string, asking?: Asking) => Promise<Answered>
  /** Stops the frontend, as a signal does. */
  readonly stop: () => Promise<void>
}

/** What was logged as a warning or an error. */
export const quietLog = (lines: string[] = []): Log => {
  const note = (message: string, facts?: object): void =>
    void lines.push(`${message} ${JSON.stringify(facts ?? {})}`)
  return { debug: () => {}, info: note, warn: note, error: note }
}

/** Settings of a frontend that asks nobody who they are. */
export const OPEN = {
  listen: '127.0.0.1:0',
  tokens: '',
  tls_cert: '',
  tls_key: '',
  tls_ca: '',
  tls_crl: '',
  hosts: [],
  audit: '',
  insecure: false,
} as const

type How = {
  readonly patience_ms?: number
  readonly standing?: number
  readonly open?: number
  readonly settings?: Partial<Parameters<typeof openAccess>[0]>
  readonly manner?: Manner
  readonly log?: Log
}

export async function withFrontend(
  t: ExecutionContext,
  script: Script,
  how: How = {},
): Promise<Fixture> {
  const broker = await openFakeBroker(script)
  const connected = Promise.withResolvers<void>()
  const requests = openRequests({ address: broker.client, key: null })
  requests.onIn(() => connected.resolve())
  const link = createBrokerLink(requests, how.patience_ms ?? 5_000)
  const feed = openFeed(link, (handlers) =>
    openSubscriber({ address: broker.feed, key: null, ...handlers }),
  )
  const standing = createStanding(how.standing)
  const counters = createCounters()
  const log = how.log ?? quietLog()
  const place = { host: '127.0.0.1', port: 0 }
  const access = await openAccess({ ...OPEN, ...how.settings }, place.host, link, log)
  if ('kind' in access) {
    feed.close()
    await requests.close()
    await broker.stop()
    throw new Error(access.message)
  }
  const app = createApp({ broker: link, feed, standing, counters, log }, access.doors, how.open)
  const server = await listen(app, place, standing, {
    grace_ms: 500,
    tls: access.tls,
    ...how.manner,
  })
  // So that a test which is impatient on purpose does not also measure how busy the machine is.
  await connected.promise
  let stopped: Promise<void> | null = null
  const stop = (): Promise<void> => (stopped ??= server.stop())
  t.teardown(async () => {
    await stop()
    access.close()
    feed.close()
    await requests.close()
    await broker.stop()
  })
  return { broker, url: server.url, stop, ask: (path, asking) => ask(server.url, path, asking) }
}

/** Plain node:http, because fetch would tidy up what these tests send. */
export function ask(url: string, path: string, asking: Asking = {}): Promise<Answered> {
  const { method = 'GET', headers = {}, body, signal, onData } = asking
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const options = { hostname, port, path, method, headers, agent: false as const }
    const request = httpRequest(signal ? { ...options, signal } : options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        text += piece
        onData?.(piece)
      })
      response.on('error', () => {})
      response.on('close', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          whole: response.complete,
          get json() {
            return JSON.parse(text)
          },
        }),
      )
    })
    request.on('error', reject)
    request.end(body)
  })
}
