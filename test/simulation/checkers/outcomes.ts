/**
 * One accepted outcome per task: what is over stays as it is, runs and tasks go only the ways that are drawn in the
 * design, attempts only grow, and an outcome is the one that the attempt's command really came to.
 */
import { type Execution, hold, type MakeChecker } from '../checker.ts'
import { cardOf, type Commit, type Facts, isTaskOver, type RunRow, type TaskRow } from '../facts.ts'

const check = (condition: boolean, what: () => string): void => hold(condition, 'outcomes', what)

export const outcomes: MakeChecker = ({ facts, executions }) => ({
  name: 'outcomes',
  committed: (commit: Commit) => {
    for (const { row } of commit.runs) checkRun(facts.runs.get(row.run_id), row)
    for (const row of commit.tasks) {
      const before = facts.tasks.get(row.task_id)
      checkTask(before, row)
      if (!isTaskOver(before) && isTaskOver(row))
        checkOutcome(facts, row, executions.get(`${row.task_id}#${row.attempt}`))
    }
  },
  over: () => {
    for (const row of facts.runs.values())
      check(row.finished_ms !== null, () => `${row.run_id} is over and has no time of its end`)
  },
})

/** Which state may follow which. */
const RUN_WAYS: Readonly<Record<string, readonly string[]>> = {
  new: ['waiting', 'queued', 'running', 'succeeded', 'failed', 'canceled', 'expired'],
  waiting: ['waiting', 'queued', 'running', 'failed', 'canceled', 'expired'],
  queued: ['queued', 'running', 'succeeded', 'failed', 'canceled', 'expired'],
  running: ['running', 'succeeded', 'failed', 'canceled'],
}

function checkRun(before: RunRow | undefined, row: RunRow): void {
  const was = before?.state ?? 'new'
  const ways = RUN_WAYS[was] ?? [was]
  check(
    ways.includes(row.state),
    () => `${row.run_id} (${row.job}) went from ${was} to ${row.state}`,
  )
  if (before) check(before.flow_id === row.flow_id, () => `${row.run_id} changed its flow`)
}

function checkTask(before: TaskRow | undefined, row: TaskRow): void {
  const { task_id, attempt, attempts } = row
  const numbers = attempts.map((one) => one.attempt)
  check(
    numbers.every((number, at) => number === at + 1),
    () => `${task_id} has attempts ${numbers.join()}`,
  )
  if (!before) return
  check(attempt >= before.attempt, () => `${task_id}: attempt ${before.attempt}, then ${attempt}`)
  if (!isTaskOver(before)) return
  const same = (one: TaskRow): string =>
    JSON.stringify([one.state, one.attempt, one.exit_code, one.signal, one.output, one.worker])
  check(same(before) === same(row), () => `${task_id} was ${same(before)}, and is ${same(row)}`)
}

function checkOutcome(facts: Facts, row: TaskRow, execution: Execution | undefined): void {
  const { task_id, attempt, state, exit_code } = row
  const what = `${task_id}#${attempt} is ${state} with code ${exit_code}`
  if (state === 'succeeded' || (state === 'failed' && exit_code !== null)) {
    check(typeof execution?.ended_ms === 'number', () => `${what}, and its command has not ended`)
    check(execution?.exit_code === exit_code, () => `${what}, not ${execution?.exit_code}`)
    check((state === 'succeeded') === (exit_code === 0), () => what)
  }
  const run = facts.runs.get(row.run_id)
  const timeout_ms = run && cardOf(facts, run)?.timeout_ms
  if (state !== 'timed_out') return
  check(typeof timeout_ms === 'number', () => `${what}, and its job has no timeout`)
  const took_ms = (execution?.ended_ms ?? 0) - (execution?.begun_ms ?? 0)
  check(took_ms >= (timeout_ms ?? 0), () => `${what} after ${took_ms} ms`)
}
