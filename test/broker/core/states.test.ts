import test from 'ava'
import { card } from './cards.ts'
import { makeWorld, type World } from './world.ts'

const retries = { limit: 1, backoff_ms: 1_000, max_backoff_ms: 1_000, exit_codes: null }
const cards = [card('import', { retries, expires_ms: 60_000 })]

/** The states of a run, in order, as the feed tells them. */
const lifeOf = (world: World, run_id: string): string[] =>
  world.feed.flatMap((entry) => (entry.run_id === run_id ? (entry.state ?? []) : []))

const task = (world: World, run_id: string): string | undefined => world.run(run_id).tasks[0]?.state

test('a run goes from waiting over queued and running to its end', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  const { run_id } = world.trigger('import', {}, { delay_ms: 1_000 })
  world.pass(1_000)
  world.end('web1', world.given('web1'))
  t.deepEqual(lifeOf(world, run_id), ['waiting', 'queued', 'running', 'succeeded'])
})

test('a task goes from ready over leased and running, and over delayed back to ready', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards, slots: 1 })
  const { run_id } = world.trigger('import')
  const first = world.given('web1')
  t.is(task(world, run_id), 'leased')
  world.accept('web1', first)
  t.is(task(world, run_id), 'leased', 'accepted is not started')
  world.begin('web1', first)
  world.pass(250) // A start is written with the next thing, or a moment later.
  t.is(task(world, run_id), 'running')
  world.end('web1', first, { exit_code: 1 })
  t.is(task(world, run_id), 'delayed')
  world.pass(1_000)
  t.is(task(world, run_id), 'ready', 'there is no room')
  world.says('web1', { kind: 'credit', credit: 2 })
  const second = world.given('web1')
  t.is(task(world, run_id), 'leased')
  world.pass(30_000)
  t.is(task(world, run_id), 'ready', 'its lease ran out')
  world.worker('web1', { cards, held: [{ ...second, state: 'running' }] })
  t.is(task(world, run_id), 'running')
  world.end('web1', second)
  t.is(task(world, run_id), 'succeeded')
  t.deepEqual(lifeOf(world, run_id), ['queued', 'running', 'succeeded'])
})
