import test from 'ava'
import type { RunFilter } from '../../../common/protocol/client-door.ts'
import { listed, opened } from './opened-history.ts'
import * as sample from './samples.ts'
import { born, changed, ended, idOf, sampleRun } from './samples.ts'

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
  const batches = Array.from({ length: 15 }, (_, batch) =>
    born(
      Array.from({ length: 10_000 }, (_, at) => batch * 10_000 + at + 1).map((n) =>
        sampleRun(n, {
          job: n % 70_000 === 1 ? 'rare' : 'common',
          state: n === 5 ? 'expired' : 'succeeded',
        }),
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

const ids = (...numbers: number[]): string[] => numbers.map(idOf)
