import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { Store } from '../../../broker/store/store.ts'
import type { Semaphore } from '../../../common/definition/card.ts'
import { memoryDisk, openMemory } from '../store/memory.ts'
import { card } from './cards.ts'
import { arrive, arriving, MEMBERS, open, passAll, ran, ready, READY } from './gather.ts'
import { makeWorld, type World } from './world.ts'

function gathering(t: ExecutionContext, more: Partial<Semaphore> = {}, store?: Store): World {
  const world = makeWorld(t, store)
  world.worker('web1', { cards: MEMBERS, slots: 99 })
  world.semaphores(ready(more))
  return world
}

const gate = (world: World, key = 'k') =>
  world.store.gates([{ semaphore: READY, key }]).get(`${READY}\0${key}`)

test('the first open creates the then runs, later ones change nothing', (t) => {
  const world = gathering(t)
  const run_id = ran(world, 'index', { date: '2026', only: 'index' })
  const last = ran(world, 'part', { date: '2026', only: 'part' })
  t.is(arrive(world, run_id).kind, 'counted')
  arrive(world, last, { member: 1, distinct: 'shop' })
  world.atOnce(() => {
    for (let n = 0; n < 3; n++)
      world.post({ kind: 'open', semaphore: READY, key: 'k', generation: 1 })
  })
  t.false(open(world))
  world.restart()
  t.false(open(world))
  const runs = world.runsOf('publish')
  t.is(runs.length, 1)
  t.like(runs[0], { via: 'semaphore', parent_run_id: last, flow_id: last })
  const published = runs[0]?.run_id ?? ''
  t.deepEqual(world.paramsOf(published), { date: '2026' }, 'on which all arrivals agree')
  t.deepEqual(world.contextOf(published), { gate_key: 'k' })
  t.is(world.told('gate.open.ready.'), 1)
})

test('an arrival is counted once however often it is told', (t) => {
  const world = gathering(t)
  const run_id = ran(world, 'index')
  world.atOnce(() => {
    for (let n = 0; n < 3; n++) world.post(arriving(run_id))
  })
  t.is(arrive(world, run_id).kind, 'repeated')
  world.restart()
  const again = arrive(world, run_id)
  t.is(again.kind, 'repeated')
  t.deepEqual(again.gate?.arrived, [1, 0])
})

test('a repeated distinct value takes its earlier one’s place', (t) => {
  const world = gathering(t)
  const [first, second] = [ran(world, 'part'), ran(world, 'part')]
  const part = { member: 1, distinct: 'shop' }
  arrive(world, first, part)
  const { kind, gate: there } = arrive(world, second, part)
  t.is(kind, 'counted')
  t.deepEqual(there?.arrived, [0, 1])
  t.deepEqual([...(gate(world)?.arrivals.keys() ?? [])], [second])
  t.is(arrive(world, first, part).kind, 'repeated', 'the earlier one does not come back')
  world.restart()
  t.deepEqual([...(world.state().gates.get(`${READY}\0k`)?.arrivals.keys() ?? [])], [second])
  const third = arrive(world, ran(world, 'part'), { ...part, distinct: 'stock' })
  t.deepEqual(third.gate?.arrived, [0, 2])
})

test('the same distinct value of another member is another arrival', (t) => {
  const world = gathering(t)
  arrive(world, ran(world, 'index'), { distinct: 'a' })
  const { gate: there } = arrive(world, ran(world, 'part'), { member: 1, distinct: 'a' })
  t.deepEqual(there?.arrived, [1, 1])
})

test('only a run that succeeded arrives', (t) => {
  const world = gathering(t)
  const running = world.trigger('index').run_id
  for (const run_id of [running, ran(world, 'index', {}, 1)])
    t.is(world.refusal(arriving(run_id)).code, 'not_arrived')
  t.is(world.refusal(arriving(ran(world, 'index'), { failed: true })).code, 'not_arrived')
  t.is(world.refusal(arriving('none')).status, 404)
  t.is(world.refusal({ ...arriving(running), semaphore: 'redy' }).hint, 'did you mean ready?')
})

