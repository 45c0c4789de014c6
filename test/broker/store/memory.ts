/**
 * A store without a file, for the simulation and for tests of the core. What it keeps is a copy, so that only what was
 * committed is there again after a crash; a `MemoryDisk` outlives the stores that are opened on it.
 */
import type { Alive } from '../../../broker/core/load.ts'
import type {
  ArrivalRecord,
  CardRecord,
  FeedRecord,
  Records,
  RequestRecord,
  SemaphoreRecord,
} from '../../../broker/core/records.ts'
import { gateId } from '../../../broker/core/state.ts'
import type { Gate, Run, Task, Worker } from '../../../broker/core/state.ts'
import type { StoredValues } from '../../../broker/core/values.ts'
import type { Store } from '../../../broker/store/store.ts'

export type MemoryDisk = {
  readonly runs: Map<string, Run>
  readonly tasks: Map<string, Map<number, Task>>
  readonly values: Map<string, StoredValues>
  readonly flows: Map<string, Set<string>>
  readonly requests: Map<string, RequestRecord>
  readonly cards: Map<string, CardRecord>
  readonly lanes: Map<string, number | null>
  readonly workers: Map<string, Worker>
  readonly semaphores: Map<string, SemaphoreRecord>
  readonly gates: Map<string, Gate>
  readonly arrivals: Map<string, ArrivalRecord>
  readonly feed: FeedRecord[]
}

export const memoryDisk = (): MemoryDisk => ({
  runs: new Map(),
  tasks: new Map(),
  values: new Map(),
  flows: new Map(),
  requests: new Map(),
  cards: new Map(),
  lanes: new Map(),
  workers: new Map(),
  semaphores: new Map(),
  gates: new Map(),
  arrivals: new Map(),
  feed: [],
})

/** `beforeCommit` may throw, and then nothing of the transaction happened. */
export function openMemory(disk: MemoryDisk, beforeCommit?: (records: Records) => void): Store {
  return {
    load: () => structuredClone(alive(disk)),
    commit: (records) => {
      beforeCommit?.(records)
      refuseContradictions(disk, records)
      apply(disk, records)
    },
    values: (run_ids) => select(run_ids, (run_id) => disk.values.get(run_id)),
    requests: (keys) =>
      select(
        keys.map(({ job, request_id }) => `${job}\0${request_id}`),
        (key) => disk.requests.get(key),
      ),
    runs: (run_ids) => select(run_ids, (run_id) => wholeRun(disk, run_id)),
    flow: (flow_id) =>
      [...(disk.flows.get(flow_id) ?? [])].flatMap((run_id) => wholeRun(disk, run_id) ?? []),
    gates: (keys) =>
      select(
        keys.map(({ semaphore, key }) => gateId(semaphore, key)),
        (id) => wholeGate(disk, id),
      ),
    arrived: (pairs) => {
      const keyed = [...disk.arrivals.values()].filter(({ key }) => key !== null)
      const known = new Set(keyed.map(({ semaphore, run_id }) => `${semaphore}\0${run_id}`))
      return new Set(
        pairs
          .map(({ semaphore, run_id }) => `${semaphore}\0${run_id}`)
          .filter((pair) => known.has(pair)),
      )
    },
    retried: (run_ids) => {
      const retried = new Set([...disk.runs.values()].map(({ retry_of }) => retry_of))
      return new Set(run_ids.filter((run_id) => retried.has(run_id)))
    },
    close: () => undefined,
  }
}

function select<T>(keys: readonly string[], find: (key: string) => T | undefined): Map<string, T> {
  const found = new Map<string, T>()
  for (const key of keys) {
    const item = find(key)
    if (item !== undefined) found.set(key, structuredClone(item))
  }
  return found
}

function refuseContradictions(disk: MemoryDisk, { runs, requests }: Records): void {
  for (const { run, values } of runs)
    if ((values === null) !== disk.runs.has(run.run_id))
      throw new Error(`run ${run.run_id} was ${values === null ? 'never' : 'already'} recorded`)
  for (const { job, request_id } of requests)
    if (disk.requests.has(`${job}\0${request_id}`))
      throw new Error(`request ${request_id} was already recorded`)
}

