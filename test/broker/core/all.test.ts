import test from 'ava'
import { card } from './cards.ts'
import { makeWorld } from './world.ts'

const broadcast = (more = {}) => [card('rotate', { deliver: 'all', ...more })]

test('deliver all: every subscribed worker runs it, once', (t) => {
  const world = makeWorld(t)
  for (const name of ['web1', 'web2', 'web3']) world.worker(name, { cards: broadcast() })
  world.worker('other', { cards: [card('import')] })
  const { run_id, deliver, workers } = world.trigger('rotate')
  t.deepEqual([deliver, workers], ['all', 3])
  for (const name of ['web1', 'web2', 'web3']) world.end(name, world.given(name))
  t.deepEqual(world.tasks('other'), [])
  t.like(world.run(run_id), { state: 'succeeded', reason: '3 of 3' })
})

test('a broadcast that was not accepted within 200 ms goes through the door', (t) => {
  const world = makeWorld(t)
  for (const name of ['web1', 'web2']) world.worker(name, { cards: broadcast() })
  world.deaf.add('web2')
  const { run_id } = world.trigger('rotate')
  const task = world.given('web1')
  world.accept('web1', task)
  t.deepEqual(world.tasks('web2'), [])
  world.pass(199)
  t.deepEqual(world.tasks('web2'), [])
  world.pass(1)
  const resent = world.given('web2')
  t.like(resent, { attempt: 1, task_id: `${run_id}.1` })
  t.deepEqual(world.sent('web1', 'task'), [], 'who has accepted is not asked again')
  world.end('web1', task)
  world.end('web2', resent)
  t.is(world.run(run_id).state, 'succeeded')
})

test('offline skip: workers that are away are missed, and do not fail the run', (t) => {
  const world = makeWorld(t)
  for (const name of ['web1', 'web2']) world.worker(name, { cards: broadcast() })
  world.cut('web2')
  world.pass(60_000, ['web1'])
  const { run_id } = world.trigger('rotate')
  t.is(world.task(run_id, 1).state, 'missed')
  world.end('web1', world.given('web1'))
  t.like(world.run(run_id), { state: 'succeeded', reason: '1 of 2; missed: web2' })
})

test('offline wait: workers that are away are waited for, and missed after that', (t) => {
  const world = makeWorld(t)
  const cards = broadcast({ offline_wait_ms: 3_600_000 })
  for (const name of ['web1', 'web2', 'web3']) world.worker(name, { cards })
  world.cut('web2')
  world.cut('web3')
  world.pass(60_000, ['web1'])
  const { run_id } = world.trigger('rotate')
  world.end('web1', world.given('web1'))
  world.pass(3_000_000, ['web1'])
  t.is(world.run(run_id).state, 'running', 'it is waited for longer than a lost task')
  world.worker('web2', { cards })
  world.end('web2', world.given('web2'))
  world.pass(600_000, ['web1', 'web2'])
  t.like(world.run(run_id), { state: 'succeeded', reason: '2 of 3; missed: web3' })
})

test('offline wait goes on where it was after a restart', (t) => {
  const world = makeWorld(t)
  const cards = broadcast({ offline_wait_ms: 3_600_000 })
  for (const name of ['web1', 'web2']) world.worker(name, { cards })
  world.cut('web2')
  world.pass(60_000, ['web1'])
  const { run_id } = world.trigger('rotate')
  world.end('web1', world.given('web1'))
  world.pass(1_800_000)
  world.restart()
  world.pass(1_799_999)
  t.is(world.run(run_id).state, 'running')
  world.pass(1)
  t.is(world.run(run_id).state, 'succeeded')
})

test('all fixes its workers when it leaves the queue with at least one present', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: broadcast() })
  world.cut('web1')
  world.pass(60_000)
  const { run_id } = world.trigger('rotate')
  t.is(world.run(run_id).state, 'queued', 'nobody is present')
  world.worker('web2', { cards: broadcast() })
  t.is(world.run(run_id).state, 'running')
  world.worker('web3', { cards: broadcast() })
  t.deepEqual(world.tasks('web3'), [], 'it came too late')
  // It was not subscribed yet when the broadcast went out with its welcome.
  world.pass(200)
  world.end('web2', world.given('web2'))
  t.like(world.run(run_id), { state: 'succeeded', reason: '1 of 2; missed: web1' })
})

const outcomes = [
  ['present', 1, 'succeeded'],
  ['all', 1, 'failed'],
  [2, 1, 'failed'],
  [2, 2, 'succeeded'],
] as const
for (const [require, there, state] of outcomes)
  test(`require ${require} with ${there} of 3 there: ${state}`, (t) => {
    const world = makeWorld(t)
    const names = ['web1', 'web2', 'web3']
    for (const name of names) world.worker(name, { cards: broadcast({ require }) })
    const present = names.slice(0, there)
    for (const name of names.slice(there)) world.cut(name)
    world.pass(60_000, present)
    const { run_id } = world.trigger('rotate')
    for (const name of present) world.end(name, world.given(name))
    t.is(world.run(run_id).state, state)
    t.regex(world.run(run_id).reason ?? '', new RegExp(`${there} of 3; missed: `))
  })

