/**
 * From what a request says to triggers, and from triggers to answers.
 *
 * Every trigger leaves with a `request_id`, the client's or one of our own, so that a lost reply is asked for again and
 * never starts a second run. What a job's parameters may be is the broker's to say, by the job's rules; here only
 * names and shapes that could mean nothing anywhere are refused.
 */
import { randomUUID } from 'node:crypto'
import { PARAM_NAME_PATTERN } from '../common/definition/card.ts'
import { parseDuration } from '../common/definition/durations.ts'
import type { TriggerAnswer } from '../common/protocol/answers.ts'
import type { Failure, Trigger } from '../common/protocol/client-door.ts'
import type { BrokerLink } from './broker-link.ts'
import { badRequest, failure, isFailure, quoted } from './failure.ts'
import { plainValue } from './fields.ts'
import { countOf } from './routes/route.ts'

/** `minted`: the request_id is our own, so that "duplicate" would speak of our repetition and not of the client's. */
export type Prepared = {
  readonly trigger: Trigger
  /** Its size as JSON. */
  readonly bytes: number
  readonly minted: boolean
}

export type Given = {
  readonly job: string
  readonly params: Iterable<readonly [name: string, value: unknown]>
  readonly request_id: string | null
  readonly priority: string | null
  readonly delay: string | null
  readonly parent_run_id: string | null
}

const MAX_JOB_NAME = 128
const MAX_PARAMS = 64
const MAX_PRIORITY = 0xffffffff
/** Of one trigger as JSON: it travels in a frame of 1 MiB. */
const MAX_TRIGGER_BYTES = 960 * 1024
/** Triggers to one request: their answers share a frame too. */
const MAX_REQUEST_BYTES = 512 * 1024
const MAX_REQUEST_TRIGGERS = 500

export function prepare(given: Given): Prepared | Failure {
  const { job, request_id } = given
  if (job.length > MAX_JOB_NAME)
    return failure(400, 'bad_job_name', `${quoted(job)}: a job's name has at most 128 characters`)
  if (request_id !== null && request_id.length > 256)
    return badRequest('request_id: at most 256 characters')
  if (given.parent_run_id !== null && given.parent_run_id.length > 64)
    return badRequest('parent_run_id: not a run id')
  const priority = given.priority === null ? null : countOf(given.priority, 0, MAX_PRIORITY)
  if (given.priority !== null && priority === null)
    return badRequest(`priority: a whole number from 0 (first) to ${MAX_PRIORITY}`)
  const delay_ms = given.delay === null ? null : parseDuration(given.delay)
  if (given.delay !== null && delay_ms === null)
    return badRequest('delay: a duration such as 90s, 15m, 6h, 2d, or seconds')
  const params = readParams(given.params)
  if (isFailure(params)) return params
  const trigger: Trigger = {
    job,
    params,
    request_id: request_id ?? mintRequestId(),
    priority,
    delay_ms,
    parent_run_id: given.parent_run_id,
  }
  const bytes = Buffer.byteLength(JSON.stringify(trigger))
  return bytes > MAX_TRIGGER_BYTES
    ? failure(413, 'too_large', 'the parameters are too large', 'a value has at most 4 KiB')
    : { trigger, bytes, minted: request_id === null }
}

function readParams(given: Given['params']): Record<string, unknown> | Failure {
  const params = Object.create(null) as Record<string, unknown>
  let count = 0
  for (const [name, value] of given) {
    const plain = plainValue(value)
    if (!PARAM_NAME_PATTERN.test(name))
      return badParameter(`${quoted(name)} cannot be a name`, NAMES)
    if (plain === null) return badParameter(`${quoted(name)} must be one plain value`, PLAIN)
    params[name] = plain
    count += 1
    if (count > MAX_PARAMS) return badParameter(`more than ${MAX_PARAMS} parameters`, null)
  }
  return params
}

const NAMES = 'names are letters, digits and _, at most 64, and begin with a letter or one _'
const PLAIN = 'text, a number, true or false; leave out what has no value'
const badParameter = (message: string, hint: string | null): Failure =>
  failure(400, 'bad_parameter', message, hint)

/** A UUIDv7: ids that grow with time are cheap to keep in order. */
function mintRequestId(): string {
  const time = Date.now().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}

/**
 * Starts them all, in requests that fit their frames, and answers each in order.
 * @param from Who asks, for the list of refusals.
 */
export async function startAll(
  broker: BrokerLink,
  prepared: readonly Prepared[],
  from: string | null,
): Promise<TriggerAnswer[]> {
  const answers = await Promise.all(
    inRequests(prepared).map(async (part): Promise<TriggerAnswer[]> => {
      const triggers = part.map(({ trigger }) => trigger)
      const asked = await broker.ask<TriggerAnswer[]>({ kind: 'trigger', triggers, from })
      if (asked.kind === 'refused') return part.map(() => ({ error: asked.error }))
      if (asked.result.length !== part.length) throw new Error('the broker left a trigger out')
      return asked.result.map((answer, i) => (part[i]?.minted ? withoutDuplicate(answer) : answer))
    }),
  )
  return answers.flat()
}

function inRequests(prepared: readonly Prepared[]): Prepared[][] {
  const parts: Prepared[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const one of prepared) {
    const last = parts.at(-1)
    if (last && last.length < MAX_REQUEST_TRIGGERS && bytes + one.bytes <= MAX_REQUEST_BYTES) {
      last.push(one)
      bytes += one.bytes
    } else {
      parts.push([one])
      bytes = one.bytes
    }
  }
  return parts
}

function withoutDuplicate(answer: TriggerAnswer): TriggerAnswer {
  if ('error' in answer) return answer
  const { duplicate: _ours, ...rest } = answer
  return rest
}
