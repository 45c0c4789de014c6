/** Rows of gates and arrivals, and the gates they stand for. Writer and reader share these. */
import type { Arrival, Gate } from '../core/state.ts'

export type GateRow = {
  semaphore: string
  key: string
  generation: number
  opened_ms: number | null
  opened_by: string | null
  since_ms: number
  timeout_at_ms: number | null
  failed: number
  late: number
}

export type ArrivalRow = {
  semaphore: string
  key: string | null
  missing: string | null
  generation: number
  run_id: string
  flow_id: string
  member: number
  distinguished: string | null
  at_ms: number
  depth: number
  late: number
}

/** `arrivals` are those of the gate's generation that were in time, in the order in which they came. */
export function gateOfRow(row: GateRow, arrivals: readonly ArrivalRow[]): Gate {
  return { ...row, failed: row.failed !== 0, arrivals: standing(arrivals) }
}

/** A repeated `distinct` value takes its earlier one's place; without one, each run stands for itself. */
export function standing(arrivals: readonly ArrivalRow[]): Map<string, Arrival> {
  const byRun = new Map<string, Arrival>()
  const byValue = new Map<string, string>()
  for (const { run_id, flow_id, member, distinguished, at_ms, depth } of arrivals) {
    if (distinguished !== null) {
      const place = `${member}\0${distinguished}`
      byRun.delete(byValue.get(place) ?? '')
      byValue.set(place, run_id)
    }
    byRun.set(run_id, { run_id, flow_id, member, distinct: distinguished, at_ms, depth })
  }
  return byRun
}
