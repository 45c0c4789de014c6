/**
 * Who may say what: one table for each door, with a line for every kind of message. A kind that is not in it cannot be sent by
 * anybody, and does not compile. A broker without keys knows no roles, and listens to whoever reaches it.
 */
import type { KeyRole } from '../keys/key-file.ts'
import type { FromClient, Question } from './client-door.ts'
import type { FromWorker } from './worker-door.ts'

type Roles = readonly KeyRole[]

/** Who may come in at each door; asked by the ZAP handler, whose domains are these. */
export const DOOR_RIGHTS = {
  worker: ['worker'],
  client: ['semaphore', 'frontend', 'client'],
  feed: ['worker', 'semaphore', 'frontend', 'client'],
} as const satisfies Record<string, Roles>
export type Door = keyof typeof DOOR_RIGHTS

const WORKER: Roles = ['worker']
export const WORKER_RIGHTS: Readonly<Record<FromWorker['kind'], Roles>> = {
  knock: WORKER,
  hello: WORKER,
  session: WORKER,
  accepted: WORKER,
  started: WORKER,
  output: WORKER,
  ended: WORKER,
  heartbeat: WORKER,
  credit: WORKER,
  bye: WORKER,
}

/** A question is `query.` and what it asks for; a gate that is opened without naming its generation is opened by hand. */
export type ClientKind =
  Exclude<FromClient['kind'], 'query'> | 'open.by_hand' | `query.${Question['what']}`

const FRONTEND: Roles = ['frontend']
const SEMAPHORE: Roles = ['semaphore']
const STARTS: Roles = ['frontend', 'client']
const FOLLOWS: Roles = ['semaphore', 'frontend', 'client']
export const CLIENT_RIGHTS: Readonly<Record<ClientKind, Roles>> = {
  trigger: STARTS,
  report: STARTS,
  cancel: FRONTEND,
  retry: FRONTEND,
  worker: FRONTEND,
  semaphore: FRONTEND,
  reset: FRONTEND,
  'open.by_hand': FRONTEND,
  arrive: SEMAPHORE,
  open: SEMAPHORE,
  place: SEMAPHORE,
  replay: FOLLOWS,
  subscribe: FOLLOWS,
  'query.run': FOLLOWS,
  'query.runs': FOLLOWS,
  'query.semaphores': FOLLOWS,
  'query.flow': STARTS,
  'query.explain': STARTS,
  'query.explain_job': STARTS,
  'query.jobs': STARTS,
  'query.workers': STARTS,
  'query.lanes': STARTS,
  'query.refusals': STARTS,
  'query.output': STARTS,
  'query.health': STARTS,
  'query.metrics': FRONTEND,
  'query.run_token': FRONTEND,
}

/** The line of the table that a request falls under. */
export function clientKindOf(request: FromClient): ClientKind {
  if (request.kind === 'query') return `query.${request.question.what}`
  if (request.kind === 'open' && request.generation === null) return 'open.by_hand'
  return request.kind
}
