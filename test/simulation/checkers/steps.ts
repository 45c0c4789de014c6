/**
 * An outcome and its next steps are one transaction, once: the commit that ends a run (or a task) holds exactly the runs
 * that its card says, and no other commit holds any.
 */
import type { Card, Step } from '../../../common/definition/card.ts'
import { hold, type MakeChecker } from '../checker.ts'
import { cardOf, type Commit, isRunOver, isTaskOver, type RunRow } from '../facts.ts'

const STEPS_OF: readonly (readonly [via: string, steps: (card: Card) => readonly Step[]])[] = [
  ['success', (card) => card.on_success],
  ['failure', (card) => card.on_failure],
  ['each_success', (card) => card.on_each_success],
  ['each_failure', (card) => card.on_each_failure],
]

export const steps: MakeChecker = ({ facts }) => {
  const check = (condition: boolean, what: () => string): void => hold(condition, 'steps', what)

  /** How often each kind of steps is to be started by this commit for a run. */
  const timesOf = (row: RunRow, commit: Commit): Readonly<Record<string, number>> => {
    const ends = isRunOver(row) && !isRunOver(facts.runs.get(row.run_id))
    const tasks = commit.tasks.filter(
      (task) =>
        task.run_id === row.run_id &&
        isTaskOver(task) &&
        !isTaskOver(facts.tasks.get(task.task_id)),
    )
    return {
      success: ends && row.state === 'succeeded' ? 1 : 0,
      failure: ends && (row.state === 'failed' || row.state === 'expired') ? 1 : 0,
      each_success: tasks.filter(({ state }) => state === 'succeeded').length,
      each_failure: tasks.filter(({ state }) => FAILED.has(state)).length,
    }
  }
  return {
    name: 'steps',
    committed: (commit) => {
      const rows = new Map(commit.runs.map(({ row }) => [row.run_id, row]))
      const born = commit.runs.flatMap(({ row, params }) => (params === null ? [] : [row]))
      const parents = new Set([
        ...rows.keys(),
        ...commit.tasks.map(({ run_id }) => run_id),
        ...born.flatMap(({ parent_run_id }) => parent_run_id ?? []),
      ])
      for (const run_id of parents) {
        const row = rows.get(run_id) ?? facts.runs.get(run_id)
        if (!row) continue
        const card = cardOf(facts, row)
        const times = timesOf(row, commit)
        for (const [via, stepsOf] of STEPS_OF) {
          const wanted = card ? jobsOf(stepsOf(card), row, via) : []
          const all = Array.from({ length: times[via] ?? 0 }, () => wanted).flat()
          const children = born.filter((one) => one.parent_run_id === run_id && one.via === via)
          const found = children.map(({ job }) => job)
          check(
            all.sort().join() === found.sort().join(),
            () =>
              `${row.job} ${run_id} (${row.state}) via ${via}: ${found.join()}, not ${all.join()}`,
          )
        }
      }
    },
  }
}

const FAILED: ReadonlySet<string> = new Set(['failed', 'timed_out', 'lost'])

/** The jobs of the steps, one for each combination of `each`; no handler stands below itself. */
function jobsOf(steps: readonly Step[], row: RunRow, via: string): string[] {
  return steps
    .filter(({ job }) => !via.endsWith('failure') || !row.handling.includes(job))
    .flatMap(({ job, each }) => {
      const count = Object.values(each).reduce((product, values) => product * values.length, 1)
      return Array.from({ length: count }, () => job)
    })
}
