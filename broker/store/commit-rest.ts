/** The parts of a transaction that are rarer than runs: what workers announce, semaphores, refusals, and the feed. */
import type { DatabaseSync } from 'node:sqlite'
import type { Writer } from './commit-runs.ts'

/** The feed is kept this long, whoever is behind. */
const FEED_KEPT_MS = 7 * 24 * 3600 * 1000
/** Old rows leave a few at a time, so that no transaction pays for a week. */
const DROPPED_AT_ONCE = 8
/** The list of refusals holds the newest ones only. */
const REFUSALS_KEPT = 10_000

/** The transaction's entries are one row: their number is bounded by the transaction's. */
export function feedWriter(db: DatabaseSync): Writer {
  const insert = db.prepare(
    'INSERT INTO feed (last_n, first_n, at_ms, entries) VALUES (?, ?, ?, ?)',
  )
  const dropOld = db.prepare(`DELETE FROM feed WHERE last_n IN
    (SELECT last_n FROM (SELECT last_n, at_ms FROM feed ORDER BY last_n LIMIT ${DROPPED_AT_ONCE})
      WHERE at_ms < ?)`)
  return ({ feed }) => {
    const first = feed[0]
    const last = feed.at(-1)
    if (first === undefined || last === undefined) return
    insert.run(last.n, first.n, last.at_ms, JSON.stringify(feed))
    dropOld.run(last.at_ms - FEED_KEPT_MS)
  }
}

export function cardWriter(db: DatabaseSync): Writer {
  const insert = db.prepare(
    'INSERT OR IGNORE INTO cards (hash, card, first_seen_ms) VALUES (?, ?, ?)',
  )
  const drop = db.prepare('DELETE FROM cards WHERE hash = ?')
  const setLane = db.prepare('INSERT OR REPLACE INTO lanes (lane, max) VALUES (?, ?)')
  return ({ cards, dropped_cards, lanes }) => {
    for (const hash of dropped_cards) drop.run(hash)
    for (const { hash, card, first_seen_ms } of cards)
      insert.run(hash, JSON.stringify(card), first_seen_ms)
    for (const { lane, limit } of lanes) setLane.run(lane, limit)
  }
}

/** Forgetting comes first: a worker that came back within the turn stays known. */
export function workerWriter(db: DatabaseSync): Writer {
  const forget = db.prepare('DELETE FROM workers WHERE name = ?')
  const write = db.prepare(`INSERT OR REPLACE INTO workers
    (name, instance, version, slots, jobs, draining, handing_over, reload_error, last_heard_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  return ({ workers, forgotten }) => {
    for (const name of forgotten) forget.run(name)
    for (const worker of workers)
      write.run(
        worker.name,
        worker.instance,
        worker.version,
        worker.slots,
        JSON.stringify([...worker.jobs]),
        worker.draining ? 1 : 0,
        worker.handing_over ? 1 : 0,
        worker.reload_error,
        worker.last_heard_ms,
      )
  }
}

/** As with workers, one that came back within the turn stays known. */
export function semaphoreWriter(db: DatabaseSync): Writer {
  const forget = db.prepare('DELETE FROM semaphores WHERE name = ?')
  const write = db.prepare(
    'INSERT OR REPLACE INTO semaphores (name, definition, place) VALUES (?, ?, ?)',
  )
  return ({ semaphores, forgotten_semaphores }) => {
    for (const name of forgotten_semaphores) forget.run(name)
    for (const { name, definition, place } of semaphores)
      write.run(name, JSON.stringify(definition), place)
  }
}

/** Arrivals are written as they come; a gate's own row says which generation of them it holds. */
export function gateWriter(db: DatabaseSync): Writer {
  const writeGate = db.prepare(`INSERT OR REPLACE INTO gates
    (semaphore, key, generation, opened_ms, opened_by, since_ms, timeout_at_ms, failed, late)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const addArrival = db.prepare(`INSERT OR IGNORE INTO arrivals
    (semaphore, key, missing, generation, run_id, flow_id, member, distinguished, at_ms, depth, late)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  return ({ gates, arrivals }) => {
    for (const gate of gates)
      writeGate.run(
        gate.semaphore,
        gate.key,
        gate.generation,
        gate.opened_ms,
        gate.opened_by,
        gate.since_ms,
        gate.timeout_at_ms,
        gate.failed ? 1 : 0,
        gate.late,
      )
    for (const arrival of arrivals)
      addArrival.run(
        arrival.semaphore,
        arrival.key,
        arrival.missing,
        arrival.generation,
        arrival.run_id,
        arrival.flow_id,
        arrival.member,
        arrival.distinct,
        arrival.at_ms,
        arrival.depth,
        arrival.late ? 1 : 0,
      )
  }
}

export function refusalWriter(db: DatabaseSync): Writer {
  const insert = db.prepare(
    'INSERT INTO refusals (at_ms, job, origin, code, message) VALUES (?, ?, ?, ?, ?)',
  )
  const dropOld = db.prepare(
    `DELETE FROM refusals WHERE position <= (SELECT max(position) FROM refusals) - ${REFUSALS_KEPT}`,
  )
  return ({ refusals }) => {
    if (refusals.length === 0) return
    for (const { at_ms, job, from, code, message } of refusals)
      insert.run(at_ms, job, from, code, message)
    dropOld.run()
  }
}
