/** What would become of a trigger, without starting anything. */
import { nearestName } from '../../common/definition/nearest.ts'
import { hideValues, secretValuesOf } from '../../common/definition/secrets.ts'
import { checkParams } from '../../common/definition/values.ts'
import type { ExplainView } from '../../common/protocol/answers.ts'
import type { Failure } from '../../common/protocol/client-door.ts'
import { concurrencyKey } from './birth.ts'
import { subscribers } from './dispatch.ts'
import type { Now } from './event.ts'
import { laneNamed } from './lanes.ts'
import type { Values } from './records.ts'
import { failures } from './refusals.ts'
import type { State } from './state.ts'

export function explainJob(
  state: State,
  now: Now,
  job: string,
  given: Readonly<Record<string, unknown>>,
): { readonly result: ExplainView } | { readonly error: Failure } {
  const card = state.cards.get(state.jobs.get(job) ?? '')
  if (!card) return { error: failures.unknownJob(job, nearestName(job, state.jobs.keys())) }
  const { secret_names } = state
  const how = { now_ms: now.wall_ms, source: 'trigger', secret_names } as const
  const checked = checkParams(card, given, how)
  if (checked.kind === 'bad') return { error: failures.badParameter(checked.message, checked.hint) }
  const workers = [...subscribers(state, card, null)]
  const connected = workers.filter((worker) => worker.session !== null && !worker.draining)
  const lane = laneNamed(state, card.lane)
  const key = concurrencyKey(card, checked.params, {})
  const use = key.kind === 'key' && key.key !== null ? state.keys.get(key.key) : undefined
  const details = [
    `deliver ${card.deliver}: ${workers.length} workers are subscribed, ${connected.length} are connected`,
    `lane ${lane.name}: ${lane.running} running${lane.limit === null ? '' : ` of ${lane.limit}`}, ${lane.queued} queued`,
    ...(card.concurrency
      ? [`concurrency: ${use?.running ?? 0} running of ${card.concurrency.limit}`]
      : []),
    ...Object.entries(shownParams(state, checked.params)).map(
      ([name, value]) => `${name}=${value}`,
    ),
  ]
  const summary =
    connected.length === 0
      ? `a run of ${job} would wait: none of its workers is connected`
      : lane.limit !== null && lane.running >= lane.limit
        ? `a run of ${job} would wait: lane ${lane.name} is full`
        : `a run of ${job} could start now`
  return { result: { run_id: null, job, state: null, summary, details, hints: [] } }
}

const shownParams = ({ secret_names }: State, params: Values): Values =>
  hideValues(params, secret_names, secretValuesOf(secret_names, params))