test('a run of all is failed if any task is failed, timed out or lost', (t) => {
  for (const outcome of [{ exit_code: 1 }, { exit_code: null, reason: 'timeout' }] as const) {
    const world = makeWorld(t)
    for (const name of ['web1', 'web2']) world.worker(name, { cards: broadcast() })
    const { run_id } = world.trigger('rotate')
    world.end('web1', world.given('web1'), outcome)
    t.is(world.run(run_id).state, 'running', 'it is over when all tasks are')
    world.end('web2', world.given('web2'))
    t.is(world.run(run_id).state, 'failed')
    t.regex(world.run(run_id).reason ?? '', /^1 of 2; (failed|timed out): web1$/)
  }
})

test('a worker with no free slot keeps it in a queue of its own', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: broadcast(), slots: 1, credit: 0 })
  const runs = [world.trigger('rotate'), world.trigger('rotate')]
  t.deepEqual(
    world.tasks('web1').map((task) => task.run_id),
    runs.map((run) => run.run_id),
  )
})

test('all takes one place in lane and limit, however many workers it has', (t) => {
  const world = makeWorld(t)
  const cards = broadcast({ lane: 'media' })
  for (const name of ['web1', 'web2', 'web3'])
    world.worker(name, { cards, lanes: { media: { limit: 1 } } })
  const first = world.trigger('rotate')
  const second = world.trigger('rotate')
  t.is(world.state().lanes.get('media')?.running, 1)
  for (const name of ['web1', 'web2']) world.end(name, world.given(name))
  t.is(world.run(second.run_id).state, 'queued')
  world.end('web3', world.given('web3'))
  t.is(world.run(first.run_id).state, 'succeeded')
  t.is(world.run(second.run_id).state, 'running')
})

test('an all task stays with its worker and is lost after 10 minutes away', (t) => {
  const world = makeWorld(t)
  for (const name of ['web1', 'web2']) world.worker(name, { cards: broadcast() })
  const { run_id } = world.trigger('rotate')
  const [one, two] = [world.given('web1'), world.given('web2')]
  world.begin('web1', one)
  world.end('web2', two)
  world.cut('web1')
  world.pass(60_000 + 599_999, ['web2'])
  t.is(world.run(run_id).state, 'running')
  t.deepEqual(world.tasks('web2'), [], 'nobody else gets it')
  world.pass(1, ['web2'])
  t.like(world.run(run_id), { state: 'failed', reason: '1 of 2; lost: web1' })
  t.is(world.task(run_id, 0).attempts[0]?.state, 'lost')
})

test('a worker that comes and goes is lost after 10 minutes at a stretch, not in sum', (t) => {
  const world = makeWorld(t)
  for (const name of ['web1', 'web2']) world.worker(name, { cards: broadcast() })
  const { run_id } = world.trigger('rotate')
  const task = world.given('web1')
  world.begin('web1', task)
  world.end('web2', world.given('web2'))
  world.cut('web1')
  world.pass(400_000, ['web2'])
  const held = [{ task_id: task.task_id, attempt: 1, state: 'running' as const }]
  world.worker('web1', { cards: broadcast(), held })
  world.cut('web1')
  world.pass(400_000, ['web2'])
  t.is(world.run(run_id).state, 'running')
  world.worker('web1', { cards: broadcast(), held })
  world.end('web1', task)
  t.is(world.run(run_id).state, 'succeeded')
})

test('an all task that waits for its retry while its worker is away is lost in the end too', (t) => {
  const world = makeWorld(t)
  const retries = { limit: 1, backoff_ms: 7_200_000, max_backoff_ms: 7_200_000, exit_codes: null }
  for (const name of ['web1', 'web2']) world.worker(name, { cards: broadcast({ retries }) })
  const { run_id } = world.trigger('rotate')
  world.end('web2', world.given('web2'))
  world.end('web1', world.given('web1'), { exit_code: 1 })
  t.is(world.task(run_id, 0).state, 'delayed')
  world.cut('web1')
  world.pass(8_000_000)
  t.is(world.run(run_id).state, 'failed')
  t.is(world.task(run_id, 0).state, 'lost')
})

test('an all task on a worker without a session is leased when that is back', (t) => {
  const world = makeWorld(t)
  for (const name of ['web1', 'web2']) world.worker(name, { cards: broadcast() })
  world.cut('web2')
  const { run_id } = world.trigger('rotate')
  t.is(world.task(run_id, 1).state, 'ready')
  world.worker('web2', { cards: broadcast() })
  world.end('web2', world.given('web2'))
  world.end('web1', world.given('web1'))
  t.like(world.run(run_id), { state: 'succeeded', reason: '2 of 2' })
})

test('a draining worker keeps its all tasks waiting until it resumes', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: broadcast() })
  world.result({ kind: 'worker', worker: 'web1', action: 'drain' })
  const { run_id } = world.trigger('rotate')
  t.deepEqual(world.tasks('web1'), [])
  world.result({ kind: 'worker', worker: 'web1', action: 'resume' })
  t.is(world.given('web1').run_id, run_id)
})
