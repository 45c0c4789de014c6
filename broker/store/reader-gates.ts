/** Gates of a semaphore that are open, and arrivals that found none. Gates that still gather are in memory. */
import type { DatabaseSync } from 'node:sqlite'
import type { Semaphore } from '../../common/definition/card.ts'
import type { GateView } from '../../common/protocol/answers.ts'
import type { Arrival } from '../core/state.ts'
import { ARRIVALS_SHOWN } from '../core/view-gates.ts'
import { standing } from './gate-rows.ts'
import type { ArrivalRow, GateRow } from './gate-rows.ts'
import type { Questions } from './history.ts'
import { ARRIVALS_IN_TIME } from './load.ts'
import { ANSWER_BYTES, isoOf, isoOrNull, sizeOf } from './views.ts'

type Unkeyed = { readonly run_id: string; readonly missing: string | null; readonly at_ms: number }

/** Arrivals that one answer looks at, some 100 ms: a gate may have as many. */
const ARRIVALS_LOOKED_AT = 100_000

/** Newest first, at most `limit` of each kind, and no more gates than an answer holds. */
export function openGatesAnswer(db: DatabaseSync): Questions['openGates'] {
  const definitionOf = db.prepare('SELECT definition FROM semaphores WHERE name = ?')
  const gatesOf = db.prepare(`SELECT * FROM gates INDEXED BY gates_open
    WHERE semaphore = ? AND opened_ms IS NOT NULL ORDER BY opened_ms DESC LIMIT ?`)
  const arrivalsOf = db.prepare(ARRIVALS_IN_TIME)
  const unkeyedOf = db.prepare(`SELECT run_id, missing, at_ms FROM arrivals
    INDEXED BY arrivals_gate WHERE semaphore = ? AND key IS NULL ORDER BY position DESC LIMIT ?`)
  return (semaphore, limit) => {
    const row = definitionOf.get(semaphore) as { definition: string } | undefined
    const members = row === undefined ? [] : (JSON.parse(row.definition) as Semaphore).wait_for
    const gates: GateView[] = []
    let bytes = 0
    let looked_at = 0
    for (const gate of gatesOf.all(semaphore, limit) as GateRow[]) {
      const arrivals = arrivalsOf.all(semaphore, gate.key, gate.generation) as ArrivalRow[]
      const view = gateView(gate, [...standing(arrivals).values()], members)
      bytes += sizeOf(view)
      looked_at += arrivals.length
      if (bytes > ANSWER_BYTES || looked_at > ARRIVALS_LOOKED_AT) break
      gates.push(view)
    }
    const unkeyed = (unkeyedOf.all(semaphore, limit) as Unkeyed[]).map(({ at_ms, ...same }) => ({
      ...same,
      at: isoOf(at_ms),
    }))
    return { gates, unkeyed }
  }
}

function gateView(
  gate: GateRow,
  arrivals: readonly Arrival[],
  members: Semaphore['wait_for'],
): GateView {
  return {
    key: gate.key,
    generation: gate.generation,
    state: gate.opened_ms === null ? 'gathering' : 'open',
    since: isoOf(gate.since_ms),
    opened_at: isoOrNull(gate.opened_ms),
    arrived_count: arrivals.length,
    arrived: arrivals.slice(-ARRIVALS_SHOWN).map((arrival) => ({
      job: members[arrival.member]?.job ?? '',
      distinct: arrival.distinct,
      run_id: arrival.run_id,
      at: isoOf(arrival.at_ms),
    })),
    // A gate that opened by itself had all of them; what it keeps of old arrivals is less.
    missing: gate.opened_by === null ? [] : missing(arrivals, members),
    late: gate.late,
  }
}

/** Members that had not (all) arrived: the gate was opened by hand. */
function missing(
  arrivals: readonly Arrival[],
  members: Semaphore['wait_for'],
): GateView['missing'] {
  return members
    .map(({ job, count }, member) => ({
      job,
      count: count - arrivals.filter((arrival) => arrival.member === member).length,
    }))
    .filter(({ count }) => count > 0)
}
