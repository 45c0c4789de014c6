/** What every arrival costs: nothing that grows with the gate. */
import test from 'ava'
import { addArrival, countArrivals, gather } from '../../../broker/core/gathering.ts'
import type { Arrival, Gate } from '../../../broker/core/state.ts'
import { viewSemaphores } from '../../../broker/core/view-gates.ts'
import { memoryDisk, openMemory } from '../store/memory.ts'
import { arrive, MEMBERS, open, ran, ready, READY } from './gather.ts'
import { makeWorld } from './world.ts'

/** A map that tells how many entries anybody walked over. */
class WalkedMap extends Map<string, Arrival> {
  walked = 0;
  override *values(): MapIterator<Arrival> {
    for (const value of super.values()) {
      this.walked += 1
      yield value
    }
  }
  override *entries(): MapIterator<[string, Arrival]> {
    for (const entry of super.entries()) {
      this.walked += 1
      yield entry
    }
  }
  override [Symbol.iterator](): MapIterator<[string, Arrival]> {
    return this.entries()
  }
}

const gate = (): Gate => ({
  semaphore: READY,
  key: 'k',
  generation: 1,
  opened_ms: null,
  opened_by: null,
  since_ms: 0,
  timeout_at_ms: null,
  failed: false,
  late: 0,
  arrivals: new Map(),
})

const arrival = (n: number, distinct: string | null): Arrival => ({
  run_id: `run-${n}`,
  flow_id: `flow-${n}`,
  member: distinct === null ? 0 : 1,
  distinct,
  at_ms: n,
  depth: 0,
})

test('an arrival is added, replaced and counted without a walk over the others', (t) => {
  const arrivals = new WalkedMap()
  const crowd = Object.assign(gather(gate()), { arrivals })
  for (let n = 0; n < 5_000; n++)
    t.is(
      addArrival(crowd, arrival(n, `value-${n % 4_000}`))?.run_id,
      n < 4_000 ? undefined : `run-${n - 4_000}`,
    )
  addArrival(crowd, arrival(5_000, null))
  t.deepEqual(countArrivals({ definition: ready() }, crowd), [1, 4_000])
  t.is(arrivals.walked, 0)
  t.is([...arrivals.values()].length, arrivals.walked, 'the map does tell of walks')
})

test('a gate in memory is not read from the store again', (t) => {
  const store = openMemory(memoryDisk())
  const read: string[] = []
  const watched = {
    ...store,
    gates: (keys: Parameters<typeof store.gates>[0]) => {
      read.push(...keys.map(({ key }) => key))
      return store.gates(keys)
    },
  }
  const world = makeWorld(t, watched)
  world.worker('web1', { cards: MEMBERS, slots: 99 })
  world.semaphores(ready())
  arrive(world, ran(world, 'index'))
  t.deepEqual(read, ['k'], 'the first arrival asks whether there is a gate')
  for (let n = 0; n < 3; n++) arrive(world, ran(world, 'part'), { member: 1, distinct: `${n}` })
  world.restart()
  arrive(world, ran(world, 'part'), { member: 1, distinct: 'other' })
  open(world)
  t.deepEqual(read, ['k'])
  arrive(world, ran(world, 'index'))
  t.deepEqual(read, ['k', 'k'], 'an opened one is only on disk')
})

test('a replaced arrival is replaced also after a restart', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: MEMBERS, slots: 99 })
  world.semaphores(ready())
  arrive(world, ran(world, 'part'), { member: 1, distinct: 'shop' })
  world.restart()
  const { gate: there } = arrive(world, ran(world, 'part'), { member: 1, distinct: 'shop' })
  t.deepEqual(there?.arrived, [0, 1])
})

test('a member that nobody waits for is not counted', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: MEMBERS, slots: 99 })
  world.semaphores(ready())
  const { gate: there } = arrive(world, ran(world, 'part'), { member: 2 ** 40 })
  t.deepEqual(there?.arrived, [0, 0])
})

test('of a large gate the newest arrivals are listed, and how many there are', (t) => {
  const world = makeWorld(t)
  world.semaphores(ready())
  const large = gather(gate())
  for (let n = 0; n < 1_000; n++) addArrival(large, arrival(n, `value-${n}`))
  world.state().gates.set(`${READY}\0k`, large)
  const [view] = viewSemaphores(world.state(), world.now(), 1_000_000)
  const [shown] = view?.gates ?? []
  t.is(shown?.arrived_count, 1_000)
  t.is(shown?.arrived.length, 100)
  t.is(shown?.arrived.at(-1)?.run_id, 'run-999')
  t.deepEqual(shown?.missing, [{ job: 'index', count: 1 }])
  t.deepEqual(
    viewSemaphores(world.state(), world.now(), 1_000)[0]?.gates,
    [],
    'and no gate that does not fit',
  )
})
