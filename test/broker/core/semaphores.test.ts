/** Semaphores that are no more: whoever waits for one can be let go. */
import test from 'ava'
import { memoryDisk, openMemory } from '../store/memory.ts'
import { arrive, MEMBERS, open, passAll, ran, READY, ready } from './gather.ts'
import { makeWorld, type World } from './world.ts'

const settled = 'flow.settled.'

function waiting(world: World): string {
  world.worker('web1', { cards: MEMBERS, slots: 9 })
  world.semaphores(ready())
  return ran(world, 'index')
}
const forget = (world: World): unknown =>
  world.result({ kind: 'semaphore', semaphore: READY, action: 'forget' })
const refused = (world: World, semaphore = READY): string =>
  world.refusal({ kind: 'semaphore', semaphore, action: 'forget' }).code

test('a flow that waits for a forgotten semaphore is settled, for good', (t) => {
  const world = makeWorld(t)
  waiting(world)
  t.is(world.told(settled), 0)
  world.pass(60_000, ['web1'])
  t.deepEqual(forget(world), { semaphore: READY, state: 'forgotten' })
  t.is(world.told(settled), 1)
  t.is(world.told(`semaphore.forgotten.${READY}.`), 1)
  t.is(world.state().flows.size, 0)
  world.restart()
  t.is(world.state().flows.size, 0)
  t.is(world.state().semaphores.size, 0)
  ran(world, 'index')
  t.is(world.told(settled), 2, 'nobody waits for it any more')
})

test('its gates let go of what they hold, and stay so under a new broker', (t) => {
  const world = makeWorld(t)
  const run_id = waiting(world)
  arrive(world, run_id)
  passAll(world)
  t.is(world.told(settled), 0)
  world.pass(60_000, ['web1'])
  forget(world)
  t.is(world.told(settled), 1)
  t.is(world.state().gates.size, 0)
  world.restart()
  t.is(world.state().flows.size, 0)
  t.is(world.state().gates.size, 0)
})

test('one that is followed is not forgotten, nor one that does not exist', (t) => {
  const world = makeWorld(t)
  waiting(world)
  t.is(refused(world), 'semaphore_present')
  t.is(refused(world, 'raedy'), 'unknown_semaphore')
  world.pass(40_000)
  world.result({ kind: 'place', semaphores: [{ name: READY, after: null }] })
  world.pass(40_000)
  t.is(refused(world), 'semaphore_present', 'a process has asked for its place')
  world.restart()
  t.is(refused(world), 'semaphore_present', 'the process has not had the time to come back')
  world.pass(60_000, ['web1'])
  t.like(forget(world), { state: 'forgotten' })
  t.is(refused(world), 'unknown_semaphore')
})

test('one that comes back begins anew, and a gate that it opened stays open', (t) => {
  const disk = memoryDisk()
  const world = makeWorld(t, openMemory(disk))
  waiting(world)
  arrive(world, ran(world, 'index'))
  t.true(open(world))
  world.pass(60_000, ['web1'])
  forget(world)
  world.semaphores(ready())
  const { place } = world.state().semaphores.get(READY) ?? {}
  t.is(place, world.state().feed_head, 'it waits for what comes, not for what was')
  t.is(arrive(world, ran(world, 'index')).kind, 'late')
  t.is(disk.semaphores.size, 1)
})

test('forgotten and made known again in one turn, it is known', (t) => {
  const world = makeWorld(t)
  waiting(world)
  world.pass(60_000, ['web1'])
  world.atOnce(() => {
    world.post({ kind: 'semaphore', semaphore: READY, action: 'forget' })
    const semaphores = [{ name: READY, definition: ready(), after: null }]
    world.post({ kind: 'place', semaphores })
  })
  world.restart()
  t.true(world.state().semaphores.has(READY))
})
