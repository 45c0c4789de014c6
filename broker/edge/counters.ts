/** What the broker counts for `/metrics`, since it started. */

export type Counters = {
  /** Adds to a counter, by its name. */
  count(name: string, by?: number): void
  totals(): Record<string, number>
}

export function makeCounters(): Counters {
  const totals = new Map<string, number>()
  return {
    count: (name, by = 1) => void totals.set(name, (totals.get(name) ?? 0) + by),
    totals: () => Object.fromEntries(totals),
  }
}
