/** Lists of runs: newest first by filter, and all of a flow. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { RunView } from '../../common/protocol/answers.ts'
import type { RunFilter } from '../../common/protocol/client-door.ts'
import { cursorOf, numberOf } from '../../common/protocol/cursor.ts'
import { outcomeOfFlow } from '../core/flow-outcome.ts'
import type { Questions } from './history.ts'
import { RUN_COLUMNS } from './run-rows.ts'
import type { RunRow } from './run-rows.ts'
import { UNFINISHED, UNHAPPY } from './schema.ts'
import { ANSWER_BYTES, runView, sizeOf } from './views.ts'
import type { ValuedRunRow } from './views.ts'

/** Runs are looked through this many positions at a time … */
const WINDOW = 65_536
/** … and no longer than this for one answer; its cursor says where to go on. */
const PATIENCE_MS = 250
/** No run has more parameters than this, so no run matches more. */
const MAX_PARAMS = 64
/** A clock that went back may have put a run this much out of order. */
const CLOCK_STEP_MS = 3_600_000

/** An answer may hold fewer runs than `limit` (or none) and still have a `before`: the search goes on from there. */
export function runsAnswer(db: DatabaseSync): Questions['runs'] {
  const newest = db.prepare('SELECT ifnull(max(position), 0) AS position FROM runs')
  const since = db.prepare(
    'SELECT created_ms AS position FROM runs WHERE position >= ? ORDER BY position LIMIT 1',
  )
  return (filter) => {
    if (Object.keys(filter.params ?? {}).length > MAX_PARAMS) return { runs: [], before: null }
    const { where, args } = conditions(filter)
    const select = db.prepare(`SELECT ${RUN_COLUMNS}, params, context FROM runs ${where}
      AND position >= ? AND position < ? ORDER BY position DESC LIMIT ?`)
    const begun = performance.now()
    const page = openPage(filter.limit)
    const end = numberIn(newest) + 1
    let high = Math.min(numberOf(filter.before ?? '') ?? end, end)
    while (high > 1) {
      const low = Math.max(high - WINDOW, 1)
      const rows = select.all(...args, low, high, page.room() + 1) as ValuedRunRow[]
      for (const row of rows) if (!page.add(row)) return page.answer()
      if (filter.since_ms && numberIn(since, low) < filter.since_ms - CLOCK_STEP_MS) break
      high = low
      if (high > 1 && performance.now() - begun > PATIENCE_MS)
        return { ...page.answer(), before: cursorOf(high) }
    }
    return { ...page.answer(), before: null }
  }
}

/** Gathers runs until there are enough of them, or enough bytes. `add` is false for the first that has no room. */
function openPage(limit: number): {
  room(): number
  add(row: ValuedRunRow): boolean
  answer(): { runs: RunView[]; before: string | null }
} {
  const runs: RunView[] = []
  let bytes = 0
  let last = 0
  return {
    room: () => limit - runs.length,
    add: (row) => {
      if (runs.length >= limit || bytes > ANSWER_BYTES) return false
      const view = runView(row)
      runs.push(view)
      bytes += sizeOf(view)
      last = row.position
      return true
    },
    answer: () => ({ runs, before: last === 0 ? null : cursorOf(last) }),
  }
}

const numberIn = (statement: StatementSync, ...args: SQLInputValue[]): number =>
  Number(statement.get(...args)?.['position'])

/**
 * Nobody has dealt with it: it has no retry; and it has no handler, or one that came to nothing, itself and its retries.
 * A handler is an `on_failure` run.
 */
