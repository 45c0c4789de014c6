/**
 * What follows: next steps, retries and late announcements.
 *
 * Each needs values of earlier runs, which only the store has. So a decision notes here what follows from it, the turn
 * looks up what is needed, and the new runs are born in the same turn, in the same transaction as what they follow from.
 */
import type { Step } from '../../common/definition/card.ts'
import { fillText } from '../../common/definition/template.ts'
import { announceTo, bear, type Birth, DEFAULT_PRIORITY, type Parent } from './birth.ts'
import type { Now } from './event.ts'
import { FAILED_TASKS, failureContext } from './finish.ts'
import type { Values } from './records.ts'
import type { Run, State, Task, Via } from './state.ts'
import { agreeingValues, mergeValues, type StoredValues } from './values.ts'

export type Following =
  | {
      readonly kind: 'steps'
      readonly steps: readonly Step[]
      readonly via: Via
      /** null: opened by hand with nobody there; its steps begin a flow. */
      readonly parent: (Parent & Pick<Run, 'job'>) | null
      /** Runs whose parameters the steps start from: those on which all of them agree. */
      readonly values_of: readonly string[]
      readonly output: Values
      /** Built-in values for the steps' own commands. */
      readonly context: Values
      readonly handling: readonly string[]
    }
  | {
      readonly kind: 'again'
      readonly run: Run
      readonly run_id: string
      readonly only_workers: readonly string[] | null
    }
  | { readonly kind: 'announced'; readonly run: Run }

/** The runs whose values the pending follow-ups need. */
export function wantedValues(state: State): string[] {
  const wanted = new Set<string>()
  for (const item of state.following)
    if (item.kind !== 'steps') wanted.add(item.run.run_id)
    else if (item.steps.length > 0) for (const run_id of item.values_of) wanted.add(run_id)
  return [...wanted].filter((run_id) => !valuesInTurn(state, run_id))
}

/** What this turn has given to a run is not in the store yet. */
const valuesInTurn = ({ touched }: State, run_id: string): StoredValues | undefined =>
  touched.born.get(run_id) ?? touched.revised.get(run_id)

/** Follows up what is pending. What is born may pend again: repeat until nothing does (`max_depth` ends it). */
export function follow(state: State, now: Now, stored: ReadonlyMap<string, StoredValues>): void {
  const pending = state.following
  state.following = []
  const valuesOf = (run_id: string): StoredValues =>
    valuesInTurn(state, run_id) ?? stored.get(run_id) ?? { params: {}, context: {} }
  for (const item of pending) {
    if (item.kind === 'steps')
      startSteps(
        state,
        now,
        item,
        item.values_of.map((id) => valuesOf(id).params),
      )
    else if (item.kind === 'again') startAgain(state, now, item, valuesOf(item.run.run_id))
    else if (item.run.finished_ms === null)
      announceTo(state, now, item.run, valuesOf(item.run.run_id), askedPriority(item.run))
  }
}

/** Notes the next steps of one task that is over (`on_each_success`, `on_each_failure`). */
export function followEach(state: State, run: Run, task: Task): void {
  const card = run.card === null ? undefined : state.cards.get(run.card)
  const won = task.state === 'succeeded'
  if (!card || (!won && !FAILED_TASKS.has(task.state))) return
  const steps = won
    ? card.on_each_success
    : card.on_each_failure.filter((step) => !run.handling.includes(step.job))
  if (steps.length === 0) return
  state.following.push({
    kind: 'steps',
    steps,
    via: won ? 'each_success' : 'each_failure',
    parent: run,
    values_of: [run.run_id],
    output: task.output,
    context: won ? {} : failureContext(run, [task]),
    handling: run.handling,
  })
}

/** The priority that a run without a card was asked for; the default is taken for none. */
const askedPriority = ({ priority }: Run): number | null =>
  priority === DEFAULT_PRIORITY ? null : priority

type Steps = Following & { kind: 'steps' }

function startSteps(state: State, now: Now, item: Steps, params: readonly Values[]): void {
  const carried = mergeValues(agreeingValues(params), item.output)
  for (const step of item.steps)
    for (const combination of combinationsOf(step))
      bear(state, now, birthOf(item, step, carried, combination))
}

const HANDLERS: ReadonlySet<Via> = new Set(['failure', 'each_failure'])

/** A step's own parameters are filled from what is carried, and win over it. */
function birthOf(item: Steps, step: Step, carried: Values, combination: Values): Birth {
  const { parent } = item
  const origin: Values = parent
    ? { job_name: parent.job, run_id: parent.run_id, flow_id: parent.flow_id }
    : {}
  const known = mergeValues(carried, item.context, origin)
  const own: Record<string, string> = {}
  let broken: string | null = null
  for (const [name, template] of Object.entries(mergeValues(step.params, combination))) {
    const filled = fillText(template, known)
    if (filled.kind === 'filled') own[name] = filled.text
    else broken = `bad_parameter: ${name} needs a value for ${filled.name}, and nothing carries one`
  }
  return {
    job: step.job,
    values: { params: mergeValues(carried, own), context: item.context },
    via: item.via,
    parent,
    retry_of: null,
    priority: step.priority,
    delay_ms: step.delay_ms,
    only_workers: null,
    handling: HANDLERS.has(item.via) ? [...item.handling, step.job] : [],
    ...(broken === null ? {} : { broken }),
  }
}

/** One set of values per combination of `each`; one empty set without it. */
function combinationsOf({ each }: Step): Values[] {
  let combinations: Record<string, string>[] = [{}]
  for (const [name, values] of Object.entries(each))
    combinations = combinations.flatMap((one) => values.map((value) => ({ ...one, [name]: value })))
  return combinations
}

function startAgain(
  state: State,
  now: Now,
  { run, run_id, only_workers }: Following & { kind: 'again' },
  values: StoredValues,
): void {
  bear(state, now, {
    job: run.job,
    values,
    via: 'retry',
    parent: { ...run, run_id: run.parent_run_id ?? run.run_id, depth: run.depth - 1 },
    retry_of: run.run_id,
    priority: run.priority,
    delay_ms: 0,
    only_workers,
    handling: run.handling,
    run_id,
  })
}
