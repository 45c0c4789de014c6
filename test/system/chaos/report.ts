/** What a chaos run came to, as a table in Markdown. */
import type { History, Violation } from './history.ts'
import type { Tally } from './faults.ts'
import type { Recoveries } from './recovery.ts'

export type Outcome = {
  readonly seed: number
  readonly minutes: number
  readonly tally: Tally
  readonly history: History
  readonly violations: readonly Violation[]
  readonly recoveries: Recoveries
  readonly settle_s: number
  readonly crashes: readonly string[]
}

export function report(outcome: Outcome): string {
  const { tally, history, violations, recoveries } = outcome
  const count = (kind: Violation['kind']): number =>
    violations.filter((one) => one.kind === kind).length
  const begins = history.lines.filter(({ what }) => what === 'begin').length
  const faults = [...tally.faults.values()].reduce((sum, n) => sum + n, 0)
  const facts: [string, string | number][] = [
    ['seed', outcome.seed],
    ['minutes of faults', outcome.minutes.toFixed(1)],
    ['faults', faults],
    ['of them kills', tally.kills],
    ['triggers answered', history.requests.filter(({ answers }) => answers.length > 0).length],
    ['runs checked', history.runs.size],
    ['commands begun', begins],
    ['runs by state', byState(history)],
    ['lost', count('lost')],
    ['doubled', count('doubled')],
    ['hanging', count('hanging')],
    ['wrong otherwise', count('wrong')],
    ['daemons that ended unasked', outcome.crashes.length],
    ['settled after the last fault', `${outcome.settle_s.toFixed(1)} s`],
  ]
  const rows = [...tally.faults]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, n]) => [name, n, ...figures(recoveries.took.get(name))])
  const detected = detections(outcome).map(([name, times]) => [
    name,
    times.length,
    ...figures(times),
  ])
  return [
    table(['', ''], facts),
    table(['fault', 'times', 'works again, p50', 'max'], rows),
    table(['detected', 'times', 'after, p50', 'max'], detected),
  ].join('\n\n')
}

function byState({ runs }: History): string {
  const counts = new Map<string, number>()
  for (const { state } of runs.values()) counts.set(state, (counts.get(state) ?? 0) + 1)
  return [...counts].map(([state, n]) => `${n} ${state}`).join(', ')
}

/** From the fault to the moment at which jobz wrote down what it did to an attempt. */
function detections({ tally, history }: Outcome): [string, number[]][] {
  const killed: number[] = []
  const lost: number[] = []
  for (const run of history.runs.values())
    for (const { task_id, attempts } of run.tasks ?? [])
      for (const { attempt, worker, state, reason, finished_at } of attempts) {
        const at_ms = Date.parse(finished_at ?? '')
        const killed_ms = tally.killed_ms.get(`${task_id}#${attempt}`)
        if (killed_ms !== undefined && reason === 'killed') killed.push(at_ms - killed_ms)
        const stop = tally.silences.find(
          ({ worker: name, from_ms, to_ms }) => name === worker && at_ms > from_ms && at_ms < to_ms,
        )
        if (state === 'lost' && stop) lost.push(at_ms - stop.from_ms)
      }
  return [
    ['a command whose keeper was killed', killed],
    ['a lease that ran out (30 s)', lost],
  ]
}

function figures(times: readonly number[] | undefined): [string, string] {
  const sorted = (times ?? []).toSorted((a, b) => a - b)
  const middle = sorted[Math.floor(sorted.length / 2)]
  const last = sorted.at(-1)
  return [seconds(middle), seconds(last)]
}

const seconds = (ms: number | undefined): string =>
  ms === undefined ? '–' : `${(ms / 1000).toFixed(2)} s`

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
