/**
 * `/job_start`: what crontabs and scripts call. A trigger out of a query string; and, when they ask for it, the answer
 * only after the run (`wait`), or the run's output as the answer (`follow`).
 */
import { formatDuration, parseDuration } from '../../common/definition/durations.ts'
import { RESERVED_NAMES } from '../../common/definition/reserved.ts'
import type { FlowView, RunView, TriggerAccepted } from '../../common/protocol/answers.ts'
import type { Failure } from '../../common/protocol/client-door.ts'
import { sayFrom } from '../access/identity.ts'
import { parentFor } from '../access/scope.ts'
import { badRequest, failure, isFailure } from '../failure.ts'
import type { Fields } from '../fields.ts'
import { originOf } from '../guard.ts'
import { followRun } from '../run-text.ts'
import { BUSY } from '../standing.ts'
import type { Stay } from '../standing.ts'
import { prepare, startAll } from '../triggers.ts'
import { isOver, waitForFlow, waitForRun } from '../waits.ts'
import { START_FIELDS } from './start-fields.ts'
import { json, refuse, switchOf, textOf } from './route.ts'
import type { Answer, Api, Call, Route } from './route.ts'

const MAX_WAIT_MS = 3_600_000

export function jobStartRoutes(api: Api): Route[] {
  const route = {
    path: '/job_start',
    summary: 'Start a job',
    description:
      'A GET that acts, because a line in a crontab has nothing but curl and a URL. HEAD is refused.',
    fields: START_FIELDS,
    open: 'a parameter of the job',
    head: false,
    role: 'trigger',
    scope: { job: 'job_name' },
    run_token: 'below_it',
    answers: {
      200: {
        description: 'with `wait`: it succeeded; with `follow`: its output, as it comes',
        schema: 'Started',
      },
      202: { description: 'accepted and on disk; with `wait`: still going on', schema: 'Started' },
      424: { description: 'with `wait`: it did not succeed', schema: 'Started' },
      404: { description: 'nobody has announced such a job' },
      409: { description: 'the request_id was used with other parameters, or the job is full' },
      413: { description: 'the body is too large' },
      414: { description: 'the URL is longer than 64 KiB' },
      415: { description: 'the body is neither JSON nor a form' },
      429: { description: 'the job is full; see Retry-After' },
    },
    handle: (call: Call) => startJob(api, call),
  } as const
  return [
    { ...route, method: 'GET', id: 'start_job' },
    { ...route, method: 'POST', id: 'start_job_by_post' },
  ]
}

/** What the client wants for an answer. */
type Manner = {
  readonly bare_id: boolean
  readonly follow: boolean
  readonly wait_ms: number | null
  readonly of_flow: boolean
  readonly strict: boolean
}

async function startJob(api: Api, call: Call): Promise<Answer> {
  const manner = readManner(call.fields)
  if (isFailure(manner)) return refuse(manner)
  if (!manner.follow && manner.wait_ms === null) return start(api, call, manner, null)
  const stay = api.standing.enter(call.res)
  if (!stay) return refuse(BUSY)
  // Subscribed before the trigger leaves, so that the news of a quick run is not missed.
  const early = api.feed.watch([])
  try {
    return await start(api, call, manner, stay)
  } finally {
    early.end()
    stay.leave()
  }
}

async function start(api: Api, call: Call, manner: Manner, stay: Stay | null): Promise<Answer> {
  const { fields } = call
  const below = await parentFor(api.broker, call.who, textOf(fields, 'parent_run_id'))
  if (isFailure(below)) return refuse(below)
  const prepared = prepare({
    job: textOf(fields, 'job_name') ?? '',
    params: [...fields].filter(([name]) => !RESERVED_NAMES.has(name)),
    request_id: textOf(fields, 'request_id'),
    priority: textOf(fields, 'priority'),
    delay: textOf(fields, 'delay'),
    parent_run_id: below.parent_run_id,
  })
  if (isFailure(prepared)) return refuse(prepared)
  const [answer] = await startAll(api.broker, [prepared], sayFrom(call.who, call.req))
  if (!answer || 'error' in answer) return refuse(answer?.error ?? NO_ANSWER)
  // It is done, however long its answer may wait.
  call.trail.done(202)
  const path = `/api/runs/${answer.run_id}`
  const headers = { Location: path }
  if (stay && manner.follow) {
    await followRun(api, call, stay, answer.run_id, headers)
    return { kind: 'streamed' }
  }
  const status_url = originOf(call.req) + path
  const { status, body } = stay
    ? await waitedFor(api, stay, manner, { ...answer, status_url })
    : { status: 202, body: { ...answer, status_url } }
  return manner.bare_id
    ? { kind: 'text', status, body: `${answer.run_id}\n`, headers }
    : json(status, body, headers)
}

async function waitedFor(
  api: Api,
  stay: Stay,
  manner: Manner,
  started: TriggerAccepted & { status_url: string },
): Promise<{ status: number; body: object }> {
  const wait_ms = manner.wait_ms ?? 0
  const unfinished = manner.strict ? 424 : 202
  if (manner.of_flow) {
    const flow = await waitForFlow(api, stay, started.flow_id, wait_ms)
    const status = flow?.settled ? (flow.state === 'succeeded' ? 200 : 424) : unfinished
    return { status, body: { ...started, ...runFacts(flow, started.run_id), ...flowFacts(flow) } }
  }
  const run = await waitForRun(api, stay, started.run_id, wait_ms)
  const status = run && isOver(run) ? (run.state === 'succeeded' ? 200 : 424) : unfinished
  return { status, body: { ...started, ...factsOf(run) } }
}

const factsOf = (run: RunView | null | undefined): object =>
  run ? { state: run.state, reason: run.reason, finished_at: run.finished_at } : {}
const runFacts = (flow: FlowView | null, run_id: string): object =>
  factsOf(flow?.runs.find((run) => run.run_id === run_id))
const flowFacts = (flow: FlowView | null): object =>
  flow ? { flow_state: flow.state, flow_settled: flow.settled } : {}

function readManner(fields: Fields): Manner | Failure {
  if (textOf(fields, 'job_name') === null) return NO_JOB
  const wait = textOf(fields, 'wait')
  const wait_ms = wait === null ? null : parseDuration(wait)
  if (wait !== null && (wait_ms === null || wait_ms > MAX_WAIT_MS))
    return badRequest(`wait: a duration of at most ${formatDuration(MAX_WAIT_MS)}`, 'such as 30s')
  const format = textOf(fields, 'format')
  if (format !== null && format !== 'id' && format !== 'json')
    return badRequest('format: id or json')
  const of = textOf(fields, 'of')
  if (of !== null && of !== 'flow' && of !== 'run') return badRequest('of: flow or run')
  const follow = switchOf(fields, 'follow')
  const strict = switchOf(fields, 'strict')
  if (follow === null) return badRequest('follow: 1 or 0')
  if (strict === null) return badRequest('strict: 1 or 0')
  if (wait === null && (of !== null || strict))
    return badRequest('of and strict say how to wait', 'add for how long: wait=30s')
  if (follow && (wait !== null || format === 'id'))
    return badRequest('follow answers with the output alone', 'leave out wait and format')
  return { bare_id: format === 'id', follow, wait_ms, of_flow: of === 'flow', strict }
}

const NO_JOB = failure(
  400,
  'no_job_name',
  'which job? job_name is missing',
  'such as /job_start?job_name=NAME&date=2024_03_01; put the URL in quotes, for the sake of &',
)
const NO_ANSWER = failure(503, 'unreachable', 'the broker gave no answer', null, 2)
