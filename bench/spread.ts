/** How measured times are spread, and how they are shown. */
import type { Figure } from './figure.ts'

export type Spread = {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export function spreadOf(times: readonly number[]): Spread {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? Number.NaN }
}

const ms = (value: number): string => value.toFixed(1)

/** A figure whose p99 is to stay under a limit; without one it is only told. */
export function spreadFigure(
  what: string,
  { p50, p99, max }: Spread,
  limit_ms: number | null,
): Figure {
  return {
    what,
    figure: `p50 ${ms(p50)} p99 ${ms(p99)} max ${ms(max)} ms`,
    target: limit_ms === null ? '(no target)' : `p99 under ${limit_ms} ms`,
    reached: limit_ms === null || p99 < limit_ms,
  }
}

/** A figure that is only told. */
export const toldFigure = (what: string, figure: string, target = '(no target)'): Figure => ({
  what,
  figure,
  target,
  reached: true,
})

/** Milliseconds that it took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** How long it takes to ask for something, one time after another. */
export async function timedTimes(times: number, work: () => Promise<unknown>): Promise<Spread> {
  const all: number[] = []
  for (let n = 0; n < times; n++) all.push(await timed(work))
  return spreadOf(all)
}

/** A number of things at a scale: `--scale 0.01` tries a benchmark out, and measures nothing. */
export const scaled = (full: number, scale: number, least = 1): number =>
  Math.max(least, Math.round(full * scale))

export const pause = (ms_long: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, ms_long))

/** Looks until something is so; gives up loudly. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  limit_ms = 120_000,
): Promise<void> {
  const end = performance.now() + limit_ms
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${limit_ms / 1000} s`)
    await pause(20)
  }
}
