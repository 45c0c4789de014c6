/** What a decision asks the store for before it is made. One prepared statement per key: each is a few microseconds. */
import type { DatabaseSync } from 'node:sqlite'
import type { RequestRecord, Values } from '../core/records.ts'
import type { StoredValues } from '../core/values.ts'
import { gateId } from '../core/state.ts'
import { gateOfRow } from './gate-rows.ts'
import type { ArrivalRow, GateRow } from './gate-rows.ts'
import { ARRIVALS_IN_TIME } from './load.ts'
import { joinTasks, RUN_COLUMNS } from './run-rows.ts'
import type { RunRow, TaskRow } from './run-rows.ts'
import type { Store } from './store.ts'
import type { ValuesCache } from './values-cache.ts'

export function valuesLookUp(db: DatabaseSync, cache: ValuesCache): Store['values'] {
  const select = db.prepare('SELECT params, context FROM runs WHERE run_id = ?')
  const read = (run_id: string): StoredValues | null => {
    const row = select.get(run_id) as { params: string; context: string } | undefined
    if (row === undefined) return null
    const values = {
      params: JSON.parse(row.params) as Values,
      context: JSON.parse(row.context) as Values,
    }
    cache.set(run_id, values, row.params.length + row.context.length)
    return values
  }
  return (run_ids) => {
    const found = new Map<string, StoredValues>()
    for (const run_id of run_ids) {
      const values = cache.get(run_id) ?? read(run_id)
      if (values !== null) found.set(run_id, values)
    }
    return found
  }
}

export function requestLookUp(db: DatabaseSync): Store['requests'] {
  const select = db.prepare('SELECT run_id, at_ms FROM requests WHERE request_id = ? AND job = ?')
  return (keys) => {
    const found = new Map<string, RequestRecord>()
    for (const { job, request_id } of keys) {
      const row = select.get(request_id, job) as { run_id: string; at_ms: number } | undefined
      if (row !== undefined) found.set(`${job}\0${request_id}`, { job, request_id, ...row })
    }
    return found
  }
}

export function runLookUp(db: DatabaseSync): Store['runs'] {
  const select = db.prepare(`SELECT ${RUN_COLUMNS} FROM runs WHERE run_id = ?`)
  const tasksOf = db.prepare('SELECT * FROM tasks WHERE run_id = ? ORDER BY n')
  return (run_ids) => {
    const runs: RunRow[] = []
    const tasks: TaskRow[] = []
    for (const run_id of new Set(run_ids)) {
      const row = select.get(run_id) as RunRow | undefined
      if (row === undefined) continue
      runs.push(row)
      for (const task of tasksOf.all(run_id) as TaskRow[]) tasks.push(task)
    }
    return joinTasks(runs, tasks)
  }
}

export function flowLookUp(db: DatabaseSync): Store['flow'] {
  const select = db.prepare(
    `SELECT ${RUN_COLUMNS} FROM runs INDEXED BY runs_flow WHERE flow_id = ? ORDER BY position`,
  )
  const tasksOf = db.prepare(
    `SELECT tasks.* FROM (SELECT run_id FROM runs INDEXED BY runs_flow WHERE flow_id = ?) AS members
      CROSS JOIN tasks ON tasks.run_id = members.run_id ORDER BY tasks.run_id, tasks.n`,
  )
  return (flow_id) => [
    ...joinTasks(select.all(flow_id) as RunRow[], tasksOf.all(flow_id) as TaskRow[]).values(),
  ]
}

export function gateLookUp(db: DatabaseSync): Store['gates'] {
  const select = db.prepare('SELECT * FROM gates WHERE semaphore = ? AND key = ?')
  const arrivalsOf = db.prepare(ARRIVALS_IN_TIME)
  return (keys) => {
    const found: ReturnType<Store['gates']> = new Map()
    for (const { semaphore, key } of keys) {
      const row = select.get(semaphore, key) as GateRow | undefined
      if (row === undefined) continue
      const arrivals = arrivalsOf.all(semaphore, key, row.generation) as ArrivalRow[]
      found.set(gateId(semaphore, key), gateOfRow(row, arrivals))
    }
    return found
  }
}

/** Arrivals without a key do not count: the run may still arrive once its key can be formed. */
export function arrivedLookUp(db: DatabaseSync): Store['arrived'] {
  const select = db.prepare(
    'SELECT 1 FROM arrivals WHERE run_id = ? AND semaphore = ? AND key IS NOT NULL LIMIT 1',
  )
  return (pairs) =>
    new Set(
      pairs
        .filter(({ semaphore, run_id }) => select.get(run_id, semaphore) !== undefined)
        .map(({ semaphore, run_id }) => `${semaphore}\0${run_id}`),
    )
}

export function retriedLookUp(db: DatabaseSync): Store['retried'] {
  const select = db.prepare('SELECT 1 FROM runs INDEXED BY runs_retries WHERE retry_of = ? LIMIT 1')
  return (run_ids) => new Set(run_ids.filter((run_id) => select.get(run_id) !== undefined))
}
