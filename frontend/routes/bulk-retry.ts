/** `POST /api/runs/retry`: many retries in one request, each with an answer of its own, in order. */
import { z } from 'zod'
import type { RetryAnswer } from '../../common/protocol/answers.ts'
import type { Failure } from '../../common/protocol/client-door.ts'
import { MAX_TRIGGERS, MAX_TRIGGERS_A_REQUEST } from '../../common/protocol/limits.ts'
import type { BrokerLink } from '../broker-link.ts'
import { badRequest, errorBody, failure, isFailure } from '../failure.ts'
import { readJson } from '../fields.ts'
import { isWholeId } from '../run-ids.ts'
import { json, refuse, textOf } from './route.ts'
import type { Answer, Api, Call, Route } from './route.ts'

const MAX_BULK_BYTES = 1024 * 1024
const Bulk = z.array(z.string()).min(1).max(MAX_TRIGGERS)

export function bulkRetryRoutes(api: Api): Route[] {
  return [
    {
      method: 'POST',
      path: '/api/runs/retry',
      id: 'retry_runs',
      role: 'operate',
      scope: 'everything',
      summary: `Run up to ${MAX_TRIGGERS} failed runs again, unless they were retried before`,
      description:
        'An array of whole run ids is answered by an array in the same order: the new run, or `{error}`. What has a ' +
        'retry already is refused (`already_retried`), so the whole may be sent again safely.',
      fields: [{ name: 'worker', description: 'only on this worker', schema: { type: 'string' } }],
      json: { limit_bytes: MAX_BULK_BYTES, schema: z.toJSONSchema(Bulk) },
      answers: {
        200: { description: 'none was retried', schema: 'RetriedMany' },
        202: { description: 'at least one was retried', schema: 'RetriedMany' },
        413: { description: 'the body is too large, or there are too many' },
        415: { description: 'the body is not JSON' },
      },
      handle: (call) => retryRuns(api, call),
    },
  ]
}

async function retryRuns(api: Api, call: Call): Promise<Answer> {
  const run_ids = readIds(call)
  if (isFailure(run_ids)) return refuse(run_ids)
  const answers = await retryGood(api.broker, run_ids, textOf(call.fields, 'worker'))
  const errors = answers.flatMap((answer) => ('error' in answer ? [answer.error] : []))
  const isNoneRetried = errors.length === answers.length
  const lost = errors.find(({ status }) => status === 503)
  if (isNoneRetried && lost) return refuse(lost)
  return json(
    isNoneRetried ? 200 : 202,
    answers.map((answer) => ('error' in answer ? errorBody(answer.error) : answer)),
  )
}

function readIds(call: Call): string[] | Failure {
  const read = readJson(call.req.headers['content-type'], call.body)
  if (isFailure(read)) return read
  const { json: given } = read
  if (Array.isArray(given) && given.length > MAX_TRIGGERS)
    return failure(
      413,
      'too_many',
      `more than ${MAX_TRIGGERS} run ids in one request`,
      'send them in several requests',
    )
  const parsed = Bulk.safeParse(given)
  return parsed.success ? parsed.data : badRequest('the body is an array of run ids')
}

/** Asks for those that can be ids, in requests whose answers fit a frame, and puts the answers into their places. */
async function retryGood(
  broker: BrokerLink,
  run_ids: readonly string[],
  worker: string | null,
): Promise<RetryAnswer[]> {
  const good = run_ids.filter(isWholeId)
  const parts = Array.from({ length: Math.ceil(good.length / MAX_TRIGGERS_A_REQUEST) }, (_, n) =>
    good.slice(n * MAX_TRIGGERS_A_REQUEST, (n + 1) * MAX_TRIGGERS_A_REQUEST),
  )
  const answers = await Promise.all(
    parts.map(async (part): Promise<RetryAnswer[]> => {
      const asked = await broker.ask<RetryAnswer[]>({ kind: 'retry', run_ids: part, worker })
      if (asked.kind === 'refused') return part.map(() => ({ error: asked.error }))
      if (asked.result.length !== part.length) throw new Error('the broker left a run out')
      return asked.result
    }),
  )
  const told = answers.flat().values()
  return run_ids.map((run_id) =>
    isWholeId(run_id) ? (told.next().value as RetryAnswer) : { error: NOT_WHOLE },
  )
}

const NOT_WHOLE = badRequest('a whole run id is needed here', '`jobz runs --ids` prints them')
