import test from 'ava'
import { card, step } from './cards.ts'
import { arrive, MEMBERS, open, passAll, ran, ready, READY } from './gather.ts'
import { makeWorld } from './world.ts'

const settled = 'flow.settled.'

test('a flow is settled when its runs are terminal', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import', { on_success: [step('index')] }), card('index')] })
  world.trigger('import')
  world.end('web1', world.given('web1'))
  t.is(world.told(settled), 0, 'its next step is not over')
  world.end('web1', world.given('web1'))
  t.is(world.told(settled), 1)
  t.is(world.state().flows.size, 0)
})

test('a flow is not settled before every known semaphore’s place has passed its entries', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: MEMBERS, slots: 9 })
  world.semaphores(ready())
  ran(world, 'index')
  t.is(world.told(settled), 0)
  world.restart()
  t.is(world.told(settled), 0)
  passAll(world)
  t.is(world.told(settled), 1)
})

test('a flow without a member does not wait for semaphores', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: MEMBERS, slots: 9 })
  world.semaphores(ready())
  ran(world, 'publish')
  t.is(world.told(settled), 1)
})

test('a flow is not settled while an unopened gate holds its arrivals, also over a restart', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: MEMBERS, slots: 9 })
  world.semaphores(ready({ then: [] }))
  const run_id = ran(world, 'index')
  arrive(world, run_id)
  passAll(world)
  world.restart()
  passAll(world)
  t.is(world.told(settled), 0)
  open(world)
  t.is(world.told(settled), 1)
})

test('an opened gate lets all its flows go; the then runs are in the flow of the latest arrival', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: MEMBERS, slots: 9 })
  world.semaphores(ready())
  const early = ran(world, 'index')
  const late = ran(world, 'part')
  arrive(world, early)
  arrive(world, late, { member: 1, distinct: 'shop' })
  passAll(world)
  open(world)
  t.deepEqual([...world.state().flows.keys()], [late])
  world.end('web1', world.given('web1'))
  passAll(world)
  t.is(world.told(settled), 2)
})

test('a replaced arrival holds its flow no more', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: MEMBERS, slots: 9 })
  world.semaphores(ready())
  const part = { member: 1, distinct: 'shop' }
  arrive(world, ran(world, 'part'), part)
  const second = ran(world, 'part')
  arrive(world, second, part)
  passAll(world)
  t.deepEqual([...world.state().flows.keys()], [second])
})

test('a reset gate lets its flows go', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: MEMBERS, slots: 9 })
  world.semaphores(ready())
  arrive(world, ran(world, 'index'))
  passAll(world)
  world.result({ kind: 'reset', semaphore: READY, key: 'k' })
  t.is(world.told(settled), 1)
  world.restart()
  t.is(world.state().flows.size, 0)
})

test('a late arrival holds no flow', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: MEMBERS, slots: 9 })
  world.semaphores(ready({ then: [] }))
  open(world, null)
  arrive(world, ran(world, 'index'))
  passAll(world)
  t.is(world.state().flows.size, 0)
})

test('a place that passes part of the feed settles the flows of that part', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: MEMBERS, slots: 9 })
  world.semaphores(ready())
  const first = ran(world, 'index')
  const after = `0-${world.state().feed_head}`
  const second = ran(world, 'index')
  world.trigger('part', {}, { parent_run_id: first })
  world.result({ kind: 'place', semaphores: [{ name: READY, after }] })
  t.is(world.told(settled), 0)
  world.end('web1', world.given('web1'))
  t.true(world.state().flows.has(second))
  passAll(world)
  t.is(world.told(settled), 2)
})

test('a retry opens a settled flow again, and it settles again', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const run_id = ran(world, 'import', {}, 1)
  t.is(world.told(settled), 1)
  world.retry(run_id)
  world.end('web1', world.given('web1'))
  t.is(world.told(settled), 2)
})
