/** A frontend that lets in only who has a token, and requests of whoever a test likes to be. */
import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { writePrivate } from '../../common/keys/private-file.ts'
import { mintToken } from '../../common/keys/tokens.ts'
import type { TokenEntry } from '../../common/keys/tokens.ts'
import type { FromClient } from '../../common/protocol/client-door.ts'
import { accepted, refusal, RUN_ID, runView } from '../frontend/fake-broker.ts'
import type { Script } from '../frontend/fake-broker.ts'
import { withFrontend } from '../frontend/with-frontend.ts'

/** Of another job, in another flow. */
export const OTHER_ID = '0190f5c2-7b1a-7000-8000-aaaaaaaaaaaa'
const RUNS = [
  runView({ run_id: RUN_ID, flow_id: RUN_ID, job: 'load' }),
  runView({ run_id: OTHER_ID, flow_id: OTHER_ID, job: 'other' }),
]

export const runToken = (run_id: string): string => `jobz_run_${run_id}_good`

/** It says less than a broker does; nobody here reads it. */
const METRICS = {
  version: '1',
  uptime_s: 1,
  lanes: [],
  reload_errors: [],
  runs: {},
  totals: {},
  workers: {},
}

/** A broker that has these two runs, knows their tokens, and does what it is told. */
export const twoRuns: Script = (request) => {
  if (request.kind === 'trigger') return { result: request.triggers.map(() => accepted()) }
  if (request.kind === 'retry' && request.run_ids)
    return { result: request.run_ids.map((run_id) => ({ run_id })) }
  if (request.kind !== 'query') return { result: { done: request.kind } }
  const { question } = request
  const { what } = question
  if (what === 'run_token') {
    const run = RUNS.find(({ run_id }) => question.token === runToken(run_id))
    return run ? { result: run } : refusal(401, 'unauthorized')
  }
  if (what === 'run' || what === 'explain') {
    const run = RUNS.find(({ run_id }) => run_id.endsWith(question.run_id))
    return run ? { result: run } : refusal(404, 'unknown_run')
  }
  if (what === 'flow') {
    const runs = RUNS.filter(({ flow_id }) => flow_id === question.flow_id)
    return { result: { flow_id: question.flow_id, state: 'running', settled: false, runs } }
  }
  if (what === 'jobs') return { result: [{ job: 'load' }, { job: 'other' }, { job: 'loader' }] }
  return { result: what === 'metrics' ? METRICS : [] }
}

export type Rights = Pick<TokenEntry, 'role'> & Partial<TokenEntry>

export type TokenFile = {
  readonly path: string
  /** Writes the file with these; gives the tokens by name. A name that was there before keeps its token. */
  write(rights: Readonly<Record<string, Rights>>): void
  token(name: string): string
}

export function tokenFile(t: ExecutionContext): TokenFile {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-tokens-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'tokens.yaml')
  const minted = new Map<string, ReturnType<typeof mintToken>>()
  const mintedFor = (name: string): ReturnType<typeof mintToken> => {
    const one = minted.get(name) ?? mintToken()
    minted.set(name, one)
    return one
  }
  return {
    path,
    write: (rights) => {
      const entries = Object.entries(rights).map(([name, right]) => {
        const { id, hash } = mintedFor(name)
        return [name, { id, hash, ...right }]
      })
      // YAML reads JSON.
      writePrivate(path, JSON.stringify({ tokens: Object.fromEntries(entries) }))
    },
    token: (name) => mintedFor(name).token,
  }
}

export async function closedFrontend(
  t: ExecutionContext,
  rights: Readonly<Record<string, Rights>>,
  how: Parameters<typeof withFrontend>[2] = {},
) {
  const tokens = tokenFile(t)
  tokens.write(rights)
  const settings = { ...how.settings, tokens: tokens.path }
  const frontend = await withFrontend(t, twoRuns, { ...how, settings })
  return { ...frontend, tokens }
}

export type Asking = {
  readonly method?: string
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** The address to come from: each has a score of its own. */
  readonly from?: string
}

export type Told = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly code: string | null
  readonly message: string
}

/** What is answered; of an answer that never ends, its beginning. */
export function tell(url: string, path: string, asking: Asking = {}): Promise<Told> {
  const { method = 'GET', token, headers = {}, body, from = '127.0.0.1' } = asking
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        hostname,
        port,
        path,
        method,
        agent: false,
        localAddress: from,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
      },
      (response) => {
        const { statusCode: status = 0, headers: told } = response
        const done = (text: string): void => {
          const error = status >= 400 && text !== '' ? JSON.parse(text).error : {}
          resolve({
            status,
            headers: told,
            code: error.code ?? null,
            message: `${error.message} ${error.hint}`,
          })
          request.destroy()
        }
        if (told['content-type']?.startsWith('text/event-stream')) return done('')
        let text = ''
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
        response.on('end', () => done(text))
      },
    )
    request.on('error', reject)
    request.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

const ASKING: ReadonlySet<string> = new Set(['query', 'replay'])
/** What of these changes something. */
export const actions = (seen: readonly FromClient[]): string[] =>
  seen.flatMap(({ kind }) => (ASKING.has(kind) ? [] : [kind]))

/** Waits for something that comes by itself; the bound only ends a test that has failed. */
export async function until(
  t: ExecutionContext,
  isSo: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let tries = 0; tries < 2_000; tries += 1) {
    if (await isSo()) return
    await pause(10)
  }
  t.fail('it never came')
}
