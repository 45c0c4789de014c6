/** What a starting broker takes into memory: everything that is alive, and nothing that is over. */
import type { DatabaseSync } from 'node:sqlite'
import type { z } from 'zod'
import { Card, Semaphore } from '../../common/definition/card.ts'
import type { Alive } from '../core/load.ts'
import type { CardRecord, SemaphoreRecord } from '../core/records.ts'
import type { Gate, Run, Worker } from '../core/state.ts'
import { gateOfRow } from './gate-rows.ts'
import type { ArrivalRow, GateRow } from './gate-rows.ts'
import { joinTasks, RUN_COLUMNS } from './run-rows.ts'
import type { RunRow, TaskRow } from './run-rows.ts'
import { loadOutcomes } from './load-outcomes.ts'
import { UNFINISHED } from './schema.ts'

export function loadAlive(db: DatabaseSync): Alive {
  const head = db.prepare('SELECT max(last_n) AS n FROM feed').get() as { n: number | null }
  const semaphores = loadSemaphores(db)
  return {
    feed_head: head.n ?? 0,
    cards: loadCards(db),
    lanes: rows<Alive['lanes'][number]>(db, 'SELECT lane, max AS "limit" FROM lanes ORDER BY lane'),
    workers: loadWorkers(db),
    semaphores,
    runs: loadRuns(db),
    gates: loadGates(db),
    outcomes: loadOutcomes(db, semaphores),
  }
}

/** Plain objects: node:sqlite's own have no prototype, which would make equal things unequal to tests. */
const rows = <T extends object>(db: DatabaseSync, query: string): T[] =>
  (db.prepare(query).all() as T[]).map((row) => ({ ...row }))

/**
 * What another version of jobz wrote: fields that came later get their defaults. What only a later version can read stays as
 * it is, because a broker that does not start helps nobody.
 */
function readAs<T>(schema: z.ZodType<T>, text: string): T {
  const written = JSON.parse(text) as T
  const parsed = schema.safeParse(written)
  return parsed.success ? parsed.data : written
}

function loadCards(db: DatabaseSync): CardRecord[] {
  type Row = { hash: string; card: string; first_seen_ms: number }
  return rows<Row>(db, 'SELECT hash, card, first_seen_ms FROM cards ORDER BY position').map(
    (row) => ({ ...row, card: readAs(Card, row.card) }),
  )
}

type WorkerRow = Pick<
  Worker,
  'name' | 'instance' | 'version' | 'slots' | 'reload_error' | 'last_heard_ms'
> & { jobs: string; draining: number; handing_over: number }

function loadWorkers(db: DatabaseSync): Worker[] {
  return rows<WorkerRow>(db, 'SELECT * FROM workers ORDER BY name').map((row) => ({
    ...row,
    jobs: new Map(JSON.parse(row.jobs) as [string, string][]),
    draining: row.draining !== 0,
    handing_over: row.handing_over !== 0,
    session: null,
    credit: 0,
    given: 0,
    lease_until_ms: 0,
    away_at_ms: 0,
    watched: new Set(),
    holds: new Map(),
    waiting: new Set(),
  }))
}

function loadSemaphores(db: DatabaseSync): SemaphoreRecord[] {
  type Row = { name: string; definition: string; place: number }
  return rows<Row>(db, 'SELECT * FROM semaphores ORDER BY name').map((row) => ({
    ...row,
    definition: readAs(Semaphore, row.definition),
  }))
}

function loadRuns(db: DatabaseSync): Run[] {
  const runs = db.prepare(
    `SELECT ${RUN_COLUMNS} FROM runs INDEXED BY runs_unfinished WHERE ${UNFINISHED}
      ORDER BY sequence, position`,
  )
  const tasks = db.prepare(
    `SELECT tasks.* FROM
      (SELECT run_id FROM runs INDEXED BY runs_unfinished WHERE ${UNFINISHED}) AS alive
      CROSS JOIN tasks ON tasks.run_id = alive.run_id ORDER BY tasks.run_id, tasks.n`,
  )
  return [...joinTasks(runs.all() as RunRow[], tasks.all() as TaskRow[]).values()]
}

function loadGates(db: DatabaseSync): Gate[] {
  const gates = rows<GateRow>(
    db,
    'SELECT * FROM gates INDEXED BY gates_gathering WHERE opened_ms IS NULL ORDER BY since_ms, semaphore, key',
  )
  const arrivalsOf = db.prepare(ARRIVALS_IN_TIME)
  return gates.map((row) =>
    gateOfRow(row, arrivalsOf.all(row.semaphore, row.key, row.generation) as ArrivalRow[]),
  )
}

/** By semaphore, key and generation, in the order in which they came. */
export const ARRIVALS_IN_TIME = `SELECT semaphore, key, missing, generation, run_id, flow_id, member,
  distinguished, at_ms, depth, late FROM arrivals
  WHERE semaphore = ? AND key = ? AND generation = ? AND late = 0 ORDER BY position`
