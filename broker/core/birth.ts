/** How a run comes to be, whatever made it; and where it goes first. */
import type { Card } from '../../common/definition/card.ts'
import { fillText } from '../../common/definition/template.ts'
import { checkParams } from '../../common/definition/values.ts'
import { cancelRun } from './cancel.ts'
import { due } from './deadlines.ts'
import type { Now } from './event.ts'
import { noteRun } from './feed.ts'
import { finish } from './finish.ts'
import { joinFlow } from './flows.ts'
import { nextRunId } from './ids.ts'
import { enqueue, holdKey } from './lanes.ts'
import { tooDeep } from './limits.ts'
import type { Values } from './records.ts'
import type { Run, State, Task, Via } from './state.ts'
import { moveRun, tallyNew } from './tally.ts'
import {
  MAX_VALUES_BYTES,
  mergeValues,
  sameValues,
  type StoredValues,
  wireBytes,
} from './values.ts'

/** What a run that made another hands down. */
export type Parent = Pick<Run, 'run_id' | 'flow_id' | 'depth' | 'handling'>

export type Birth = {
  readonly job: string
  readonly values: StoredValues
  readonly via: Via
  readonly parent: Parent | null
  readonly retry_of: string | null
  /** null: the card's. */
  readonly priority: number | null
  readonly delay_ms: number
  readonly only_workers: readonly string[] | null
  readonly handling: readonly string[]
  /** Chosen beforehand when the asker was told already. */
  readonly run_id?: string
  /** Why it cannot be started at all: it is recorded as failed, so that nobody waits for it in vain. */
  readonly broken?: string
}

export const DEFAULT_LANE = 'main'
export const DEFAULT_PRIORITY = 512

/** More unfinished runs than this are not taken in … */
export const MAX_UNFINISHED = 2_000_000
/** … but what was taken in may go on: its next steps fail only past this. */
const MAX_WITH_STEPS = 2_500_000

/** Shared by all that have none: a million queued runs would have a million empty lists. */
const NOTHING: readonly string[] = []
const NO_TASKS = Object.freeze<Task[]>([]) as Task[]

/** Records a new run and sends it on its way: into the queue, into waiting, or straight to failed. */
export function bear(state: State, now: Now, birth: Birth): Run {
  const run_id = birth.run_id ?? nextRunId(state.ids, now.wall_ms)
  state.sequence += 1
  const run: Run = {
    run_id,
    flow_id: birth.parent?.flow_id ?? run_id,
    parent_run_id: birth.parent?.run_id ?? null,
    via: birth.via,
    retry_of: birth.retry_of,
    job: birth.job,
    card: null,
    state: 'waiting',
    reason: null,
    lane: DEFAULT_LANE,
    priority: birth.priority ?? DEFAULT_PRIORITY,
    deliver: 'all',
    created_ms: now.wall_ms,
    started_ms: null,
    finished_ms: null,
    delay_ms: birth.delay_ms,
    cancel_requested: false,
    progress: null,
    message: null,
    concurrency_key: null,
    only_workers: birth.only_workers,
    depth: (birth.parent?.depth ?? -1) + 1,
    handling: birth.handling.length === 0 ? NOTHING : birth.handling,
    sequence: state.sequence,
    tasks: NO_TASKS,
    counted: false,
    in_queue: false,
  }
  state.runs.set(run_id, run)
  tallyNew(state, run)
  state.touched.runs.add(run)
  state.touched.born.set(run_id, birth.values)
  joinFlow(state, run.flow_id)
  const broken =
    birth.broken ??
    tooDeep(state.limits, run.depth, run.handling.length > 0) ??
    (state.runs.size > MAX_WITH_STEPS ? TOO_MANY : null)
  if (broken === null) announceTo(state, now, run, birth.values, birth.priority)
  else {
    pin(state, run, birth.priority)
    finish(state, now, run, 'failed', broken)
  }
  return run
}

const TOO_MANY = `full: ${MAX_WITH_STEPS} runs are unfinished`

/** Ties a run to the card that is its job's now; what it was asked for wins over what the card says. */
function pin(state: State, run: Run, priority: number | null): Card | null {
  const hash = state.jobs.get(run.job)
  const card = hash === undefined ? undefined : state.cards.get(hash)
  if (hash === undefined || !card) return null
  state.touched.runs.add(run)
  run.card = hash
  run.lane = card.lane
  run.priority = priority ?? card.priority
  run.deliver = card.deliver
  return card
}