test('an opened gate stays open: what comes later is noted as late and starts nothing', (t) => {
  const world = gathering(t)
  arrive(world, ran(world, 'index'))
  open(world)
  t.is(arrive(world, ran(world, 'index')).kind, 'late')
  world.restart()
  const late = ran(world, 'index')
  t.is(arrive(world, late).kind, 'late')
  t.is(arrive(world, late).kind, 'repeated')
  t.is(gate(world)?.late, 2)
  t.false(open(world))
  t.is(world.runsOf('publish').length, 1)
})

test('repeat: an opened gate closes again and waits for all anew', (t) => {
  const world = gathering(t, { repeat: true })
  for (const generation of [1, 2, 3]) {
    const { gate: there } = arrive(world, ran(world, 'index'))
    t.is(there?.generation, generation)
    t.deepEqual(there?.arrived, [1, 0])
    t.true(open(world, generation))
    t.false(open(world, generation), 'a second copy comes too late')
    if (generation === 2) world.restart()
  }
  t.is(world.runsOf('publish').length, 3)
})

test('an arrival of an earlier generation is repeated in every later one', (t) => {
  const world = gathering(t, { repeat: true })
  const run_id = ran(world, 'index')
  arrive(world, run_id)
  open(world, 1)
  t.is(arrive(world, run_id).kind, 'repeated')
  world.restart()
  const again = arrive(world, run_id)
  t.is(again.kind, 'repeated')
  t.deepEqual(again.gate?.arrived, [0, 0])
})

test('reset shuts an opened gate, and the next generation opens it again', (t) => {
  const world = gathering(t)
  arrive(world, ran(world, 'index'))
  open(world)
  const reset = { kind: 'reset', semaphore: READY, key: 'k' } as const
  t.like(world.result(reset), { generation: 2 })
  t.false(open(world, 1), 'an old open does not open the new generation')
  t.is(arrive(world, ran(world, 'index')).kind, 'counted')
  t.true(open(world, 2))
  t.is(world.runsOf('publish').length, 2)
  t.is(world.refusal({ ...reset, key: 'none' }).code, 'unknown_gate')
  t.is(world.refusal({ ...reset, semaphore: 'none' }).code, 'unknown_semaphore')
})

test('a gate opens by hand, with whoever is there', (t) => {
  const world = gathering(t)
  arrive(world, ran(world, 'index', { date: '2026' }))
  t.true(open(world, null))
  t.is(gate(world)?.opened_by, 'test')
  const byHand = { kind: 'open', semaphore: READY, key: 'k', generation: null } as const
  t.like(world.refusal(byHand), { status: 409, code: 'gate_open' })
  t.true(open(world, null, 'nobody came'))
  const [first, second] = world.runsOf('publish')
  t.deepEqual(world.paramsOf(first?.run_id ?? ''), { date: '2026' })
  t.is(second?.flow_id, second?.run_id, 'it begins a flow')
})

test('the timeout counts from the first arrival, starts on_timeout once, and the gate goes on waiting', (t) => {
  const world = gathering(t, { timeout_ms: 60_000 })
  world.pass(100_000, ['web1'])
  arrive(world, ran(world, 'index'))
  world.pass(30_000, ['web1'])
  arrive(world, ran(world, 'part'), { member: 1, distinct: 'shop' })
  world.pass(29_999, ['web1'])
  t.is(world.runsOf('tell').length, 0)
  world.pass(1, ['web1'])
  t.like(world.runsOf('tell')[0], { via: 'timeout' })
  world.pass(600_000, ['web1'])
  t.is(world.runsOf('tell').length, 1)
  arrive(world, ran(world, 'part'), { member: 1, distinct: 'stock' })
  t.true(open(world))
})

test('a timeout holds over a restart', (t) => {
  const world = gathering(t, { timeout_ms: 60_000 })
  arrive(world, ran(world, 'index'))
  world.pass(30_000)
  world.restart()
  world.pass(29_999)
  t.is(world.runsOf('tell').length, 0)
  world.pass(1)
  world.restart()
  world.pass(60_000)
  t.is(world.runsOf('tell').length, 1)
})

