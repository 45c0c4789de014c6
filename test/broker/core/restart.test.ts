import test from 'ava'
import { memoryDisk, openMemory } from '../store/memory.ts'
import { card, step } from './cards.ts'
import { makeWorld, type World } from './world.ts'

const cards = [card('import', { on_success: [step('index')] }), card('index')]

/** What each step of a run's life looks like from outside; between any two the broker may die. */
const LIFE: readonly ((world: World) => void)[] = [
  (world) => world.worker('web1', { cards, slots: 1 }),
  (world) => void world.trigger('import', { date: '2026' }, { request_id: 'r1' }),
  (world) => world.accept('web1', { task_id: taskOf(world, 'import'), attempt: 1 }),
  (world) => world.begin('web1', { task_id: taskOf(world, 'import'), attempt: 1 }),
  (world) => world.end('web1', { task_id: taskOf(world, 'import'), attempt: 1 }),
  (world) => world.says('web1', { kind: 'credit', credit: 2 }),
  (world) => world.end('web1', { task_id: taskOf(world, 'index'), attempt: 1 }),
]

const taskOf = (world: World, job: string): string => `${world.runsOf(job)[0]?.run_id}.0`

/** The worker is back, with what it knows of. */
function comeBack(world: World, after: number): void {
  const attempt = { task_id: taskOf(world, 'import'), attempt: 1 }
  const states = { 2: 'accepted', 3: 'running' } as const
  const state = after === 2 || after === 3 ? states[after] : null
  // After the import has ended there is room; the index's task may not have reached it.
  world.worker('web1', { cards, slots: 1, held: state ? [{ ...attempt, state }] : [] })
}

for (let at = 0; at < LIFE.length; at++)
  test(`a broker that dies after step ${at + 1} goes on exactly where it was`, (t) => {
    const world = makeWorld(t)
    for (const [n, live] of LIFE.entries()) {
      live(world)
      if (n !== at) continue
      world.restart()
      comeBack(world, n)
    }
    for (const job of ['import', 'index']) {
      t.deepEqual(
        world.runsOf(job).map(({ state }) => state),
        ['succeeded'],
        job,
      )
      t.is(world.told(`run.succeeded.${job}.`), 1)
    }
    t.is(world.told('flow.settled.'), 1)
    t.is(world.state().runs.size, 0)
  })

test('a broker that dies before its commit has promised nothing', (t) => {
  let is_broken = false
  const store = openMemory(memoryDisk(), () => {
    if (is_broken) throw new Error('no disk')
  })
  const world = makeWorld(t, store)
  world.worker('web1', { cards })
  world.trigger('import')
  const task = world.given('web1')
  is_broken = true
  t.throws(() => world.end('web1', task), { message: 'no disk' })
  t.deepEqual(world.sent('web1', 'ack'), [], 'no word of it left')
  is_broken = false
  world.restart()
  world.worker('web1', { cards, held: [{ ...task, state: 'ended' }] })
  world.end('web1', task)
  t.is(world.sent('web1', 'ack').length, 1)
  t.is(world.runsOf('index').length, 1)
})

test('a starting broker gives every open attempt a new lease', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  const { run_id } = world.trigger('import')
  world.begin('web1', world.given('web1'))
  world.pass(29_000)
  world.restart()
  world.pass(29_999)
  t.is(world.task(run_id).state, 'running')
  world.pass(1)
  t.is(world.task(run_id).state, 'ready')
})

test('a restarted broker asks every worker to say hello', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  const session = world.sessions.get('web1') ?? ''
  world.restart()
  world.turn({ kind: 'report', peer: 'web1', session, report: { kind: 'heartbeat' } })
  t.is(world.sent('web1', 'hello_again').length, 1)
})

test('the queue keeps its order over a restart', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards, slots: 0 })
  const priorities = [5, 1, 5, 3, 1]
  const ids = priorities.map((priority) => world.trigger('import', {}, { priority }).run_id)
  world.restart()
  world.worker('web1', { cards, slots: 9 })
  t.deepEqual(
    world.tasks('web1').map((task) => task.run_id),
    [1, 4, 3, 0, 2].map((at) => ids[at]),
  )
})

test('a broadcast goes on after a restart: done stays done, the rest is asked again', (t) => {
  const world = makeWorld(t)
  const all = [card('rotate', { deliver: 'all' })]
  for (const name of ['web1', 'web2', 'web3']) world.worker(name, { cards: all })
  world.deaf.add('web3')
  const { run_id } = world.trigger('rotate')
  world.end('web1', world.given('web1'))
  const task = world.given('web2')
  world.begin('web2', task)
  world.restart()
  world.worker('web1', { cards: all })
  world.worker('web2', { cards: all, held: [{ ...task, state: 'running' }] })
  world.worker('web3', { cards: all })
  t.deepEqual(world.tasks('web1'), [])
  t.deepEqual(world.tasks('web2'), [])
  world.end('web3', world.given('web3'))
  world.end('web2', task)
  t.like(world.run(run_id), { state: 'succeeded', reason: '3 of 3' })
})

test('feed numbers go on where they were, without a gap', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  world.trigger('import')
  world.restart()
  world.worker('web1', { cards })
  world.trigger('import')
  t.deepEqual(
    world.feed.map(({ n }) => n),
    world.feed.map((_, at) => at + 1),
  )
})
