/** Runs: the list and its filters, one run, why it is where it is, and what can be done to it. */
import { PARAM_NAME_PATTERN } from '../../common/definition/card.ts'
import { parseDuration } from '../../common/definition/durations.ts'
import { nearestName } from '../../common/definition/nearest.ts'
import type { RunState } from '../../common/protocol/answers.ts'
import type { Failure, RunFilter } from '../../common/protocol/client-door.ts'
import { numberOf } from '../../common/protocol/cursor.ts'
import { badRequest, isFailure, quoted } from '../failure.ts'
import type { Fields } from '../fields.ts'
import { wholeRunId } from '../run-ids.ts'
import { countOf, refuse, relay, switchOf, textOf } from './route.ts'
import type { Answer, Api, Call, Field, Route } from './route.ts'

const STATES = [
  'waiting',
  'queued',
  'running',
  'succeeded',
  'failed',
  'canceled',
  'expired',
] as const satisfies readonly RunState[]
const DEFAULT_LIMIT = 50
const MAX_LIMIT = 1000

const text = { type: 'string' }
const FILTERS: readonly Field[] = [
  { name: 'job', description: 'of this job', schema: text },
  { name: 'state', description: 'in this state', schema: { type: 'string', enum: [...STATES] } },
  { name: 'flow', description: 'of this flow', schema: text },
  { name: 'worker', description: 'with a task on this worker', schema: text },
  {
    name: 'since',
    description: 'made since then: a time (ISO 8601), or so long ago (6h)',
    schema: text,
  },
  {
    name: 'unhandled',
    description:
      '1: only failed and expired ones that nobody has dealt with: not retried, and no `on_failure` of theirs has succeeded',
    schema: { type: 'string', enum: ['1', '0'] },
  },
  {
    name: 'limit',
    description: `how many (${DEFAULT_LIMIT} by default)`,
    schema: { type: 'integer', minimum: 1, maximum: MAX_LIMIT },
  },
  {
    name: 'before',
    description: 'older ones: what the last answer gave as `before`',
    schema: text,
  },
]
const WORKER: Field = { name: 'worker', description: 'only on this worker', schema: text }

export function runRoutes(api: Api): Route[] {
  const unknown = { description: 'no such run, or several whose ids end so' }
  return [
    {
      method: 'GET',
      path: '/api/runs',
      id: 'list_runs',
      role: 'read',
      scope: { job: 'job' },
      summary: 'Runs, newest first',
      fields: FILTERS,
      open: '`param.NAME`: with this value of a parameter',
      answers: { 200: { description: 'a page of runs', schema: 'Runs' } },
      handle: (call) => listRuns(api, call),
    },
    {
      method: 'GET',
      path: '/api/runs/{run_id}',
      id: 'get_run',
      role: 'read',
      scope: { run: 'run_id' },
      run_token: 'own_run',
      summary: 'One run, with its tasks and what followed from it',
      fields: [],
      answers: { 200: { description: 'the run', schema: 'Run' }, 404: unknown },
      handle: async (call) => relay(await ask(api, call, 'run')),
    },
    {
      method: 'GET',
      path: '/api/runs/{run_id}/explain',
      id: 'explain_run',
      role: 'read',
      scope: { run: 'run_id' },
      summary: 'Why a run is where it is, and what to do about it',
      fields: [],
      answers: { 200: { description: 'in words', schema: 'Explanation' }, 404: unknown },
      handle: async (call) => relay(await ask(api, call, 'explain')),
    },
    {
      method: 'POST',
      path: '/api/runs/{run_id}/cancel',
      id: 'cancel_run',
      role: 'operate',
      scope: { run: 'run_id' },
      summary: 'Cancel a run: at once if it has not started, else by stopping its commands',
      fields: [],
      answers: {
        202: { description: 'recorded', schema: 'Done' },
        404: unknown,
        409: { description: 'it is over' },
      },
      handle: (call) => act(api, call, 'cancel'),
    },
    {
      method: 'POST',
      path: '/api/runs/{run_id}/retry',
      id: 'retry_run',
      role: 'operate',
      scope: { run: 'run_id' },
      summary: 'Run it again, as a new run in the same flow',
      fields: [WORKER],
      answers: {
        202: { description: 'the new run', schema: 'Done' },
        404: unknown,
        409: { description: 'it neither failed nor expired' },
      },
      handle: (call) => act(api, call, 'retry'),
    },
  ]
}