test('an opened gate has no timeout, and each generation has its own', (t) => {
  const world = gathering(t, { timeout_ms: 60_000, repeat: true })
  arrive(world, ran(world, 'index'))
  world.pass(50_000, ['web1'])
  open(world, 1)
  arrive(world, ran(world, 'index'))
  world.pass(59_999, ['web1'])
  t.is(world.runsOf('tell').length, 0)
  world.pass(1, ['web1'])
  t.is(world.runsOf('tell').length, 1)
})

test('on_member_failure fail: a failed member starts on_timeout’s job at once, and once', (t) => {
  const world = gathering(t, { on_member_failure: 'fail', timeout_ms: 60_000 })
  const failed = ran(world, 'index', {}, 1)
  arrive(world, failed, { failed: true })
  t.like(world.runsOf('tell')[0], { via: 'timeout', parent_run_id: failed })
  arrive(world, failed, { failed: true })
  world.restart()
  world.worker('web1', { cards: MEMBERS, slots: 99 })
  arrive(world, ran(world, 'part', {}, 1), { failed: true, member: 1 })
  arrive(world, ran(world, 'index'))
  world.pass(60_000, ['web1'])
  t.is(world.runsOf('tell').length, 1)
  t.true(open(world), 'it goes on waiting all the same')
})

test('on_member_failure wait: a failed member changes nothing', (t) => {
  const world = gathering(t)
  arrive(world, ran(world, 'index', {}, 1), { failed: true })
  t.is(world.runsOf('tell').length, 0)
  t.is(gate(world), undefined)
})

test('an arrival whose key cannot be formed is listed as unkeyed, with the missing name', (t) => {
  const arrivals: unknown[] = []
  const store = openMemory(memoryDisk(), (records) => arrivals.push(...records.arrivals))
  const world = gathering(t, {}, store)
  const run_id = ran(world, 'index')
  const { kind, gate: none } = world.result({
    ...arriving(run_id, { key: null }),
    missing: 'date',
  }) as { kind: string; gate: unknown }
  t.deepEqual([kind, none], ['unkeyed', null])
  t.like(arrivals[0], { key: null, missing: 'date', run_id, late: false })
})

test('keys named like parts of objects are only keys', (t) => {
  const world = gathering(t)
  for (const key of ['__proto__', 'constructor', '', 'a b']) {
    arrive(world, ran(world, 'index'), { key })
    t.true(open(world, 1, key))
  }
  t.is(world.runsOf('publish').length, 4)
})

test('a semaphore begins at the end of the feed, and its place only moves forward', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('index')] })
  ran(world, 'index')
  const head = `0-${world.state().feed_head}`
  const ask = (after: string | null, name = READY) =>
    (world.result({ kind: 'place', semaphores: [{ name, after }] }) as { places: object }).places
  t.deepEqual(ask(null), { [READY]: null }, 'nobody has told of it')
  world.semaphores(ready())
  t.deepEqual(ask(null), { [READY]: head })
  t.deepEqual(ask('0-1'), { [READY]: head })
  t.deepEqual(ask('0-999999'), { [READY]: head })
  ran(world, 'index')
  const passed = `0-${world.state().feed_head}`
  passAll(world)
  world.restart()
  t.deepEqual(ask(null), { [READY]: passed })
  for (const after of ['', 'x', '1-5', '0--1', '0-1e3'])
    t.is(world.refusal({ kind: 'place', semaphores: [{ name: READY, after }] }).code, 'bad_cursor')
})

test('a definition that was changed is the one that counts', (t) => {
  const world = gathering(t)
  world.semaphores(ready({ then: [] }))
  arrive(world, ran(world, 'index'))
  open(world)
  t.is(world.runsOf('publish').length, 0)
  world.restart()
  t.deepEqual(world.state().semaphores.get(READY)?.definition.then, [])
})
