/**
 * A 2xx means it is on disk, and stays there: every run that was answered is there after each start of the broker and
 * comes to exactly one end; the same request is the same run; what was canceled is `canceled`.
 */
import { hold, type MakeChecker } from '../checker.ts'
import { isRunOver, RUN_ENDS, tasksOfRun } from '../facts.ts'

export const accepted: MakeChecker = ({ facts, world }) => {
  /** `ask` to its run. */
  const runOf = new Map<string, string>()
  const canceled = new Set<string>()
  const ends = new Map<string, number>()
  const check = (condition: boolean, what: () => string): void => hold(condition, 'accepted', what)

  const tasksText = (run_id: string): string =>
    tasksOfRun(facts, run_id)
      .map(({ n, state, attempt, worker }) => `task ${n} ${state} #${attempt} on ${worker}`)
      .join(', ')

  return {
    name: 'accepted',
    triggered: ({ ask, job }, { run_id }) => {
      check(facts.runs.has(run_id), () => `${ask} (${job}) was answered before it was on disk`)
      const before = runOf.get(ask) ?? run_id
      check(before === run_id, () => `${ask} is ${before} and ${run_id}`)
      runOf.set(ask, run_id)
    },
    canceled: (run_id) => {
      check(
        facts.runs.get(run_id)?.cancel_requested === true,
        () => `${run_id}: cancel not on disk`,
      )
      canceled.add(run_id)
    },
    loaded: () => {
      for (const [ask, run_id] of runOf)
        check(
          isRunOver(facts.runs.get(run_id)) || world.broker.state().runs.has(run_id),
          () => `${ask} is ${run_id}, which a broker that started does not know`,
        )
    },
    committed: ({ feed }) => {
      for (const { run_id, state } of feed)
        if (run_id !== undefined && RUN_ENDS.has(state ?? ''))
          ends.set(run_id, (ends.get(run_id) ?? 0) + 1)
    },
    over: () => {
      for (const row of facts.runs.values()) {
        const { run_id, job, state, reason } = row
        check(
          isRunOver(row),
          () => `${job} ${run_id} hangs: ${state}, ${reason ?? 'no reason'}; ${tasksText(run_id)}`,
        )
        check(ends.get(run_id) === 1, () => `${job} ${run_id} ended ${ends.get(run_id) ?? 0} times`)
      }
      for (const [ask, run_id] of runOf) check(facts.runs.has(run_id), () => `${ask} is lost`)
      for (const run_id of canceled) {
        const state = facts.runs.get(run_id)?.state
        check(state === 'canceled', () => `${run_id} was canceled, and is ${state}`)
      }
      const made = new Map<string, string>()
      for (const { run_id, via } of facts.runs.values()) {
        const ask = via === 'trigger' ? facts.params.get(run_id)?.['ask'] : undefined
        if (ask === undefined) continue
        check(!made.has(ask), () => `${ask} made two runs: ${made.get(ask)} and ${run_id}`)
        made.set(ask, run_id)
      }
    },
  }
}
