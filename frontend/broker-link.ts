/**
 * What the frontend asks of the broker, and what becomes of a question that is not answered.
 *
 * A broker that restarts loses what was on its way. What may safely be said twice (a trigger carries its `request_id`,
 * a question changes nothing) is said twice before anybody hears of it. The rest is answered with an honest 503.
 */
import { mayRepeat } from '../common/link/request.ts'
import type { Answered, Request, RequestLink } from '../common/link/request.ts'
import { FromClient } from '../common/protocol/client-door.ts'
import type { Failure } from '../common/protocol/client-door.ts'
import { badRequest, failure } from './failure.ts'

export type Asked<T> =
  | { readonly kind: 'answered'; readonly result: T }
  | { readonly kind: 'refused'; readonly error: Failure }

export type BrokerLink = {
  /** `T` is the shape that common/protocol/answers.ts gives for the request. Waits `patience_ms` at most, twice. */
  ask<T>(request: Request, patience_ms?: number): Promise<Asked<T>>
}

/** How long one try may take: two of them stay within what people wait for. */
const PATIENCE_MS = 5_000
const RETRY_AFTER_S = 2
/** Questions that wait for their answers; whoever would be one more is told to come later. */
const MAX_ASKED = 5_000

export function createBrokerLink(
  requests: Pick<RequestLink, 'request'>,
  patience_ms: number = PATIENCE_MS,
  limit: number = MAX_ASKED,
): BrokerLink {
  let asked = 0
  const askTwice = async (request: Request, patience: number): Promise<Answered> => {
    const answered = await requests.request(request, patience)
    return answered.kind === 'unreachable' && mayRepeat(request)
      ? requests.request(request, patience)
      : answered
  }
  return {
    ask: async <T>(request: Request, patience = patience_ms): Promise<Asked<T>> => {
      const problem = problemOf(request) ?? (asked < limit ? null : BUSY)
      if (problem) return { kind: 'refused', error: problem }
      asked += 1
      const answered = await askTwice(request, patience)
      asked -= 1
      return outcomeOf<T>(request, answered)
    },
  }
}

const BUSY = failure(
  503,
  'busy',
  'too much is asked of the broker through this frontend',
  'ask again in a second',
  1,
)

/** The door drops what it cannot read, without a word; so nothing unreadable is sent to it. */
function problemOf(request: Request): Failure | null {
  const parsed = FromClient.safeParse({ ...request, id: 0 })
  if (parsed.success) return null
  const issue = parsed.error.issues[0]
  const where = issue?.path.filter((part) => part !== 'question' && part !== 'filter').join('.')
  return badRequest(`${where || 'request'}: ${issue?.message ?? 'not understood'}`)
}

function outcomeOf<T>(request: Request, answered: Answered): Asked<T> {
  switch (answered.kind) {
    case 'answered':
      return { kind: 'answered', result: answered.result as T }
    case 'refused':
      return answered
    case 'unreachable':
      return { kind: 'refused', error: unreachable(request, answered.message) }
  }
}

function unreachable(request: Request, message: string): Failure {
  const hint = mayRepeat(request)
    ? 'is the broker running? try again shortly; a trigger with a request_id may be repeated safely'
    : 'it may have happened or not: look before you repeat it'
  return failure(503, 'unreachable', message, hint, RETRY_AFTER_S)
}