function apply(disk: MemoryDisk, records: Records): void {
  for (const { run, values } of records.runs) {
    disk.runs.set(run.run_id, { ...run, tasks: [], counted: false, in_queue: false })
    if (values !== null) disk.values.set(run.run_id, structuredClone(values))
    addTo(disk.flows, run.flow_id, run.run_id)
  }
  for (const { run_id, values } of records.revised) disk.values.set(run_id, structuredClone(values))
  for (const task of records.tasks) {
    const tasks = disk.tasks.get(task.run_id) ?? new Map<number, Task>()
    disk.tasks.set(task.run_id, tasks.set(task.n, structuredClone({ ...task, accepted: false })))
  }
  for (const item of records.requests) disk.requests.set(`${item.job}\0${item.request_id}`, item)
  for (const hash of records.dropped_cards) disk.cards.delete(hash)
  for (const item of records.cards)
    if (!disk.cards.has(item.hash)) disk.cards.set(item.hash, structuredClone(item))
  for (const { lane, limit } of records.lanes) disk.lanes.set(lane, limit)
  for (const name of records.forgotten) disk.workers.delete(name)
  for (const worker of records.workers) disk.workers.set(worker.name, rested(worker))
  for (const name of records.forgotten_semaphores) disk.semaphores.delete(name)
  for (const item of records.semaphores) disk.semaphores.set(item.name, structuredClone(item))
  for (const gate of records.gates)
    disk.gates.set(gateId(gate.semaphore, gate.key), { ...gate, arrivals: new Map() })
  for (const item of records.arrivals) {
    const id = JSON.stringify([item.run_id, item.semaphore, item.generation, item.key])
    if (!disk.arrivals.has(id)) disk.arrivals.set(id, { ...item })
  }
  disk.feed.push(...records.feed)
}

function addTo(map: Map<string, Set<string>>, key: string, value: string): void {
  const known = map.get(key)
  if (known) known.add(value)
  else map.set(key, new Set([value]))
}

/** A worker without what only its connection knows. */
const rested = (worker: Worker): Worker => ({
  ...worker,
  jobs: new Map(worker.jobs),
  session: null,
  credit: 0,
  given: 0,
  lease_until_ms: 0,
  away_at_ms: 0,
  watched: new Set(),
  waiting: new Set(),
  holds: new Map(),
})

const UNFINISHED: ReadonlySet<string> = new Set(['waiting', 'queued', 'running'])
const ENDED: ReadonlySet<string> = new Set(['succeeded', 'failed', 'expired', 'canceled'])

function alive(disk: MemoryDisk): Alive {
  const semaphores = [...disk.semaphores.values()]
  return {
    feed_head: disk.feed.at(-1)?.n ?? 0,
    cards: [...disk.cards.values()],
    lanes: [...disk.lanes].map(([lane, limit]) => ({ lane, limit })),
    workers: [...disk.workers.values()],
    semaphores,
    runs: [...disk.runs.values()]
      .filter((run) => UNFINISHED.has(run.state))
      .sort((a, b) => a.sequence - b.sequence)
      .flatMap((run) => wholeRun(disk, run.run_id) ?? []),
    gates: [...disk.gates]
      .filter(([, gate]) => gate.opened_ms === null)
      .flatMap(([id]) => wholeGate(disk, id) ?? []),
    outcomes: disk.feed.flatMap(({ n, flow_id = '', job = '', state = '' }) =>
      ENDED.has(state) && semaphores.some((item) => item.place < n && isMember(item, job))
        ? [{ n, flow_id, job }]
        : [],
    ),
  }
}

const isMember = ({ definition }: SemaphoreRecord, job: string): boolean =>
  definition.wait_for.some((member) => member.job === job)

function wholeRun(disk: MemoryDisk, run_id: string): Run | undefined {
  const run = disk.runs.get(run_id)
  const tasks = [...(disk.tasks.get(run_id)?.values() ?? [])].sort((a, b) => a.n - b.n)
  return run && { ...run, tasks }
}

function wholeGate(disk: MemoryDisk, id: string): Gate | undefined {
  const gate = disk.gates.get(id)
  if (gate === undefined) return undefined
  const whole: Gate = { ...gate, arrivals: new Map() }
  for (const item of disk.arrivals.values()) {
    if (item.key === null || gateId(item.semaphore, item.key) !== id) continue
    if (item.late || item.generation !== gate.generation) continue
    const { run_id, flow_id, member, distinct, at_ms, depth } = item
    for (const earlier of whole.arrivals.values())
      if (distinct !== null && earlier.member === member && earlier.distinct === distinct)
        whole.arrivals.delete(earlier.run_id)
    whole.arrivals.set(run_id, { run_id, flow_id, member, distinct, at_ms, depth })
  }
  return whole
}
