/**
 * What the broker shows of runs, with what is secret of them hidden. The store has the true values, and so has every
 * decision: only what leaves as an answer passes here.
 */
import {
  hideIn,
  hideValues,
  secretValuesOf,
  withoutSecrets,
} from '../../common/definition/secrets.ts'
import type { ExplainView, FeedEntry, RunView, TaskView } from '../../common/protocol/answers.ts'

type Names = ReadonlySet<string>
type Secrets = readonly string[]

export function hideRun(names: Names, run: RunView): RunView {
  if (names.size === 0) return run
  const secrets = secretsOf(names, run)
  return {
    ...run,
    params: hideValues(run.params, names, secrets),
    reason: hideInOrNull(run.reason, secrets),
    message: hideInOrNull(run.message, secrets),
    context: hideValues(run.context, names, secrets),
    ...(run.tasks ? { tasks: run.tasks.map((task) => hideTask(names, secrets, task)) } : {}),
  }
}

function hideTask(names: Names, secrets: Secrets, task: TaskView): TaskView {
  return {
    ...task,
    reason: hideInOrNull(task.reason, secrets),
    output: hideValues(task.output, names, secrets),
    attempts: task.attempts.map((attempt) => ({
      ...attempt,
      reason: hideInOrNull(attempt.reason, secrets),
    })),
  }
}

/** Of the explanation of this run. */
export function hideExplanation(names: Names, run: RunView, view: ExplainView): ExplainView {
  const secrets = secretsOf(names, run)
  const hide = (text: string): string => hideIn(text, secrets)
  return {
    ...view,
    summary: hide(view.summary),
    details: view.details.map(hide),
    hints: view.hints.map(hide),
  }
}

/**
 * Secrets are left out of the feed, not hidden: what forms a key of its values must find none, and say so, instead of
 * making one gate of all that are hidden.
 */
export function hideEntry(names: Names, entry: FeedEntry): FeedEntry {
  const { params, output, reason } = entry
  if (names.size === 0 || params === undefined || output === undefined) return entry
  const secrets = secretValuesOf(names, params, output)
  return {
    ...entry,
    params: withoutSecrets(params, names, secrets),
    output: withoutSecrets(output, names, secrets),
    ...(reason === undefined ? {} : { reason: hideIn(reason, secrets) }),
  }
}

/** A run is found by what is shown of it: a filter that matches what is hidden would tell of it. */
export const showsParams = (run: RunView, wanted: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([name, value]) => run.params[name] === value)

/** What its commands gave out under a secret name is as secret as what it was started with. */
const secretsOf = (names: Names, run: RunView): string[] =>
  secretValuesOf(names, run.params, ...(run.tasks ?? []).map((task) => task.output))

const hideInOrNull = (text: string | null, secrets: Secrets): string | null =>
  text === null ? null : hideIn(text, secrets)
