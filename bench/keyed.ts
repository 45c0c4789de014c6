/** What keys cost: the same with and without them, one after the other. */
import type { Figure } from './figure.ts'
import { startLatency } from './latency.ts'
import { noopRate } from './noop-runs.ts'

export async function keyed(): Promise<readonly Figure[]> {
  const open = await noopRate({ keyed: false })
  const closed = await noopRate({ keyed: true })
  const share = closed / open
  const { p50, p99 } = await startLatency({ keyed: true })
  return [
    {
      what: 'durable no-op runs with keys (CURVE, sessions, roles), of those without',
      figure: `${share.toFixed(2)} × (${Math.round(closed)}/s : ${Math.round(open)}/s)`,
      target: 'at least 0.9 ×',
      reached: share >= 0.9,
    },
    {
      what: 'from trigger to start with keys, at 500 triggers/s',
      figure: `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`,
      target: 'under 2 ms and 15 ms',
      reached: p50 < 2 && p99 < 15,
    },
  ]
}
