/**
 * Commands: each attempt begins at most once, on the worker that has its lease, and never before the lease is on disk; a
 * job with `on_lost: fail` and no retries never runs twice; no host runs more than its slots.
 */
import { hold, type MakeChecker } from '../checker.ts'
import { cardOf } from '../facts.ts'

export const commands: MakeChecker = ({ facts, executions }) => {
  const check = (condition: boolean, what: () => string): void => hold(condition, 'commands', what)
  /** Task to how often its command began. */
  const begun = new Map<string, number>()
  return {
    name: 'commands',
    began: (execution, slots, running) => {
      const { key, task_id, run_id, attempt, host } = execution
      check(!executions.has(key), () => `${key} began twice`)
      const leased = facts.tasks.get(task_id)?.attempts.find((one) => one.attempt === attempt)
      check(leased !== undefined, () => `${key} began before its lease was on disk`)
      check(leased?.worker === host, () => `${key} began on ${host}, leased to ${leased?.worker}`)
      check(running <= slots, () => `${host} runs ${running} commands in ${slots} slots`)
      begun.set(task_id, (begun.get(task_id) ?? 0) + 1)
      const run = facts.runs.get(run_id)
      const card = run && cardOf(facts, run)
      if (card?.on_lost === 'fail' && card.retries.limit === 0)
        check(begun.get(task_id) === 1, () => `${execution.job} ${task_id} began twice`)
    },
  }
}
