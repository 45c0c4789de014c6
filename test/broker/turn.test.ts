import test from 'ava'
import type { Effect } from '../../broker/core/effect.ts'
import type { Event } from '../../broker/core/event.ts'
import { seedIds } from '../../broker/core/ids.ts'
import { loadState } from '../../broker/core/load.ts'
import type { Records } from '../../broker/core/records.ts'
import type { State } from '../../broker/core/state.ts'
import { startTurns, type Turns } from '../../broker/turn.ts'
import { card } from './core/cards.ts'
import { memoryDisk, openMemory } from './store/memory.ts'

const START_MS = Date.UTC(2026, 10, 23)

/** The real turns over a store in memory; `next` is fulfilled with each turn that has been performed. */
function begin(t: { teardown(end: () => void): void }, beforeCommit?: (records: Records) => void) {
  const order: string[] = []
  const store = openMemory(memoryDisk(), (records) => {
    order.push('commit')
    beforeCommit?.(records)
  })
  const began_ms = performance.now()
  const now = () => {
    const mono_ms = performance.now() - began_ms
    return { wall_ms: START_MS + Math.floor(mono_ms), mono_ms }
  }
  const state = loadState(store.load(), seedIds(1, 2), now())
  const performed: { effects: readonly Effect[]; records: Records }[] = []
  let wake = Promise.withResolvers<void>()
  const failure = Promise.withResolvers<unknown>()
  const turns = startTurns({
    state,
    store,
    now,
    perform: (effects, records) => {
      order.push('perform')
      performed.push({ effects, records })
      wake.resolve()
      wake = Promise.withResolvers()
    },
    onFailure: failure.resolve,
  })
  t.teardown(() => turns.stop())
  const until = async (fits: () => boolean): Promise<void> => {
    while (!fits()) await wake.promise
  }
  return { state, turns, order, performed, failed: failure.promise, until }
}

const hello = (slots = 4): Event => ({
  kind: 'hello',
  peer: 'web1',
  token: 'token',
  hashes: ['hash'],
  hello: {
    kind: 'hello',
    protocol: 1,
    version: 'test',
    name: 'web1',
    instance: 'spool',
    slots,
    credit: slots,
    cards: [card('import')],
    lanes: {},
    held: [],
    reload_error: null,
  },
})
const trigger = (id: number, count = 1, delay_ms = 0): Event => ({
  kind: 'command',
  peer: 'client',
  command: {
    kind: 'trigger',
    id,
    triggers: Array.from({ length: count }, () => ({ job: 'import', params: {}, delay_ms })),
  },
})
const isTask = ({ kind }: Effect): boolean => kind === 'task'
const take = (turns: Turns, ...events: Event[]): void =>
  events.forEach((event) => turns.take(event))
const runsIn = (state: State): number => state.runs.size

test('events that come together are one transaction, and leave after it', async (t) => {
  const { turns, order, performed, until, state } = begin(t)
  take(turns, hello(), ...[1, 2, 3].map((id) => trigger(id)))
  t.is(turns.waiting(), 4)
  await until(() => runsIn(state) === 3)
  t.deepEqual(order, ['commit', 'perform'])
  const kinds = performed[0]?.effects.map((effect) => effect.kind)
  t.deepEqual(kinds, ['say', 'reply', 'reply', 'reply', 'task', 'task', 'task'])
  t.is(turns.waiting(), 0)
})

test('a turn that changes nothing needs no commit', async (t) => {
  const { turns, order, until, performed } = begin(t)
  take(turns, { kind: 'report', peer: 'x', session: 'none', report: { kind: 'heartbeat' } })
  await until(() => performed.length > 0)
  t.deepEqual(order, ['perform'])
})

test('a transaction is capped: the rest has the next turn, and nothing is left behind', async (t) => {
  const { turns, until, performed, state } = begin(t)
  take(turns, hello(0), ...Array.from({ length: 10 }, (_, id) => trigger(id, 700)))
  await until(() => runsIn(state) === 7_000)
  const sizes = performed.map(({ records }) => records.runs.length)
  t.true(sizes.length > 1 && sizes.every((size) => size <= 2_700), sizes.join())
  const replies = performed.flatMap(({ effects }) =>
    effects.flatMap((effect) => (effect.kind === 'reply' ? effect.reply.id : [])),
  )
  t.deepEqual(
    replies,
    Array.from({ length: 10 }, (_, id) => id),
    'in order',
  )
})

test('a deadline wakes the broker by itself', async (t) => {
  const { turns, until, performed, state } = begin(t)
  take(turns, hello(), trigger(1, 1, 20))
  await until(() => performed.length > 0)
  t.is([...state.runs.values()][0]?.state, 'waiting')
  await until(() => performed.some(({ effects }) => effects.some(isTask)))
  t.is([...state.runs.values()][0]?.state, 'running')
})

test('a commit that fails ends the turns: nothing leaves, and nothing more is taken', async (t) => {
  const { turns, order, failed, performed } = begin(t, () => {
    throw new Error('disk full')
  })
  take(turns, hello())
  t.is(((await failed) as Error).message, 'disk full')
  take(turns, trigger(1))
  await new Promise((resolve) => void setImmediate(resolve))
  t.deepEqual(order, ['commit'])
  t.deepEqual(performed, [])
})

test('stopped turns take nothing more', async (t) => {
  const { turns, order } = begin(t)
  take(turns, hello())
  turns.stop()
  take(turns, trigger(1))
  await new Promise((resolve) => void setImmediate(resolve))
  t.deepEqual(order, [])
})
