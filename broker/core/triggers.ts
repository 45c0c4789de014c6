/** Triggers from outside: checked, recorded once per request id, and on their way. */
import { type Card, NAME_PATTERN } from '../../common/definition/card.ts'
import { nearestName } from '../../common/definition/nearest.ts'
import { checkParams, type How } from '../../common/definition/values.ts'
import type { TriggerAccepted, TriggerAnswer } from '../../common/protocol/answers.ts'
import type { Failure, Trigger } from '../../common/protocol/client-door.ts'
import { bear, concurrencyKey, isRefused, MAX_UNFINISHED, type Parent } from './birth.ts'
import { answer, type Asker } from './effect.ts'
import type { Command, Found, Now } from './event.ts'
import type { Values } from './records.ts'
import { failures } from './refusals.ts'
import type { Run, State } from './state.ts'
import { MAX_VALUES_BYTES, sameValues, wireBytes } from './values.ts'
import { subscribedCount } from './workers.ts'

/** Refusals that one turn writes down at the most: a flood of nonsense must not become a flood of writes. */
const MAX_REFUSALS_A_TURN = 100

export function decideTrigger(
  state: State,
  command: Command & { kind: 'trigger' },
  asker: Asker,
  now: Now,
  found: Found,
): void {
  const answers = command.triggers.map((trigger): TriggerAnswer => {
    const accepted = accept(state, trigger, now, found)
    if (!('status' in accepted)) return accepted
    noteRefusal(state, now, trigger, command.from ?? null, accepted)
    return { error: accepted }
  })
  answer(state, asker, answers)
}

function accept(state: State, trigger: Trigger, now: Now, found: Found): TriggerAccepted | Failure {
  const unfit = unfitName(state, trigger.job)
  if (unfit) return unfit
  const earlier = findEarlier(state, trigger, found)
  if (earlier && 'forgotten' in earlier)
    return failures.runForgotten(trigger.request_id ?? '', earlier.forgotten)
  if (earlier) return repeat(state, trigger, earlier, findParent(state, trigger, found))
  const card = cardOf(state, trigger.job)
  const checked = checkParams(card, trigger.params, how(state, now.wall_ms))
  if (checked.kind === 'bad') return failures.badParameter(checked.message, checked.hint)
  const { params } = checked
  const bytes = wireBytes(params)
  if (bytes > MAX_VALUES_BYTES) return failures.valuesTooLarge(bytes)
  const parent = findParent(state, trigger, found)
  if (parent === 'unknown') return failures.unknownParent(trigger.parent_run_id ?? '')
  const key = concurrencyKey(card, params, {})
  if (key.kind === 'missing')
    return failures.badParameter(
      `parameter ${key.name}: the concurrency key of the job needs a value for it`,
    )
  if (isRefused(state, card, key.key)) return failures.concurrencyFull(card.job)
  if (state.runs.size >= MAX_UNFINISHED) return failures.full(MAX_UNFINISHED)
  const run = bear(state, now, {
    job: card.job,
    values: { params, context: {} },
    via: 'trigger',
    parent,
    retry_of: null,
    priority: trigger.priority ?? null,
    delay_ms: trigger.delay_ms ?? 0,
    only_workers: null,
    handling: parent?.handling ?? [],
  })
  noteRequest(state, now, trigger, run)
  return { ...accepted(state, run), ...saidOf(checked) }
}

/**
 * The same request again: cleaned as it was then (`today` is still that day), it must ask for the same, and in the same flow.
 * Else who may trigger in one flow would be told of a run in another, whose request_id he guessed.
 */
function repeat(
  state: State,
  trigger: Trigger,
  { run, params }: { run: Run; params: Values | undefined },
  parent: Parent | null | 'unknown',
): TriggerAccepted | Failure {
  const card = state.cards.get(run.card ?? '') ?? cardOf(state, run.job)
  const checked = checkParams(card, trigger.params, how(state, run.created_ms))
  if (checked.kind === 'bad') return failures.badParameter(checked.message, checked.hint)
  const isSame =
    params !== undefined &&
    isIn(run.flow_id, parent) &&
    sameValues(params, checked.params) &&
    sameWishes(run, trigger, card.priority)
  if (!isSame) return failures.requestIdTaken(trigger.request_id ?? '', run.run_id)
  return { ...accepted(state, run), ...saidOf(checked), duplicate: true }
}

const how = ({ secret_names }: State, now_ms: number): How => ({
  now_ms,
  source: 'trigger',
  secret_names,
})

function cardOf(state: State, job: string): Card {
  const hash = state.jobs.get(job) ?? ''
  const card = state.cards.get(hash)
  if (!card) throw new Error(`job ${job} has no card ${hash}`)
  return card
}

/** What the cleaning of the parameters changed or wondered about. */
const saidOf = ({
  sanitized,
  undeclared,
}: {
  readonly sanitized: string[]
  readonly undeclared: string[]
}): Pick<TriggerAccepted, 'sanitized' | 'undeclared'> => ({
  ...(sanitized.length > 0 ? { sanitized } : {}),
  ...(undeclared.length > 0 ? { undeclared } : {}),
})

function noteRequest(state: State, now: Now, { request_id }: Trigger, { job, run_id }: Run): void {
  if (!request_id) return
  const request = { job, request_id, run_id, at_ms: now.wall_ms }
  state.touched.requests.set(`${job}\0${request_id}`, request)
}

function unfitName(state: State, job: string): Failure | null {
  if (!NAME_PATTERN.test(job)) return failures.badJobName(job)
  if (state.jobs.size === 0) return failures.noWorkers()
  return state.jobs.has(job) ? null : failures.unknownJob(job, nearestName(job, state.jobs.keys()))
}

/** A run that the same request made before, even one that is not kept any more; what this turn made is not in the store yet. */
function findEarlier(
  state: State,
  { job, request_id }: Trigger,
  found: Found,
): { run: Run; params: Values | undefined } | { forgotten: string } | null {
  if (!request_id) return null
  const key = `${job}\0${request_id}`
  const run_id = (state.touched.requests.get(key) ?? found.requests.get(key))?.run_id
  if (run_id === undefined) return null
  const run = state.runs.get(run_id) ?? found.runs.get(run_id)
  if (!run) return { forgotten: run_id }
  return {
    run,
    params: (state.touched.born.get(run.run_id) ?? found.values.get(run.run_id))?.params,
  }
}

/** A parent that is not kept any more says nothing about its flow. */
const isIn = (flow_id: string, parent: Parent | null | 'unknown'): boolean =>
  parent === null || parent === 'unknown' || parent.flow_id === flow_id

const sameWishes = (run: Run, trigger: Trigger, priority: number): boolean =>
  run.priority === (trigger.priority ?? priority) && run.delay_ms === (trigger.delay_ms ?? 0)

function findParent(
  state: State,
  { parent_run_id }: Trigger,
  found: Found,
): Parent | null | 'unknown' {
  if (!parent_run_id) return null
  return state.runs.get(parent_run_id) ?? found.runs.get(parent_run_id) ?? 'unknown'
}

const accepted = (state: State, run: Run): TriggerAccepted => ({
  run_id: run.run_id,
  flow_id: run.flow_id,
  job: run.job,
  state: run.state,
  deliver: run.deliver,
  workers: subscribedCount(state, run.job),
})

function noteRefusal(
  state: State,
  now: Now,
  { job }: Trigger,
  from: string | null,
  { code, message }: Failure,
): void {
  if (state.touched.refusals.length >= MAX_REFUSALS_A_TURN) return
  state.touched.refusals.push({ at_ms: now.wall_ms, job: job.slice(0, 128), from, code, message })
}