const ask = (api: Api, call: Call, what: 'run' | 'explain') =>
  api.broker.ask({ kind: 'query', question: { what, run_id: call.path('run_id') } })

async function act(api: Api, call: Call, kind: 'cancel' | 'retry'): Promise<Answer> {
  const whole = await wholeRunId(api.broker, call.path('run_id'))
  if (whole.kind === 'refused') return refuse(whole.error)
  const run_id = whole.result
  const request =
    kind === 'cancel' ? { kind, run_id } : { kind, run_id, worker: textOf(call.fields, 'worker') }
  return relay(await api.broker.ask(request), 202)
}

async function listRuns(api: Api, call: Call): Promise<Answer> {
  const filter = readFilter(call.fields, Date.now())
  return isFailure(filter)
    ? refuse(filter)
    : relay(await api.broker.ask({ kind: 'query', question: { what: 'runs', filter } }))
}

function readFilter(fields: Fields, now_ms: number): RunFilter | Failure {
  const params = readParams(fields)
  if (isFailure(params)) return params
  const state = textOf(fields, 'state')
  if (state !== null && !STATES.some((known) => known === state)) {
    const near = nearestName(state, STATES)
    return badRequest(
      `state: there is no ${quoted(state)}`,
      near ? `did you mean ${near}?` : `known are: ${STATES.join(', ')}`,
    )
  }
  const unhandled = switchOf(fields, 'unhandled')
  if (unhandled === null) return badRequest('unhandled: 1 or 0')
  const limit = countOf(textOf(fields, 'limit') ?? String(DEFAULT_LIMIT), 1, MAX_LIMIT)
  if (limit === null) return badRequest(`limit: a whole number from 1 to ${MAX_LIMIT}`)
  const since = textOf(fields, 'since')
  const since_ms = since === null ? null : readSince(since, now_ms)
  if (since !== null && since_ms === null)
    return badRequest('since: a time such as 2024-03-01T06:00:00Z, or a duration such as 6h')
  const before = textOf(fields, 'before')
  if (before !== null && numberOf(before) === null)
    return badRequest('before: what the last answer gave as `before`')
  return {
    job: textOf(fields, 'job'),
    state,
    flow: textOf(fields, 'flow'),
    worker: textOf(fields, 'worker'),
    params,
    since_ms,
    limit,
    before,
    ...(unhandled ? { unhandled } : {}),
  }
}

function readParams(fields: Fields): Record<string, string> | Failure {
  const params = Object.create(null) as Record<string, string>
  const known = FILTERS.map(({ name }) => name)
  for (const [field, value] of fields) {
    if (known.includes(field)) continue
    const name = field.startsWith('param.') ? field.slice(6) : ''
    if (!PARAM_NAME_PATTERN.test(name)) {
      const near = nearestName(field, known)
      const all = `known are: ${known.join(', ')}, param.NAME`
      return badRequest(`unknown filter ${quoted(field)}`, near ? `did you mean ${near}?` : all)
    }
    params[name] = String(value)
  }
  return params
}

/** A time, or a duration before now, in ms. */
function readSince(text: string, now_ms: number): number | null {
  const ago_ms = parseDuration(text)
  if (ago_ms !== null) return now_ms - ago_ms
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text))
    return null
  const at_ms = Date.parse(
    text.includes('T') && !/(Z|[+-]\d\d:\d\d)$/.test(text) ? `${text}Z` : text,
  )
  return Number.isNaN(at_ms) ? null : at_ms
}
