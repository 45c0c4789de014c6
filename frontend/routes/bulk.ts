/** `POST /api/runs`: many triggers in one request, each with an answer of its own, in order. */
import { z } from 'zod'
import { nearestName } from '../../common/definition/nearest.ts'
import type { TriggerAnswer } from '../../common/protocol/answers.ts'
import type { Failure } from '../../common/protocol/client-door.ts'
import { MAX_TRIGGERS } from '../../common/protocol/limits.ts'
import { sayFrom } from '../access/identity.ts'
import type { Identity } from '../access/identity.ts'
import { notItsJob } from '../access/refusals.ts'
import { mayTouch, parentFor } from '../access/scope.ts'
import type { BrokerLink } from '../broker-link.ts'
import { badRequest, errorBody, failure, isFailure, quoted } from '../failure.ts'
import { readJson } from '../fields.ts'
import { originOf } from '../guard.ts'
import { prepare, startAll } from '../triggers.ts'
import type { Prepared } from '../triggers.ts'
import { json, refuse } from './route.ts'
import type { Answer, Api, Call, Route } from './route.ts'

const MAX_BULK_BYTES = 16 * 1024 * 1024

const duration = z.union([z.number(), z.string()])
const One = z.strictObject({
  job: z.string(),
  params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  request_id: z.string().min(1).max(256).optional(),
  priority: z.union([z.number(), z.string()]).optional(),
  delay: duration.optional(),
  parent_run_id: z.string().optional(),
})
const KNOWN = Object.keys(One.shape)
const Bulk = z.union([One, z.array(One).min(1).max(MAX_TRIGGERS)])

export function bulkRoutes(api: Api): Route[] {
  return [
    {
      method: 'POST',
      path: '/api/runs',
      id: 'start_runs',
      role: 'trigger',
      scope: 'itself',
      run_token: 'below_it',
      summary: `Start one run, or up to ${MAX_TRIGGERS} at once`,
      description:
        'An object is answered like /job_start. An array is answered by an array in the same order: what was ' +
        'accepted, or `{error}`. Give each a request_id, and the whole may be sent again safely.',
      fields: [],
      json: { limit_bytes: MAX_BULK_BYTES, schema: z.toJSONSchema(Bulk) },
      answers: {
        200: { description: 'an array of which none was accepted', schema: 'StartedMany' },
        202: { description: 'accepted; of an array at least one', schema: 'StartedMany' },
        404: { description: 'nobody has announced such a job' },
        413: { description: 'the body is too large, or there are too many' },
        415: { description: 'the body is not JSON' },
      },
      handle: (call) => startRuns(api, call),
    },
  ]
}

async function startRuns(api: Api, call: Call): Promise<Answer> {
  const read = readJson(call.req.headers['content-type'], call.body)
  if (isFailure(read)) return refuse(read)
  const { json: given } = read
  const items: unknown[] = Array.isArray(given) ? given : [given]
  if (items.length === 0) return refuse(badRequest('the array is empty'))
  if (items.length > MAX_TRIGGERS) return refuse(TOO_MANY)
  const isLimited = call.who.jobs !== null || call.who.run !== null
  const prepared = isLimited
    ? await Promise.all(items.map((item) => ownItem(api.broker, call.who, item)))
    : items.map(prepareItem)
  call.trail.about(() => jobsOf(prepared))
  const answers = await startGood(api, prepared, sayFrom(call.who, call.req))
  const origin = originOf(call.req)
  if (!Array.isArray(given)) return answerOne(answers[0], origin)
  const lost = answers.find((answer) => 'error' in answer && answer.error.status === 503)
  const isNoneAccepted = answers.every((answer) => 'error' in answer)
  if (isNoneAccepted && lost && 'error' in lost) return refuse(lost.error)
  return json(
    isNoneAccepted ? 200 : 202,
    answers.map((answer) => shown(answer, origin)),
  )
}

/** Starts what is well formed, and puts the answers back into their places. */
async function startGood(
  api: Api,
  items: readonly (Prepared | Failure)[],
  from: string | null,
): Promise<TriggerAnswer[]> {
  const good = items.filter((item): item is Prepared => !isFailure(item))
  const started = await startAll(api.broker, good, from)
  let next = 0
  return items.map((item) => {
    if (isFailure(item)) return { error: item }
    const answer = started[next]
    next += 1
    if (!answer) throw new Error('an answer is missing')
    return answer
  })
}

/** As `prepareItem`, within what the sender may do. */
async function ownItem(
  broker: BrokerLink,
  who: Identity,
  item: unknown,
): Promise<Prepared | Failure> {
  const prepared = prepareItem(item)
  if (isFailure(prepared)) return prepared
  const { trigger } = prepared
  if (!mayTouch(who, trigger.job)) return notItsJob(who, trigger.job)
  const below = await parentFor(broker, who, trigger.parent_run_id ?? null)
  return isFailure(below) ? below : { ...prepared, trigger: { ...trigger, ...below } }
}

/** Their names, each once, for the audit log. */
const jobsOf = (items: readonly (Prepared | Failure)[]): string =>
  [...new Set(items.flatMap((item) => (isFailure(item) ? [] : item.trigger.job)))].join(' ')

function prepareItem(item: unknown): Prepared | Failure {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    return badRequest('each trigger is an object: {"job": "NAME", "params": {"k": "v"}}')
  const unknown = Object.keys(item).find((name) => !KNOWN.includes(name))
  if (unknown !== undefined) {
    const near = nearestName(unknown, KNOWN)
    const hint = near ? `did you mean ${near}?` : `known are: ${KNOWN.join(', ')}`
    return badRequest(`unknown key ${quoted(unknown)}`, hint)
  }
  const { job, params = {}, request_id, priority, delay, parent_run_id } = item as ItemKeys
  if (typeof job !== 'string' || job === '') return badRequest('job: the name of a job')
  if (typeof params !== 'object' || params === null || Array.isArray(params))
    return badRequest('params: an object, name to value')
  const texts = [request_id, priority, delay, parent_run_id].map(plainText)
  const bad = texts.indexOf(undefined)
  if (bad >= 0) return badRequest(`${TEXTS[bad]}: one plain value`)
  const [id = null, order = null, later = null, parent = null] = texts
  return prepare({
    job,
    params: Object.entries(params),
    request_id: id,
    priority: order,
    delay: later,
    parent_run_id: parent,
  })
}

type ItemKeys = Readonly<Record<string, unknown>>
const TEXTS = ['request_id', 'priority', 'delay', 'parent_run_id']

/** Null for what is absent, undefined for what is no plain value. */
function plainText(value: unknown): string | null | undefined {
  if (value === undefined || value === null || value === '') return null
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

function shown(answer: TriggerAnswer, origin: string): object {
  if ('error' in answer) return errorBody(answer.error)
  return { ...answer, status_url: `${origin}/api/runs/${answer.run_id}` }
}

function answerOne(answer: TriggerAnswer | undefined, origin: string): Answer {
  if (!answer) throw new Error('an answer is missing')
  if ('error' in answer) return refuse(answer.error)
  return json(202, shown(answer, origin), { Location: `/api/runs/${answer.run_id}` })
}

const TOO_MANY = failure(
  413,
  'too_many',
  `more than ${MAX_TRIGGERS} triggers in one request`,
  'send them in several requests',
)
