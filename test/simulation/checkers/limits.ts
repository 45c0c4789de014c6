/**
 * Limits of lanes and of concurrency: whenever a task is leased, no more of them than allowed are leased and running. (An
 * attempt that was given up and comes back running is let in all the same: it runs, whatever a limit says.)
 */
import { hold, type MakeChecker } from '../checker.ts'
import {
  cardOf,
  type Commit,
  type Facts,
  isTaskActive,
  type RunRow,
  type TaskRow,
  tasksOfRun,
} from '../facts.ts'

export const limits: MakeChecker = ({ facts }) => {
  const check = (condition: boolean, what: () => string): void => hold(condition, 'limits', what)
  return {
    name: 'limits',
    committed: (commit) => {
      const leased = commit.tasks.filter((task) =>
        isLeasedAnew(facts.tasks.get(task.task_id), task),
      )
      if (leased.length === 0 || commit.tasks.some((task) => cameBack(facts, task))) return
      const active = activeTasks(facts, commit)
      for (const task of leased) {
        const run = rowOf(facts, commit, task.run_id)
        const card = run && cardOf(facts, run)
        if (!run || !card) continue
        // A run that counts already takes no second place, on however many workers it runs.
        const counts = tasksOfRun(facts, run.run_id).some(isTaskActive)
        const limit = facts.lanes.get(run.lane) ?? Infinity
        const inLane = runsOf(active.filter(({ row }) => row.lane === run.lane))
        check(counts || inLane <= limit, () => `lane ${run.lane} runs ${inLane} of ${limit}`)
        if (!card.concurrency) continue
        const sameKey = active.filter(({ row }) => row.concurrency_key === run.concurrency_key)
        const counted =
          card.concurrency.per === 'all'
            ? runsOf(sameKey)
            : sameKey.filter((one) => one.task.worker === task.worker).length
        check(
          (counts && card.concurrency.per === 'all') || counted <= card.concurrency.limit,
          () => `${run.job}: ${counted} of ${card.concurrency?.limit} at once`,
        )
      }
    },
  }
}

const isLeasedAnew = (before: TaskRow | undefined, task: TaskRow): boolean =>
  isTaskActive(task) && task.attempt > (before?.attempt ?? 0)

/** The same attempt counts again that did not count before. */
function cameBack(facts: Facts, task: TaskRow): boolean {
  const before = facts.tasks.get(task.task_id)
  return before?.attempt === task.attempt && isTaskActive(task) && !isTaskActive(before)
}

const rowOf = (facts: Facts, commit: Commit, run_id: string): RunRow | undefined =>
  commit.runs.find(({ row }) => row.run_id === run_id)?.row ?? facts.runs.get(run_id)

type Active = { readonly task: TaskRow; readonly row: RunRow }

function activeTasks(facts: Facts, commit: Commit): Active[] {
  const tasks = new Map(facts.tasks)
  for (const task of commit.tasks) tasks.set(task.task_id, task)
  return [...tasks.values()].flatMap((task) => {
    const row = isTaskActive(task) ? rowOf(facts, commit, task.run_id) : undefined
    return row ? [{ task, row }] : []
  })
}

const runsOf = (active: readonly Active[]): number =>
  new Set(active.map(({ row }) => row.run_id)).size
