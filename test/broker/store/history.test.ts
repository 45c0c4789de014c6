import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { RunFilter } from '../../../common/protocol/client-door.ts'
import type { Records } from '../../../broker/core/records.ts'
import type { Run } from '../../../broker/core/state.ts'
import { openHistory } from '../../../broker/store/history.ts'
import { openSqlite } from '../../../broker/store/sqlite.ts'
import type { History, Store } from '../../../broker/store/store.ts'
import * as sample from './samples.ts'
import {
  arrivalAt,
  born,
  changed,
  ended,
  entryOf,
  idOf,
  recordsWith,
  sampleRun,
} from './samples.ts'

type Opened = { store: Store; history: History; directory: string }

/** A store with these transactions in it, and its history. */
function opened(t: ExecutionContext, ...transactions: readonly Records[]): Opened {
  const directory = mkdtempSync(join(tmpdir(), 'jobz-history-'))
  const store = openSqlite(directory)
  if ('kind' in store) throw new Error(store.message)
  for (const records of transactions) store.commit(records)
  const history = openHistory(directory)
  t.teardown(async () => {
    await history.close()
    store.close()
    rmSync(directory, { recursive: true, force: true })
  })
  return { store, history, directory }
}

/** The ids of all pages of a list. */
async function listed(history: History, filter: Partial<RunFilter>): Promise<string[]> {
  const ids: string[] = []
  let before: string | null = null
  do {
    const page: Awaited<ReturnType<History['runs']>> = await history.runs({
      limit: 1000,
      ...filter,
      before,
    })
    ids.push(...page.runs.map((run) => run.run_id))
    before = page.before
  } while (before !== null)
  return ids
}

const ids = (...numbers: number[]): string[] => numbers.map(idOf)

test('a run is found by its whole id, or by the end of it', async (t) => {
  const { history } = opened(t, born([sampleRun(1), sampleRun(2)]))
  const short = idOf(1).slice(-8)
  t.deepEqual(await history.find(idOf(1)), { kind: 'found', run_id: idOf(1) })
  t.deepEqual(await history.find(short), { kind: 'found', run_id: idOf(1) })
  t.deepEqual(await history.find(idOf(1).slice(5)), { kind: 'found', run_id: idOf(1) })
  for (const unknown of ['', short.slice(1), '%%%%%%%%', "' OR 1=1 --", `x${idOf(1)}`, idOf(9)])
    t.deepEqual(await history.find(unknown), { kind: 'unknown' }, unknown)
})

test('a short id that several runs have is ambiguous', async (t) => {
  const twin = sampleRun(2, { run_id: `11111111${idOf(1).slice(8)}` })
  const { history } = opened(t, born([sampleRun(1), twin]))
  const found = await history.find(idOf(1).slice(-8))
  t.deepEqual(found, { kind: 'ambiguous', run_ids: [twin.run_id, idOf(1)] })
})

test('a run is shown with its tasks, its attempts, and what came of it', async (t) => {
  const run = ended(1, 'failed', { reason: 'exit code 3', message: 'so far', progress: 50 })
  const { flow_id, run_id } = run
  run.tasks.push(
    sample.sampleTask(run, {
      state: 'failed',
      attempt: 2,
      exit_code: 3,
      output: { rows: '1' },
      attempts: [sample.sampleAttempt(1, { state: 'lost' }), sample.sampleAttempt(2)],
    }),
  )
  const child = sampleRun(2, { flow_id, parent_run_id: run_id, via: 'failure', job: 'notify' })
  const retry = sampleRun(3, { flow_id, retry_of: run_id, via: 'retry' })
  const stranger = sampleRun(4, { flow_id })
  const gate = sample.sampleGate('k', [])
  const arrival = sample.sampleArrival(run)
  const { history } = opened(
    t,
    born([run], { date: 'd' }, { gate_key: 'g' }),
    born([child, retry, stranger]),
    recordsWith({
      arrivals: [
        arrivalAt(gate, arrival),
        arrivalAt(gate, arrival, { semaphore: 'other', key: null, missing: 'date', late: true }),
      ],
    }),
  )
  const view = await history.run(run_id)
  t.like(view, {
    run_id,
    state: 'failed',
    params: { date: 'd' },
    context: { gate_key: 'g' },
    progress: 50,
    message: 'so far',
    created_at: new Date(run.created_ms).toISOString(),
  })
  t.is(view?.tasks?.length, 1)
  t.like(view?.tasks?.[0], { task_id: `${run_id}.0`, exit_code: 3, output: { rows: '1' } })
  t.deepEqual(
    view?.tasks?.[0]?.attempts.map(({ attempt, state }) => [attempt, state]),
    [
      [1, 'lost'],
      [2, 'running'],
    ],
  )
  t.deepEqual(view?.next, [
    { on: 'failure', job: 'notify', run_id: child.run_id, state: 'queued' },
    { on: 'retry', job: 'import', run_id: retry.run_id, state: 'queued' },
    { semaphore: 'ready', key: 'k', generation: 1, late: false },
    { semaphore: 'other', key: null, generation: 1, late: true },
  ])
  t.is(await history.run('unheard'), null)
})

