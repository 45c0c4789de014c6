import test from 'ava'
import type { Run } from '../../../broker/core/state.ts'
import type { History } from '../../../broker/store/store.ts'
import { opened } from './opened-history.ts'
import * as sample from './samples.ts'
import { arrivalAt, born, ended, entryOf, recordsWith, sampleRun } from './samples.ts'

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

test('a replay that finds nothing says how far it looked, and does not look for ever', async (t) => {
  const entries = Array.from({ length: 120_000 }, (_, at) => entryOf(at + 1, sampleRun(1)))
  const { history } = opened(
    t,
    recordsWith({ feed: entries.slice(0, 60_000) }),
    recordsWith({ feed: entries.slice(60_000, 110_000) }),
    recordsWith({ feed: entries.slice(110_000) }),
  )
  t.like(await history.replay(0, ['gate.'], 10), { entries: [], complete_to: 110_000 })
  t.like(await history.replay(110_000, ['gate.'], 10), { entries: [], complete_to: 120_000 })
})

test('refusals come newest first, of one job or of all', async (t) => {
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
  const gate = sample.sampleGate('k', [], { opened_ms: 20, opened_by: 'by hand', late: 2 })
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
  t.deepEqual(gates[0]?.missing, [], 'it opened by itself, whatever is kept of its arrivals')
  t.deepEqual(await history.openGates('unheard', 10), { gates: [], unkeyed: [] })
})

const refusal = (job: string, at_ms: number) => ({
  at_ms,
  job,
  from: null,
  code: 'unknown_job',
  message: `no ${job}`,
})