const UNHANDLED = `${UNHAPPY}
  AND NOT EXISTS (SELECT 1 FROM runs AS again INDEXED BY runs_retries WHERE again.retry_of = runs.run_id)
  AND (WITH RECURSIVE handlers (run_id, state) AS (
      SELECT run_id, state FROM runs AS handler INDEXED BY runs_handlers
        WHERE handler.via = 'failure' AND handler.parent_run_id = runs.run_id
      UNION SELECT again.run_id, again.state FROM handlers
        CROSS JOIN runs AS again INDEXED BY runs_retries WHERE again.retry_of = handlers.run_id)
    SELECT count(*) = 0 OR max(state <> 'succeeded' AND NOT EXISTS
      (SELECT 1 FROM runs AS again INDEXED BY runs_retries WHERE again.retry_of = handlers.run_id))
    FROM handlers)`

/** The index is named outright: the choice should not depend on statistics that nobody gathers. */
function conditions(filter: RunFilter): { where: string; args: SQLInputValue[] } {
  const states = filter.state?.split(',').map((state) => state.trim()) ?? null
  const wanted: [string, SQLInputValue[]][] = [
    ['flow_id = ?', given(filter.flow)],
    ['job = ?', given(filter.job)],
    [`state IN (${states?.map(() => '?').join(', ')})`, states ?? []],
    ['created_ms >= ?', given(filter.since_ms)],
    [
      'EXISTS (SELECT 1 FROM tasks WHERE tasks.run_id = runs.run_id AND worker = ?)',
      given(filter.worker),
    ],
    ...Object.entries(filter.params ?? {}).map((pair): [string, SQLInputValue[]] => [
      'EXISTS (SELECT 1 FROM json_each(params) WHERE key = ? AND value = ?)',
      pair,
    ]),
  ]
  const used = wanted.filter(([, values]) => values.length > 0)
  const { index, term } = indexFor(filter, states)
  const unhandled = filter.unhandled ? [UNHANDLED] : []
  const terms = [term, ...used.map(([condition]) => condition), ...unhandled]
  return {
    where: `${index} WHERE ${terms.join(' AND ')}`,
    args: used.flatMap(([, values]) => values),
  }
}

const given = (value: SQLInputValue | undefined): SQLInputValue[] =>
  value === undefined || value === null ? [] : [value]

const UNHAPPY_RUNS = {
  index: 'INDEXED BY runs_unhappy',
  term: UNHAPPY,
  states: ['failed', 'expired'],
}
const PARTIAL = [
  {
    index: 'INDEXED BY runs_unfinished',
    term: UNFINISHED,
    states: ['waiting', 'queued', 'running'],
  },
  UNHAPPY_RUNS,
]

function indexFor(
  filter: RunFilter,
  states: readonly string[] | null,
): { index: string; term: string } {
  if (given(filter.flow).length > 0) return { index: 'INDEXED BY runs_flow', term: 'TRUE' }
  if (filter.unhandled) return UNHAPPY_RUNS
  const partial = PARTIAL.find((group) => states?.every((state) => group.states.includes(state)))
  if (partial !== undefined) return partial
  if (given(filter.job).length > 0) return { index: 'INDEXED BY runs_job', term: 'TRUE' }
  return { index: 'NOT INDEXED', term: 'TRUE' }
}

/** The oldest runs that fit an answer; `omitted` says how many younger ones do not. Its state counts them all. */
export function flowAnswer(db: DatabaseSync): Questions['flow'] {
  const select = db.prepare(
    `SELECT ${RUN_COLUMNS} FROM runs INDEXED BY runs_flow WHERE flow_id = ? ORDER BY position`,
  )
  const values = db.prepare('SELECT params, context FROM runs WHERE position = ?')
  return (flow_id) => {
    const rows = select.all(flow_id) as RunRow[]
    if (rows.length === 0) return null
    const page = openPage(rows.length)
    rows.every((row) => page.add({ ...row, ...values.get(row.position) } as ValuedRunRow))
    const { runs } = page.answer()
    const state = outcomeOfFlow(rows)
    const omitted = rows.length - runs.length
    return {
      flow_id,
      state,
      settled: state !== 'running',
      runs,
      ...(omitted > 0 ? { omitted } : {}),
    }
  }
}