test('what does not fit an answer is counted, not sent', async (t) => {
  const run = ended(1, 'succeeded', { deliver: 'all' })
  const output = Object.fromEntries(
    Array.from({ length: 64 }, (_, at) => [`n${at}`, 'x'.repeat(4096)]),
  )
  for (let n = 0; n < 8; n += 1)
    run.tasks.push(sample.sampleTask(run, { n, state: 'succeeded', output }))
  const { flow_id } = run
  const members = Array.from({ length: 8 }, (_, at) => sampleRun(at + 2, { flow_id }))
  const { history } = opened(t, born([run], output), born(members, output))
  const view = await history.run(run.run_id)
  t.is((view?.tasks?.length ?? 0) + (view?.omitted ?? 0), 8)
  t.true((view?.omitted ?? 0) > 0)
  const flow = await history.flow(flow_id)
  t.is((flow?.runs.length ?? 0) + (flow?.omitted ?? 0), 9)
  const page = await history.runs({ limit: 1000 })
  for (const answer of [view, flow, page])
    t.true(JSON.stringify(answer).length < 1024 * 1024, 'it fits a frame')
  t.deepEqual(await listed(history, {}), ids(9, 8, 7, 6, 5, 4, 3, 2, 1))
})

test('runs are listed newest first, page by page, while new ones come', async (t) => {
  const { history, store } = opened(t, born([1, 2, 3, 4, 5].map((n) => sampleRun(n))))
  const first = await history.runs({ limit: 2 })
  t.deepEqual(
    first.runs.map((run) => run.run_id),
    ids(5, 4),
  )
  store.commit(born([sampleRun(6)]))
  const second = await history.runs({ limit: 2, before: first.before })
  t.deepEqual(
    second.runs.map((run) => run.run_id),
    ids(3, 2),
  )
  const third = await history.runs({ limit: 2, before: second.before })
  t.deepEqual([third.runs.map((run) => run.run_id), third.before], [ids(1), null])
  t.is(third.runs[0]?.tasks, undefined)
})

test('a page that is exactly full at the end has nothing before it', async (t) => {
  const { history } = opened(t, born([1, 2].map((n) => sampleRun(n))))
  t.is((await history.runs({ limit: 2 })).before, null)
})

test('each filter finds its runs, and together they find what they share', async (t) => {
  const failed = ended(2, 'failed', { job: 'publish' })
  const expired = ended(3, 'expired')
  const done = ended(5, 'succeeded', { flow_id: idOf(1), created_ms: 1_790_000_900_000 })
  done.tasks.push(sample.sampleTask(done, { worker: 'web2', state: 'succeeded' }))
  const { history } = opened(
    t,
    born([sampleRun(1, { job: 'publish' })], { date: 'a', tenant: "o'x" }),
    born([failed, expired], { date: 'b' }),
    born([sampleRun(4, { state: 'running' }), done], { date: 'a', tenant: 'y' }),
  )
  const cases: [Partial<RunFilter>, number[]][] = [
    [{}, [5, 4, 3, 2, 1]],
    [{ job: 'publish' }, [2, 1]],
    [{ job: "publish' OR 1=1 --" }, []],
    [{ state: 'failed' }, [2]],
    [{ state: 'failed,expired' }, [3, 2]],
    [{ state: 'queued, running' }, [4, 1]],
    [{ state: 'running,succeeded,failed' }, [5, 4, 2]],
    [{ state: 'nonsense' }, []],
    [{ state: '' }, []],
    [{ flow: idOf(1) }, [5, 1]],
    [{ flow: idOf(1), state: 'succeeded' }, [5]],
    [{ worker: 'web2' }, [5]],
    [{ worker: 'web1' }, []],
    [{ params: { date: 'a' } }, [5, 4, 1]],
    [{ params: { date: 'a', tenant: "o'x" } }, [1]],
    [{ params: JSON.parse('{"__proto__": "a"}') as Record<string, string> }, []],
    [{ params: { '"$.date': 'a' } }, []],
    [{ since_ms: 1_790_000_900_000 }, [5]],
    [{ since_ms: 0 }, [5, 4, 3, 2, 1]],
    [{ job: 'publish', state: 'failed', params: { date: 'b' } }, [2]],
    [{ job: 'publish', state: 'running' }, []],
    [
      { job: null, state: null, flow: null, worker: null, params: null, since_ms: null },
      [5, 4, 3, 2, 1],
    ],
  ]
  for (const [filter, numbers] of cases)
    t.deepEqual(await listed(history, filter), ids(...numbers), JSON.stringify(filter))
})

