/** What many histories come to together: how much was checked, what befell it, and how far the checkers could see. */
import type { Told } from './story.ts'

export type Tally = {
  seeds: number
  runs: number
  commands: number
  longest_calm_ms: number
  readonly faults: Map<string, number>
  /** Ends that runs and tasks came to, and ways in which runs were made. */
  readonly seen: Map<string, number>
  readonly violations: Pick<Told, 'seed' | 'violation'>[]
}

export const emptyTally = (): Tally => ({
  seeds: 0,
  runs: 0,
  commands: 0,
  longest_calm_ms: 0,
  faults: new Map(),
  seen: new Map(),
  violations: [],
})

export function addStory(tally: Tally, told: Told): void {
  tally.seeds += 1
  tally.runs += told.runs
  tally.commands += told.executions
  tally.longest_calm_ms = Math.max(tally.longest_calm_ms, told.calm_ms)
  addCounts(tally.faults, told.faults)
  addCounts(tally.seen, told.seen)
  if (told.violation !== null) tally.violations.push({ seed: told.seed, violation: told.violation })
}

function addCounts(to: Map<string, number>, more: ReadonlyMap<string, number>): void {
  for (const [what, count] of more) to.set(what, (to.get(what) ?? 0) + count)
}

/** For people, and for docs/RELIABILITY.md. */
export function tallyText(tally: Tally, took_s: number): string {
  const { faults, seen, violations } = tally
  const injected = [...faults.values()].reduce((sum, count) => sum + count, 0)
  return [
    `${tally.seeds} histories in ${took_s.toFixed(0)} s`,
    `${tally.runs} runs checked, ${tally.commands} commands begun`,
    `${injected} faults injected: ${listText(faults)}`,
    `seen: ${listText(seen)}`,
    `longest from the last fault to the end of everything: ${(tally.longest_calm_ms / 1000).toFixed(0)} s of simulated time`,
    `${violations.length} violations`,
    ...violations.map(({ seed, violation }) => `  seed ${seed}: ${violation?.split('\n')[0]}`),
  ].join('\n')
}

const listText = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([what, count]) => `${what} ${count}`)
    .join(', ')
