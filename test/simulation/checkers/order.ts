/** Order: of runs that can start under the same conditions, the lower priority number starts first, then who came first. */
import { hold, type MakeChecker } from '../checker.ts'
import { cardOf, type RunRow } from '../facts.ts'

export const order: MakeChecker = ({ facts }) => {
  const queued = new Map<string, RunRow>()
  return {
    name: 'order',
    committed: (commit) => {
      const started: RunRow[] = []
      for (const { row } of commit.runs) {
        const was = queued.get(row.run_id) ?? (facts.runs.has(row.run_id) ? undefined : row)
        queued.delete(row.run_id)
        if (row.state === 'queued') queued.set(row.run_id, row)
        if (row.state === 'running' && was) started.push(row)
      }
      for (const row of started) {
        if (cardOf(facts, row)?.concurrency) continue
        for (const other of queued.values())
          hold(
            conditions(other) !== conditions(row) || isBefore(row, other),
            'order',
            () => `${row.job} ${row.run_id} started before ${other.run_id}`,
          )
      }
    },
  }
}

const conditions = ({ lane, card, only_workers }: RunRow): string =>
  `${lane} ${card} ${only_workers?.join() ?? ''}`

const isBefore = (a: RunRow, b: RunRow): boolean =>
  a.priority === b.priority ? a.sequence < b.sequence : a.priority < b.priority