test('more parameters than a run can have match nothing', async (t) => {
  const { history } = opened(t, born([sampleRun(1)]))
  const params = Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`n${at}`, 'x']))
  t.deepEqual(await history.runs({ limit: 10, params }), { runs: [], before: null })
})

test('a list goes on past the stretch that is looked through at once', async (t) => {
  const job = (n: number): string => (n % 70_000 === 1 ? 'rare' : 'common')
  const batches = Array.from({ length: 15 }, (_, batch) =>
    born(
      Array.from({ length: 10_000 }, (_, at) => batch * 10_000 + at + 1).map((n) =>
        sampleRun(n, { job: job(n), state: n === 5 ? 'expired' : 'succeeded' }),
      ),
    ),
  )
  const { history } = opened(t, ...batches)
  t.deepEqual(await listed(history, { job: 'rare' }), ids(140_001, 70_001, 1))
  t.deepEqual(await listed(history, { job: 'rare', limit: 1 }), ids(140_001, 70_001, 1))
  t.deepEqual(await listed(history, { state: 'expired' }), ids(5))
  t.deepEqual(await listed(history, { params: { none: 'x' } }), [])
  t.deepEqual(await history.find(idOf(5).slice(-8)), { kind: 'found', run_id: idOf(5) })
})

test('a flow has all its runs, and its outcome', async (t) => {
  const root = ended(1, 'failed')
  const { flow_id, run_id } = root
  const handler = sampleRun(2, { flow_id, parent_run_id: run_id, via: 'failure' })
  const { history, store } = opened(t, born([root]), born([handler]))
  t.like(await history.flow(flow_id), { flow_id, state: 'running', settled: false })
  store.commit(changed([{ ...handler, state: 'succeeded', finished_ms: 1 }]))
  const flow = await history.flow(flow_id)
  t.like(flow, { state: 'succeeded', settled: true })
  t.deepEqual(
    flow?.runs.map((run) => run.run_id),
    ids(1, 2),
  )
  t.is(await history.flow('unheard'), null)
})

test('the feed is replayed from a place on, by topic, in pages', async (t) => {
  const [queued, over] = [sampleRun(1), ended(1, 'succeeded')]
  const { history } = opened(
    t,
    born([queued], { date: 'd' }),
    recordsWith({ feed: [entryOf(1, queued), entryOf(2, queued, { topic: 'worker.away.web1.' })] }),
    recordsWith({ feed: [entryOf(3, over), entryOf(4, queued, { topic: 'gate.open.x.' })] }),
  )
  const numbers = async (...args: Parameters<History['replay']>): Promise<unknown[]> => {
    const { entries, complete_to } = await history.replay(...args)
    return [...entries.map((entry) => entry.cursor), complete_to]
  }
  t.deepEqual(await numbers(0, [], 100), ['0-1', '0-2', '0-3', '0-4', 4])
  t.deepEqual(await numbers(1, [], 2), ['0-2', '0-3', 3])
  t.deepEqual(await numbers(0, ['run.'], 100), ['0-1', '0-3', 4])
  t.deepEqual(await numbers(0, ['run.succeeded.import.', 'gate.'], 1), ['0-3', 3])
  t.deepEqual(await numbers(0, ['run.'], 1), ['0-1', 2], 'what was passed over counts as seen')
  t.deepEqual(await numbers(0, ['nothing.'], 100), [4])
  t.deepEqual(await numbers(4, [], 100), [4])
  t.deepEqual(await numbers(99, [], 100), [99])
  t.is((await history.replay(0, [], 1)).oldest, 1)
})

