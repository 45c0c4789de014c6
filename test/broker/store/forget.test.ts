import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { openSqlite } from '../../../broker/store/sqlite.ts'
import type { SqliteStore } from '../../../broker/store/sqlite.ts'
import { opened } from './opened-history.ts'
import * as sample from './samples.ts'
import { born, ended, idOf, recordsWith, sampleRun, sampleTask } from './samples.ts'

/** How many rows a table of the file holds now. */
function rowsIn(directory: string, table: string): number {
  const db = new DatabaseSync(join(directory, 'jobz.db'), { readOnly: true })
  try {
    return Number(db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count'])
  } finally {
    db.close()
  }
}

const done = (n: number, special: Parameters<typeof ended>[2] = {}) => {
  const run = ended(n, 'succeeded', special)
  return { ...run, tasks: [sampleTask(run, { state: 'succeeded', stdout_bytes: 3 })] }
}

test('a forgotten run is gone with its tasks and its arrivals', async (t) => {
  const [mine, other] = [done(1), done(2)]
  const gate = sample.sampleGate('k', [], { opened_ms: 20 })
  const { store, history, directory } = opened(t, {
    ...born([mine, other], { date: 'd' }),
    gates: [gate],
    arrivals: [mine, other].map((run) => sample.arrivalAt(gate, sample.sampleArrival(run))),
  })
  t.is(store.values([mine.run_id]).size, 1)
  t.is(store.forgetRuns([mine.run_id], 1_000), 1)
  t.deepEqual([...store.runs([mine.run_id, other.run_id]).keys()], [other.run_id])
  t.is(store.values([mine.run_id]).size, 0, 'not even from the cache')
  t.is(await history.run(mine.run_id), null)
  t.deepEqual(await history.find(mine.run_id), { kind: 'unknown' })
  t.is(rowsIn(directory, 'tasks'), 1)
  t.is(rowsIn(directory, 'arrivals'), 1)
  t.is(rowsIn(directory, 'gates'), 1)
  t.is(await history.countRuns(), 1)
})

test('a run that is not over is never forgotten', (t) => {
  const run = { ...sampleRun(1, { state: 'running' }) }
  run.tasks = [sampleTask(run)]
  const { store } = opened(t, born([run]))
  t.is(store.forgetRuns([run.run_id, idOf(7)], 1_000), 2)
  t.is(store.runs([run.run_id]).get(run.run_id)?.tasks.length, 1)
  t.deepEqual(store.outputsToRemove('', 10), [])
})

test('a step ends when its time is over, and is at least one run long', (t) => {
  const runs = [1, 2, 3].map((n) => done(n))
  const { store } = opened(t, born(runs))
  const ids = runs.map(({ run_id }) => run_id)
  t.is(store.forgetRuns(ids, 0), 1)
  t.deepEqual([...store.runs(ids).keys()], ids.slice(1))
  t.is(store.forgetRuns([], 0), 0)
})

test('commits after a step are as before', (t) => {
  const { store } = opened(t, born([done(1)]))
  store.forgetRuns([idOf(1)], 10)
  store.commit(born([done(1), sampleRun(2)]))
  t.is(store.runs([idOf(1), idOf(2)]).size, 2)
})

test('which output files go is remembered until they are gone, whatever ends the process', (t) => {
  const silent = ended(2, 'succeeded')
  const canceled = ended(3, 'canceled')
  const lost = ended(4, 'failed')
  silent.tasks = [sampleTask(silent, { state: 'succeeded' })]
  canceled.tasks = [sampleTask(canceled, { state: 'canceled', attempt: 0 })]
  lost.tasks = [sampleTask(lost, { state: 'lost' })]
  const { store, directory } = opened(t, born([done(1), silent, canceled, lost, done(5)]))
  store.forgetRuns(
    [1, 2, 3, 4, 5].map((n) => idOf(n)),
    1_000,
  )
  const mine = [idOf(1), idOf(4), idOf(5)]
  t.deepEqual(store.outputsToRemove('', 10), mine)
  t.deepEqual(store.outputsToRemove('', 1), mine.slice(0, 1))
  t.deepEqual(store.outputsToRemove(idOf(1), 10), mine.slice(1))
  const again = afterCrash(t, directory)
  t.deepEqual(again.outputsToRemove('', 10), mine)
  again.outputsRemoved(mine.slice(0, 2))
  t.deepEqual(again.outputsToRemove('', 10), mine.slice(2))
})

/** The store as it is when the process that has it open is killed now. */
function afterCrash(t: ExecutionContext, directory: string): SqliteStore {
  const image = mkdtempSync(join(tmpdir(), 'jobz-crash-'))
  for (const file of ['jobz.db', 'jobz.db-wal'])
    copyFileSync(join(directory, file), join(image, file))
  const store = openSqlite(image)
  if ('kind' in store) throw new Error(store.message)
  t.teardown(() => {
    store.close()
    rmSync(image, { recursive: true, force: true })
  })
  return store
}

const known = (name: string, key: string | null) => ({
  name,
  definition: sample.sampleSemaphore(name, { key }),
  place: 0,
})

test("without a key the gate of a flow goes with the flow's last run; with a key it stays for ever", (t) => {
  const root = done(1)
  const joined = done(2, { flow_id: root.flow_id })
  const own = sample.sampleGate(root.flow_id, [], { semaphore: 'own', opened_ms: 20 })
  const keyed = sample.sampleGate(root.flow_id, [], { semaphore: 'keyed', opened_ms: 20 })
  const gathering = sample.sampleGate(root.flow_id, [], { semaphore: 'slow' })
  const { store } = opened(t, {
    ...born([root, joined]),
    gates: [own, keyed, gathering],
    semaphores: [known('own', null), known('slow', null), known('keyed', '%(flow)s')],
  })
  const kept = () =>
    [...store.gates([own, keyed, gathering]).values()].map(({ semaphore }) => semaphore)
  store.forgetRuns([root.run_id], 1_000)
  t.deepEqual(kept(), ['own', 'keyed', 'slow'])
  store.forgetRuns([joined.run_id], 1_000)
  t.deepEqual(kept(), ['keyed', 'slow'])
})

const made = (n: number) => sampleRun(0).created_ms + n

test('old runs are found oldest first, page by page, and unfinished ones are passed over', async (t) => {
  const { history } = opened(
    t,
    born([done(1), sampleRun(2), done(3), done(4), done(5, { finished_ms: made(900) }), done(6)]),
  )
  const ids = async (after: number, before_ms: number, limit: number) => {
    const { runs, next } = await history.oldRuns(after, before_ms, limit)
    return [runs.map(({ run_id }) => run_id), next]
  }
  t.deepEqual(await ids(0, made(5), 10), [[idOf(1), idOf(3), idOf(4)], null])
  t.deepEqual(await ids(0, made(5), 2), [[idOf(1), idOf(3)], 3])
  t.deepEqual(await ids(3, made(5), 2), [[idOf(4)], null])
  t.deepEqual(await ids(0, made(0), 10), [[], null])
  t.deepEqual(await ids(0, -Infinity, 10), [[], null])
  t.deepEqual(await ids(99, made(5), 10), [[], null])
  t.deepEqual((await history.oldRuns(0, made(2), 10)).runs, [
    { run_id: idOf(1), flow_id: idOf(1), finished_ms: made(1) },
  ])
})

test('a run from before the clock went back hides nothing that is older', async (t) => {
  const late = 4_000_000_000_000
  const future = [1, 2].map((n) => done(n, { created_ms: late, finished_ms: late }))
  const { history } = opened(t, born([...future, done(3)]))
  const { runs } = await history.oldRuns(0, sampleRun(9).created_ms, 10)
  t.deepEqual(
    runs.map(({ run_id }) => run_id),
    [idOf(3)],
  )
})

const request = (n: number, at_ms: number, job = 'import') => ({
  job,
  request_id: `r${n}`,
  run_id: idOf(n),
  at_ms,
})

test('requests are old when their time is over and their run is gone', async (t) => {
  const { store, history } = opened(t, {
    ...born([done(1), done(2), done(3)]),
    requests: [request(1, 10), request(2, 10), request(2, 10, 'other'), request(3, 99)],
  })
  store.forgetRuns([idOf(2), idOf(3)], 1_000)
  const first = { request_id: '', job: '' }
  const keys = [
    { request_id: 'r2', job: 'import' },
    { request_id: 'r2', job: 'other' },
  ]
  t.deepEqual(await history.oldRequests(first, 50), { keys, next: null })
  t.is(store.forgetRequests(keys, 0), 1)
  t.is(store.forgetRequests(keys, 1_000), 2)
  t.deepEqual((await history.oldRequests(first, 50)).keys, [])
  t.is(store.requests([{ job: 'import', request_id: 'r1' }]).size, 1)
  t.is(store.requests([{ job: 'import', request_id: 'r3' }]).size, 1, 'it is not old enough')
})

test('requests are looked through page by page', async (t) => {
  const requests = Array.from({ length: 9_000 }, (_, n) => ({
    job: 'import',
    request_id: `r${String(n).padStart(5, '0')}`,
    run_id: idOf(n),
    at_ms: 1,
  }))
  const { history } = opened(t, recordsWith({ requests }))
  const seen = new Set<string>()
  let place: { request_id: string; job: string } | null = { request_id: '', job: '' }
  for (let pages = 0; place !== null && pages < 10; pages += 1) {
    const page: Awaited<ReturnType<typeof history.oldRequests>> = await history.oldRequests(
      place,
      2,
    )
    for (const { request_id } of page.keys) seen.add(request_id)
    place = page.next
  }
  t.is(seen.size, 9_000)
  t.is(place, null)
})

test('a request outlives its run, and its key is nobody else’s until it is forgotten too', (t) => {
  const request = { job: 'import', request_id: 'r', run_id: idOf(1), at_ms: 1 }
  const { store } = opened(t, { ...born([done(1)]), requests: [request] })
  store.forgetRuns([idOf(1)], 1_000)
  t.is(store.requests([request]).get('import\0r')?.run_id, idOf(1))
  const next = { ...born([sampleRun(2)]), requests: [{ ...request, run_id: idOf(2) }] }
  t.throws(() => store.commit(next), { message: /request r of import was recorded before/ })
  t.deepEqual(store.runs([idOf(2)]), new Map())
  store.forgetRequests([request], 1_000)
  store.commit(next)
  t.is(store.requests([request]).get('import\0r')?.run_id, idOf(2))
})

test('a flow is found by its id, whole or short, when its first run is forgotten and others are not', async (t) => {
  const [first, second] = [done(1), done(2, { flow_id: idOf(1), parent_run_id: idOf(1) })]
  const { store, history } = opened(t, born([first, second, done(3)]))
  store.forgetRuns([idOf(1)], 1_000)
  for (const id of [idOf(1), idOf(1).slice(-8)]) {
    t.deepEqual(await history.find(id), { kind: 'unknown' })
    t.deepEqual(await history.findFlow(id), { kind: 'found', run_id: idOf(1) })
  }
  t.deepEqual(
    (await history.flow(idOf(1)))?.runs.map(({ run_id }) => run_id),
    [idOf(2)],
  )
  t.deepEqual(await history.findFlow(idOf(2)), { kind: 'unknown' }, 'it began no flow')
  store.forgetRuns([idOf(2)], 1_000)
  t.deepEqual(await history.findFlow(idOf(1)), { kind: 'unknown' })
})
