/**
 * What a route is: one row of the table from which both Express and the OpenAPI document are made, so that neither can
 * say what the other does not do.
 */
import type { Request, Response } from 'express'
import type { Log } from '../../common/daemon/log.ts'
import type { Role } from '../../common/keys/tokens.ts'
import type { Failure } from '../../common/protocol/client-door.ts'
import type { Trail } from '../access/audit.ts'
import type { Identity } from '../access/identity.ts'
import type { Asked, BrokerLink } from '../broker-link.ts'
import type { Counters } from '../counters.ts'
import type { Feed } from '../feed.ts'
import type { Fields } from '../fields.ts'
import type { Standing } from '../standing.ts'

/** What the routes work with. */
export type Api = {
  readonly broker: BrokerLink
  readonly feed: Feed
  readonly standing: Standing
  readonly counters: Counters
  readonly log: Log
}

/** One request, already read and checked against its route. */
export type Call = {
  readonly req: Request
  readonly res: Response
  /** Query string and flat body together; only names that the route knows, unless it takes any. */
  readonly fields: Fields
  /** The whole body, for routes that read it themselves. */
  readonly body: Uint8Array
  /** The decoded parts of the path. */
  readonly path: (name: string) => string
  readonly who: Identity
  /** What the audit log will say of it. */
  trail: Trail
}

export type Answer =
  | {
      readonly kind: 'json'
      readonly status: number
      readonly body: unknown
      readonly headers?: Readonly<Record<string, string>>
    }
  | {
      readonly kind: 'text'
      readonly status: number
      readonly body: string
      /** The content type, when it is not text/plain. */
      readonly type?: string
      readonly headers?: Readonly<Record<string, string>>
    }
  | { readonly kind: 'failure'; readonly failure: Failure }
  /** The handler has answered by itself, piece by piece. */
  | { readonly kind: 'streamed' }

type Schema = Readonly<Record<string, unknown>>
export type Field = {
  readonly name: string
  readonly description: string
  readonly schema: Schema
  readonly required?: true
}
export type AnswerNote = {
  readonly description: string
  /** The name of a schema in openapi/schemas.ts, or a schema. JSON, unless `type` says otherwise. */
  readonly schema?: string | Schema
  readonly type?: string
}

/**
 * What of a request must be within the list of a token that is limited to some jobs: nothing; everything, which is not
 * for such a token; a job, a run or a flow, named by a part of the path or else by a field; or what the route finds by
 * itself (`call.who`).
 */
export type Scope =
  | 'nothing'
  | 'everything'
  | 'itself'
  | { readonly job: string }
  | { readonly run: string }
  | { readonly flow: string }

export type Route = {
  readonly method: 'GET' | 'POST'
  /** With its variable parts in braces, as OpenAPI writes them. */
  readonly path: string
  /** A word for programs made from the document. */
  readonly id: string
  readonly summary: string
  readonly description?: string
  /** In the query string, or in the flat body of a POST. Any other name is refused. */
  readonly fields: readonly Field[]
  /** Takes any other name too; this says what it means. */
  readonly open?: string
  /** Reads its body itself: JSON of this schema, of at most so many bytes. */
  readonly json?: { readonly limit_bytes: number; readonly schema: Schema }
  readonly answers: Readonly<Record<number, AnswerNote>>
  /** The role that is needed; `open` asks nobody. Whatever changes something needs more than `read`. */
  readonly role: 'open' | Role
  /** Fields that make an action of a question, and the role that it needs then. */
  readonly acts_with?: { readonly fields: readonly string[]; readonly role: Role }
  readonly scope: Scope
  /** What a run's own token is good for here: that run, or triggers below it. Nothing by default. */
  readonly run_token?: 'own_run' | 'below_it'
  /** HEAD is refused, because GET does something, or never ends. */
  readonly head?: false
  handle(call: Call): Promise<Answer>
}

export const json = (
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer => ({ kind: 'json', status, body, headers })
export const refuse = (failure: Failure): Answer => ({ kind: 'failure', failure })

/** The broker's answer as it is, or its refusal. */
export const relay = (asked: Asked<unknown>, status = 200): Answer =>
  asked.kind === 'answered' ? json(status, asked.result ?? {}) : refuse(asked.error)

/** A field as text; null when it is absent or empty, which count as the same. */
export function textOf(fields: Fields, name: string): string | null {
  const value = fields.get(name)
  return value === undefined || value === '' ? null : String(value)
}

const SWITCH = new Map([
  ['1', true],
  ['true', true],
  ['0', false],
  ['false', false],
])

/** A switch that is on by `1` or `true`; null when its value is neither that nor `0` or `false`. */
export const switchOf = (fields: Fields, name: string): boolean | null =>
  SWITCH.get(textOf(fields, name) ?? '0') ?? null

/** A whole number in decimal digits; null when it is none or out of range. */
export function countOf(text: string, least: number, most: number): number | null {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : -1
  return value >= least && value <= most ? value : null
}