test('an entry of a run that ended brings its parameters, and the output its tasks agree on', async (t) => {
  const run = ended(1, 'succeeded', { deliver: 'all' })
  const task = (n: number, output: Record<string, string>, state: 'succeeded' | 'missed') =>
    sample.sampleTask(run, { n, output, state })
  run.tasks.push(
    task(0, { rows: '12', host: 'a', only: 'x' }, 'succeeded'),
    task(1, { rows: '12', host: 'b' }, 'succeeded'),
    task(2, { rows: '13' }, 'missed'),
  )
  const { history } = opened(
    t,
    born([run], { date: 'd' }),
    recordsWith({
      feed: [entryOf(1, sampleRun(1)), entryOf(2, run), entryOf(3, ended(9, 'failed'))],
    }),
  )
  const { entries } = await history.replay(0, [], 100)
  t.deepEqual(
    entries.map(({ params, output }) => ({ params, output })),
    [
      { params: undefined, output: undefined },
      { params: { date: 'd' }, output: { rows: '12' } },
      { params: undefined, output: undefined },
    ],
  )
})

test('a replay stops where an answer is full, and goes on from there', async (t) => {
  const params = { filler: 'x'.repeat(4096) }
  const runs = Array.from({ length: 500 }, (_, n) => ended(n, 'succeeded'))
  const { history } = opened(
    t,
    born(runs, params),
    recordsWith({ feed: runs.map((run, at) => entryOf(at + 1, run)) }),
  )
  let place = 0
  let seen = 0
  let pages = 0
  while (place < 500) {
    const { entries, complete_to } = await history.replay(place, ['run.'], 10_000)
    t.true(JSON.stringify(entries).length < 1024 * 1024)
    place = complete_to
    seen += entries.length
    pages += 1
  }
  t.is(seen, 500)
  t.true(pages > 1)
})

test('refusals come newest first, of one job or of all', async (t) => {
  const refusal = (job: string, at_ms: number) => ({
    at_ms,
    job,
    from: null,
    code: 'unknown_job',
    message: `no ${job}`,
  })
  const { history } = opened(
    t,
    recordsWith({ refusals: [refusal('a', 1), refusal('b', 2), refusal('a', 3)] }),
  )
  const at = async (...args: Parameters<History['refusals']>): Promise<string[]> =>
    (await history.refusals(...args)).map((view) => view.at)
  t.deepEqual(await at('a', 10), ['1970-01-01T00:00:00.003Z', '1970-01-01T00:00:00.001Z'])
  t.deepEqual(await at(null, 1), ['1970-01-01T00:00:00.003Z'])
  t.like((await history.refusals('b', 1))[0], { job: 'b', from: null, code: 'unknown_job' })
})

test('open gates say who came and who was missing, and unkeyed arrivals why', async (t) => {
  const definition = sample.sampleSemaphore('ready', {
    wait_for: [
      { job: 'index', count: 1, distinct: null },
      { job: 'import', count: 3, distinct: '%(source)s' },
    ],
  })
  const [index, shop, again, lost] = [1, 2, 3, 4].map((n) => ended(n, 'succeeded'))
  if (!index || !shop || !again || !lost) throw new Error('four runs')
  const gate = sample.sampleGate('k', [], { opened_ms: 20, late: 2 })
  const newer = sample.sampleGate('n', [], { opened_ms: 30 })
  const gathering = sample.sampleGate('g', [])
  const of = (run: Run, member: number, distinct: string | null) =>
    arrivalAt(gate, sample.sampleArrival(run, { member, distinct }))
  const { history } = opened(
    t,
    recordsWith({
      semaphores: [{ name: 'ready', definition, place: 0 }],
      gates: [gate, newer, gathering],
      arrivals: [
        of(index, 0, null),
        of(shop, 1, 'shop'),
        of(again, 1, 'shop'),
        arrivalAt(gate, sample.sampleArrival(lost), { key: null, missing: 'date' }),
      ],
    }),
  )
  const { gates, unkeyed } = await history.openGates('ready', 10)
  t.deepEqual(
    gates.map((view) => view.key),
    ['n', 'k'],
  )
  t.like(gates[1], { state: 'open', late: 2, missing: [{ job: 'import', count: 2 }] })
  t.deepEqual(
    gates[1]?.arrived.map(({ job, distinct, run_id }) => [job, distinct, run_id]),
    [
      ['index', null, index.run_id],
      ['import', 'shop', again.run_id],
    ],
  )
  t.deepEqual(
    unkeyed.map(({ run_id, missing }) => [run_id, missing]),
    [[lost.run_id, 'date']],
  )
  t.deepEqual(await history.openGates('unheard', 10), { gates: [], unkeyed: [] })
})

