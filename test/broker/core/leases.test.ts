import test from 'ava'
import { memoryDisk, openMemory } from '../store/memory.ts'
import { card } from './cards.ts'
import { makeWorld, type Given, type World } from './world.ts'

const HELD = { state: 'running' } as const
/** A worker that is back with what it held. */
const back = (world: World, name: string, held: Given[], cards = [card('import')]): void =>
  world.worker(name, { cards, held: held.map((task) => ({ ...task, ...HELD })) })

test('a lease is 30 s from when its worker was last heard', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id } = world.trigger('import')
  world.begin('web1', world.given('web1'))
  world.pass(120_000, ['web1'])
  t.is(world.task(run_id).state, 'running', 'heartbeats renew it')
  world.pass(29_999)
  t.is(world.task(run_id).state, 'running')
  world.pass(1)
  t.like(world.task(run_id), { state: 'ready', lost: 1 })
})

test('a lost attempt is leased again to another worker, under the next number', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id } = world.trigger('import')
  world.begin('web1', world.given('web1'))
  world.worker('web2', { cards: [card('import')] })
  world.pass(30_000, ['web2'])
  const task = world.given('web2')
  t.like(task, { run_id, attempt: 2 })
  world.end('web2', task)
  t.is(world.run(run_id).state, 'succeeded')
  t.deepEqual(
    world.task(run_id).attempts.map(({ worker, state }) => [worker, state]),
    [
      ['web1', 'lost'],
      ['web2', 'succeeded'],
    ],
  )
})

test('a returning attempt is adopted unless a newer one was leased', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id } = world.trigger('import')
  const task = world.given('web1')
  world.begin('web1', task)
  world.pass(45_000)
  t.is(world.task(run_id).state, 'ready')
  back(world, 'web1', [task])
  t.like(world.task(run_id), { state: 'running', attempt: 1, worker: 'web1' })
  t.deepEqual(world.sent('web1', 'stop'), [])
  t.deepEqual(world.sent('web1', 'task'), [])
  world.end('web1', task)
  t.is(world.run(run_id).state, 'succeeded')
})

test('a returning attempt that is not the newest is told to stop, and its end changes nothing', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id } = world.trigger('import')
  const old = world.given('web1')
  world.begin('web1', old)
  world.worker('web2', { cards: [card('import')] })
  world.pass(30_000, ['web2'])
  const newest = world.given('web2')
  back(world, 'web1', [old])
  t.like(world.sent('web1', 'stop')[0], { task_id: old.task_id, attempt: 1, reason: 'fenced' })
  world.end('web1', old, { exit_code: 7 })
  t.is(world.sent('web1', 'ack').length, 1, 'so that it forgets it')
  t.like(world.task(run_id), { state: 'leased', attempt: 2, worker: 'web2' })
  t.regex(world.task(run_id).attempts[0]?.reason ?? '', /reported too late: failed$/)
  world.end('web1', old, { exit_code: 7 })
  world.end('web2', newest)
  t.is(world.run(run_id).state, 'succeeded')
})

test('an attempt of a run that is over is fenced too', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  world.trigger('import')
  const task = world.given('web1')
  world.end('web1', task)
  for (const say of [world.accept, world.begin]) {
    say('web1', task)
    t.like(world.sent('web1', 'stop')[0], { reason: 'fenced' })
  }
})

test('a report by a worker that never had the attempt changes nothing', (t) => {
  const world = makeWorld(t)
  for (const name of ['web1', 'web2']) world.worker(name, { cards: [card('import')] })
  const { run_id } = world.trigger('import')
  const task = world.given('web1')
  world.end('web2', task)
  for (const task_id of ['', 'x', `${run_id}.99`, `${run_id}.-1`, `${run_id}.length`, '.0'])
    world.end('web1', { task_id, attempt: 1 })
  world.end('web1', { ...task, attempt: 2 })
  t.is(world.task(run_id).state, 'leased')
})

test('a worker that has it no more gets it again: sent and not arrived, as the same attempt', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id } = world.trigger('import')
  world.cut('web1')
  back(world, 'web1', [])
  t.like(world.given('web1'), { run_id, attempt: 1 })
  t.is(world.task(run_id).lost, 0)
})

test('a worker that has it no more gets it again: accepted and gone, as the next attempt', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id } = world.trigger('import')
  world.begin('web1', world.given('web1'))
  back(world, 'web1', [])
  t.like(world.given('web1'), { run_id, attempt: 2 })
  t.is(world.task(run_id).lost, 1)
})

test('what is sent again takes credit again', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')], slots: 2 })
  for (let n = 0; n < 4; n++) world.trigger('import')
  world.cut('web1')
  world.worker('web1', { cards: [card('import')], slots: 2 })
  t.is(world.tasks('web1').length, 2)
})

test('lost attempts do not count against retries; the fifth makes the task lost', (t) => {
  const world = makeWorld(t)
  const { run_id } = (world.worker('web1', { cards: [card('import')] }), world.trigger('import'))
  for (let attempt = 1; attempt <= 5; attempt++) {
    const task = world.given('web1')
    t.is(task.attempt, attempt)
    world.begin('web1', task)
    world.pass(30_000)
    if (attempt === 4) world.restart()
    world.worker('web1', { cards: [card('import')] })
  }
  t.like(world.run(run_id), { state: 'failed' })
  t.regex(world.run(run_id).reason ?? '', /poison/)
  t.like(world.task(run_id), { state: 'lost', lost: 5, tries: 0 })
  t.deepEqual(world.tasks('web1'), [])
})

test('on_lost fail: the task is lost with its lease', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import', { on_lost: 'fail' })] })
  const { run_id } = world.trigger('import')
  world.begin('web1', world.given('web1'))
  world.pass(30_000)
  t.is(world.run(run_id).state, 'failed')
  t.is(world.task(run_id).state, 'lost')
})