/** Pins a run to its job's card, checks its values by it and queues it; without a card it waits for one. */
export function announceTo(
  state: State,
  now: Now,
  run: Run,
  values: StoredValues,
  priority: number | null,
): void {
  const card = pin(state, run, priority)
  if (!card) return awaitAnnouncement(state, now, run)
  const { secret_names } = state
  const how = { now_ms: now.wall_ms, source: 'carried', secret_names } as const
  const checked = checkParams(card, values.params, how)
  if (checked.kind === 'bad') {
    finish(state, now, run, 'failed', `bad_parameter: ${checked.message}`)
    return
  }
  if (wireBytes(checked.params) > MAX_VALUES_BYTES) {
    finish(state, now, run, 'failed', 'bad_parameter: what it is given is too large for a frame')
    return
  }
  const params = checked.params
  const checkedValues = { params, context: values.context }
  if (state.touched.born.has(run.run_id)) state.touched.born.set(run.run_id, checkedValues)
  else if (!sameValues(params, values.params)) state.touched.revised.set(run.run_id, checkedValues)
  const key = concurrencyKey(card, params, values.context)
  if (key.kind === 'missing') {
    finish(
      state,
      now,
      run,
      'failed',
      `bad_parameter: the concurrency key needs a value for ${key.name}`,
    )
    return
  }
  if (card.expires_ms !== null && run.created_ms + card.expires_ms < now.wall_ms)
    return finish(state, now, run, 'expired', 'its job was announced too late')
  run.concurrency_key = key.key
  if (isRefused(state, card, key.key)) {
    finish(state, now, run, 'failed', 'concurrency: its limit is reached and when_full is refuse')
    return
  }
  replaceOthers(state, now, card, run)
  holdKey(state, run)
  if (card.expires_ms !== null)
    due(state, now, run.created_ms + card.expires_ms, { kind: 'expires', run_id: run.run_id })
  if (run.created_ms + run.delay_ms > now.wall_ms) {
    run.reason = 'delayed'
    due(state, now, run.created_ms + run.delay_ms, { kind: 'delay', run_id: run.run_id })
    noteRun(state, now, run)
  } else queue(state, now, run)
}

/** From waiting to queued. */
export function queue(state: State, now: Now, run: Run): void {
  moveRun(state, run, 'queued')
  run.reason = null
  state.touched.runs.add(run)
  noteRun(state, now, run)
  enqueue(state, run)
}

/** Whether `when_full: refuse` turns a new run of this key away: every unfinished run of the key counts. */
export function isRefused(state: State, card: Card, key: string | null): boolean {
  if (card.concurrency?.when_full !== 'refuse' || key === null) return false
  return (state.keys.get(key)?.runs.size ?? 0) >= card.concurrency.limit
}

/** `job\0key`, so that two jobs never share a limit; null without one. */
export function concurrencyKey(
  card: Card,
  params: Values,
  context: Values,
):
  | { readonly kind: 'key'; readonly key: string | null }
  | { readonly kind: 'missing'; readonly name: string } {
  if (!card.concurrency) return { kind: 'key', key: null }
  const filled = fillText(
    card.concurrency.key ?? '',
    mergeValues(params, context, { job_name: card.job }),
  )
  if (filled.kind === 'missing') return filled
  return { kind: 'key', key: `${card.job}\0${filled.text}` }
}

function awaitAnnouncement(state: State, now: Now, run: Run): void {
  run.reason = 'unannounced'
  const waiting = state.unannounced.get(run.job)
  if (waiting) waiting.add(run)
  else state.unannounced.set(run.job, new Set([run]))
  noteRun(state, now, run)
}

/** `when_full: replace`: the new run takes the place of the oldest ones. */
function replaceOthers(state: State, now: Now, card: Card, run: Run): void {
  if (card.concurrency?.when_full !== 'replace' || run.concurrency_key === null) return
  const others = [...(state.keys.get(run.concurrency_key)?.runs ?? [])].filter(
    (other) => !other.cancel_requested,
  )
  const surplus = others.length - card.concurrency.limit + 1
  for (const other of others.slice(0, Math.max(0, surplus)))
    cancelRun(state, now, other, `replaced by ${run.run_id}`)
}