test('an attempt is found by task, number or worker', async (t) => {
  const run = sampleRun(1, { state: 'running', deliver: 'all' })
  run.tasks.push(
    sample.sampleTask(run, { n: 0, worker: 'web1' }),
    sample.sampleTask(run, {
      n: 1,
      worker: 'web2',
      state: 'delayed',
      attempt: 2,
      attempts: [sample.sampleAttempt(1, { state: 'failed' }), sample.sampleAttempt(2)],
    }),
  )
  const { history } = opened(t, born([run]), born([sampleRun(2), ended(3, 'canceled')]))
  const second = { task_id: `${idOf(1)}.1`, attempt: 2, state: 'delayed', over: false }
  for (const task of [`${idOf(1)}.1`, '1', 'web2'])
    t.deepEqual(await history.attempt(idOf(1), task, null), second, task)
  t.like(await history.attempt(idOf(1), '1', 1), { attempt: 1, state: 'failed', over: true })
  t.like(await history.attempt(idOf(1), '1', 7), { status: 404, code: 'unknown_attempt' })
  t.like(await history.attempt(idOf(1), 'web9', null), { status: 404, code: 'unknown_task' })
  t.like(await history.attempt(idOf(1), null, null), { status: 400, code: 'which_task' })
  t.like(await history.attempt('unheard', null, null), { status: 404, code: 'unknown_run' })
  const early = { task_id: `${idOf(2)}.0`, attempt: 0, state: 'ready', over: false }
  t.deepEqual(await history.attempt(idOf(2), null, null), early)
  t.like(await history.attempt(idOf(3), null, null), { state: 'canceled', over: true })
})

test('a time that no calendar holds is shown as the last that one does', async (t) => {
  const run = ended(1, 'succeeded', { started_ms: Number.MAX_SAFE_INTEGER, finished_ms: -5 })
  const { history } = opened(t, born([run]))
  t.like(await history.run(run.run_id), {
    started_at: '+275760-09-13T00:00:00.000Z',
    finished_at: '1970-01-01T00:00:00.000Z',
  })
})

test('names that JavaScript reserves come through unharmed', async (t) => {
  const params = JSON.parse('{"__proto__": "mine", "constructor": "x"}') as Record<string, string>
  const { history } = opened(t, born([sampleRun(1)], params))
  const view = await history.run(idOf(1))
  t.is(JSON.stringify(view?.params), '{"__proto__":"mine","constructor":"x"}')
})

test('a checkpoint moves the log into the file, and the log starts over', async (t) => {
  const { store, history, directory } = opened(t)
  const size = (file: string): number => statSync(join(directory, file)).size
  const fill = (from: number): void => {
    for (let n = from; n < from + 100; n += 1)
      store.commit(born([sampleRun(n)], { f: 'x'.repeat(4096) }))
  }
  fill(1)
  const log = size('jobz.db-wal')
  await history.checkpoint()
  t.true(size('jobz.db') > 100 * 4096)
  fill(101)
  t.true(size('jobz.db-wal') < log * 1.5)
  t.is((await listed(history, {})).length, 200)
})

test('a log that grew big is cut short', async (t) => {
  const { store, history, directory } = opened(t)
  const runs = Array.from({ length: 300 }, (_, n) => sampleRun(n))
  store.commit(born(runs, { f: 'x'.repeat(250_000) }))
  t.true(statSync(join(directory, 'jobz.db-wal')).size > 64 * 1024 * 1024)
  await history.checkpoint()
  t.is(statSync(join(directory, 'jobz.db-wal')).size, 0)
  store.commit(born([sampleRun(1000)]))
  t.like(await history.run(idOf(1000)), { run_id: idOf(1000) })
})

test('the history cannot change what is stored, nor questions asked after it was closed hang', async (t) => {
  const { history } = opened(t, born([sampleRun(1)]))
  const open = history.run(idOf(1))
  await history.close()
  await t.throwsAsync(history.run(idOf(1)), { message: /closed/ })
  await open.catch((error: unknown) => t.true(error instanceof Error))
})

test('without a database each question is refused', async (t) => {
  const history = openHistory(join(tmpdir(), 'jobz-that-is-not-there'))
  t.teardown(() => history.close())
  await t.throwsAsync(history.runs({ limit: 1 }), { message: /unable to open/ })
  await t.throwsAsync(history.checkpoint(), { message: /unable to open/ })
})