test('retries 0 with on_lost fail: at most once, through restarts of broker and worker', (t) => {
  const world = makeWorld(t)
  const cards = [card('import', { on_lost: 'fail' })]
  world.worker('web1', { cards })
  const { run_id } = world.trigger('import')
  world.begin('web1', world.given('web1'))
  world.restart()
  world.worker('web1', { cards })
  t.deepEqual(world.tasks('web1'), [], 'it was started once')
  t.like(world.run(run_id), { state: 'failed' })
})

test('on_lost wait: it waits until its worker is back', (t) => {
  const world = makeWorld(t)
  const cards = [card('import', { on_lost: 'wait' })]
  for (const name of ['web1', 'web2']) world.worker(name, { cards })
  const { run_id } = world.trigger('import')
  const task = world.given('web1')
  world.begin('web1', task)
  world.cut('web1')
  world.pass(3_600_000)
  world.restart()
  world.worker('web2', { cards })
  world.pass(3_600_000)
  t.is(world.task(run_id).state, 'running')
  t.deepEqual(world.tasks('web2'), [])
  back(world, 'web1', [task], cards)
  world.end('web1', task)
  t.is(world.run(run_id).state, 'succeeded')
})

test('an end that was not acknowledged is taken when the worker is back', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id } = world.trigger('import')
  const task = world.given('web1')
  world.pass(45_000)
  world.worker('web1', { cards: [card('import')], held: [{ ...task, state: 'ended' }] })
  t.deepEqual(world.sent('web1', 'stop'), [])
  world.end('web1', task)
  t.is(world.run(run_id).state, 'succeeded')
  t.is(world.sent('web1', 'ack').length, 1)
})

test('an end that was taken already is not taken again after a retry came due', (t) => {
  const world = makeWorld(t)
  const retries = { limit: 3, backoff_ms: 100, max_backoff_ms: 100, exit_codes: null }
  const cards = [card('import', { retries })]
  world.worker('web1', { cards, slots: 1 })
  const { run_id } = world.trigger('import')
  const task = world.given('web1')
  world.end('web1', task, { exit_code: 1 })
  world.pass(100)
  world.worker('web1', { cards, credit: 0, held: [{ ...task, state: 'ended' }] })
  world.end('web1', task, { exit_code: 1 })
  t.like(world.task(run_id), { state: 'ready', tries: 1 })
})

test('a task that is given back goes to another worker, and counts neither as try nor as loss', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id } = world.trigger('import')
  const task = world.given('web1')
  world.accept('web1', task)
  world.worker('web2', { cards: [card('import')], slots: 9 })
  world.end('web1', task, { exit_code: null, reason: 'returned' })
  t.like(world.given('web2'), { run_id, attempt: 2 })
  world.accept('web1', task)
  t.like(world.task(run_id), { worker: 'web2', attempt: 2, tries: 0, lost: 0 })
})

test('a task that was given back and is told of again stays with nobody', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')], slots: 1 })
  const { run_id } = world.trigger('import')
  const task = world.given('web1')
  world.end('web1', task, { exit_code: null, reason: 'returned' })
  world.accept('web1', task)
  world.end('web1', task, { exit_code: null, reason: 'returned' })
  t.like(world.task(run_id), { state: 'ready', worker: null })
})

test('a task that was not accepted is said again with each heartbeat', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  world.trigger('import')
  const task = world.given('web1')
  world.says('web1', { kind: 'heartbeat' })
  t.like(world.sent('web1', 'task')[0], { task_id: task.task_id, attempt: 1 })
  world.accept('web1', task)
  world.says('web1', { kind: 'heartbeat' })
  t.deepEqual(world.sent('web1', 'task'), [])
})

test('a heartbeat makes up for what was lost: credit, a drain, a stop', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')], slots: 1 })
  const { run_id } = world.trigger('import')
  const task = world.given('web1')
  world.accept('web1', task)
  world.begin('web1', task)
  world.cancel(run_id)
  world.result({ kind: 'worker', worker: 'web1', action: 'drain' })
  t.is(world.sent('web1', 'stop').length, 1)
  world.says('web1', { kind: 'heartbeat' })
  t.like(world.sent('web1', 'stop'), [{ reason: 'canceled' }], 'until it has ended')
  t.like(world.sent('web1', 'heartbeat'), [{ draining: true }])
  world.end('web1', task, { exit_code: 143, reason: 'canceled' })
  world.result({ kind: 'worker', worker: 'web1', action: 'resume' })
  world.trigger('import')
  t.deepEqual(world.tasks('web1'), [], 'it has no credit')
  world.says('web1', { kind: 'heartbeat', credit: 2 })
  t.is(world.tasks('web1').length, 1)
  t.deepEqual(world.sent('web1', 'stop'), [])
})

test('a returning worker hears first of what is not wanted any more, and then that it is welcome', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id } = world.trigger('import')
  const task = world.given('web1')
  world.end('web1', task)
  t.is(world.run(run_id).state, 'succeeded')
  world.sent('web1', 'welcome')
  world.worker('web1', { cards: [card('import')], held: [{ ...task, state: 'accepted' }] })
  const heard = world.inbox('web1').map(({ kind }) => kind)
  t.true(heard.indexOf('stop') < heard.indexOf('welcome'), heard.join())
})

test('a task is said only when its lease is on disk', (t) => {
  const store = openMemory(memoryDisk(), ({ tasks }) => {
    if (tasks.length > 0) throw new Error('no disk')
  })
  const world = makeWorld(t, store)
  world.worker('web1', { cards: [card('import')] })
  t.throws(() => world.trigger('import'), { message: 'no disk' })
  t.deepEqual(world.tasks('web1'), [])
})
