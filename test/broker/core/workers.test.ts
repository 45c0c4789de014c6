import test from 'ava'
import { viewJobs, viewWorkers } from '../../../broker/core/views.ts'
import { card } from './cards.ts'
import { makeWorld } from './world.ts'

const cards = [card('import')]
const WEEK_MS = 7 * 86_400_000

test('the same instance takes its session over', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  const [old] = world.sent('web1', 'welcome')
  world.worker('web1', { cards })
  t.is(world.sent('web1', 'refused').length, 0)
  const report = { kind: 'heartbeat' } as const
  world.turn({ kind: 'report', peer: 'elsewhere', session: old?.session ?? '', report })
  t.like(world.sent('elsewhere', 'hello_again'), [{ session: 'token-1' }], 'that session is over')
})

test('another instance under a live name gets name_taken', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  world.worker('web1', { cards, instance: 'another' })
  t.like(world.sent('web1', 'refused')[0], { code: 'name_taken' })
  t.is(world.state().workers.get('web1')?.instance, 'spool of web1')
})

test('a worker that is cut off, or not back yet after a restart of the broker, keeps its name with its leases', (t) => {
  for (const how of ['cut', 'restart'] as const) {
    const world = makeWorld(t)
    world.worker('web1', { cards })
    const { run_id } = world.trigger('import')
    const task = world.given('web1')
    world.begin('web1', task)
    if (how === 'cut') world.cut('web1')
    else world.restart()
    world.worker('web1', { cards, instance: 'another' })
    t.is(world.sent('web1', 'refused').length, 1, how)
    world.worker('web1', { cards, held: [{ ...task, state: 'running' }] })
    world.end('web1', task)
    t.is(world.run(run_id).state, 'succeeded')
  }
})

test('a name is free once its leases have run out; what the old instance had is lost', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import', { on_lost: 'wait' })] })
  const { run_id } = world.trigger('import')
  world.begin('web1', world.given('web1'))
  world.pass(30_000)
  world.worker('web1', { cards, instance: 'another' })
  t.is(world.sent('web1', 'refused').length, 0)
  t.like(world.given('web1'), { run_id, attempt: 2 })
})

test('a clean stop with nothing to do frees the name at once', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  world.says('web1', { kind: 'bye' })
  world.worker('web1', { cards, instance: 'another' })
  t.is(world.sent('web1', 'refused').length, 0)
})

test('a clean stop with running commands holds their leases for 10 minutes', (t) => {
  const world = makeWorld(t)
  for (const name of ['web1', 'web2']) world.worker(name, { cards })
  const { run_id } = world.trigger('import')
  const task = world.given('web1')
  world.begin('web1', task)
  world.says('web1', { kind: 'bye' })
  t.is(viewWorkers(world.state(), world.now())[0]?.state, 'handing_over')
  world.pass(599_000, ['web2'])
  t.is(world.task(run_id).state, 'running')
  world.worker('web1', { cards, held: [{ ...task, state: 'running' }] })
  world.end('web1', task)
  t.is(world.run(run_id).state, 'succeeded')
})

test('a hand-over that nobody takes ends in another lease', (t) => {
  const world = makeWorld(t)
  for (const name of ['web1', 'web2']) world.worker(name, { cards })
  const { run_id } = world.trigger('import')
  world.begin('web1', world.given('web1'))
  world.says('web1', { kind: 'bye' })
  world.pass(600_000, ['web2'])
  t.like(world.given('web2'), { run_id, attempt: 2 })
})

test('a hand-over goes on through a restart of the broker, and the name stays taken', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  const { run_id } = world.trigger('import')
  world.begin('web1', world.given('web1'))
  world.says('web1', { kind: 'bye' })
  world.restart()
  world.worker('web1', { cards, instance: 'another' })
  t.is(world.sent('web1', 'refused').length, 1)
  world.pass(599_999)
  t.is(world.task(run_id).state, 'running')
  world.pass(1)
  t.is(world.task(run_id).state, 'ready')
})

test('a worker is away after 60 s without a heartbeat, and present again with its hello', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  world.pass(59_999)
  const state = () => viewWorkers(world.state(), world.now())[0]?.state
  t.is(state(), 'present')
  world.pass(1)
  t.is(state(), 'away')
  t.is(world.told('worker.away.web1.'), 1)
  world.worker('web1', { cards })
  t.is(state(), 'present')
  t.is(world.told('worker.present.web1.'), 2)
})

test('a worker stays subscribed through bye and reboots', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import', { deliver: 'all' })] })
  world.says('web1', { kind: 'bye' })
  world.pass(WEEK_MS - 3_600_000)
  world.restart()
  t.is(world.trigger('import').workers, 1)
})

test('a worker is forgotten after 7 days away, not 7 days after it was away once', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  world.pass(3 * 86_400_000)
  world.worker('web1', { cards })
  world.pass(WEEK_MS)
  t.is(world.state().workers.size, 1, 'the minute until it counts as away comes first')
  world.pass(60_000)
  t.is(world.state().workers.size, 0)
  t.is(world.told('worker.forgotten.web1.'), 1)
  t.is(world.trigger('import').workers, 0)
})

test('forget: only a worker that is not connected; its waiting tasks end', (t) => {
  const world = makeWorld(t)
  const all = [card('rotate', { deliver: 'all' })]
  for (const name of ['web1', 'web2']) world.worker(name, { cards: all })
  const forget = { kind: 'worker', worker: 'web1', action: 'forget' } as const
  t.like(world.refusal(forget), { status: 409, code: 'worker_present' })
  const { run_id } = world.trigger('rotate')
  world.end('web2', world.given('web2'))
  world.cut('web1')
  world.result(forget)
  t.like(world.run(run_id), { state: 'failed', reason: '1 of 2; lost: web1' })
  t.like(world.refusal(forget), { status: 404, code: 'unknown_worker' })
  world.restart()
  t.deepEqual([...world.state().workers.keys()], ['web2'])
})

test('a forgotten worker that is back is a new one; what it held goes on if nobody else has it', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  const { run_id } = world.trigger('import')
  const task = world.given('web1')
  world.begin('web1', task)
  world.cut('web1')
  world.result({ kind: 'worker', worker: 'web1', action: 'forget' })
  t.is(world.task(run_id).state, 'ready', 'another may have it')
  world.worker('web1', { cards, held: [{ ...task, state: 'running' }] })
  world.end('web1', task)
  t.is(world.run(run_id).state, 'succeeded')
})

test('a drained worker takes nothing new, also after restarts of both, until it resumes', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  world.result({ kind: 'worker', worker: 'web1', action: 'drain' })
  t.like(world.sent('web1', 'drain')[0], { on: true })
  const { run_id } = world.trigger('import')
  world.restart()
  world.worker('web1', { cards })
  t.is(world.sent('web1', 'welcome').at(-1)?.draining, true)
  t.deepEqual(world.tasks('web1'), [])
  t.regex(world.why(run_id).details.join(), /draining/)
  world.result({ kind: 'worker', worker: 'web1', action: 'resume' })
  t.is(world.given('web1').run_id, run_id)
})

test('the card whose hash was first seen latest is the job’s, and each run pins it', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards, slots: 0 })
  const before = world.run(world.trigger('import').run_id)
  world.worker('web2', { cards: [card('import', { priority: 7 })], slots: 0 })
  const after = world.run(world.trigger('import').run_id)
  t.deepEqual([before.priority, after.priority], [512, 7])
  t.not(before.card, after.card)
  world.worker('web1', { cards, slots: 0 })
  t.is(world.run(world.trigger('import').run_id).priority, 7, 'an older card does not come back')
  world.restart()
  t.is(world.run(world.trigger('import').run_id).priority, 7)
})

test('drift lists the workers that differ', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  world.worker('web2', { cards: [card('import', { description: 'newer' })] })
  t.deepEqual(viewJobs(world.state())[0]?.drift, ['web1'])
  world.worker('web1', { cards: [card('import', { description: 'newer' })] })
  t.deepEqual(viewJobs(world.state())[0]?.drift, [])
})

test('a job that a worker announces no more is not given to it', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  world.worker('web1', { cards: [card('other')] })
  t.is(world.trigger('import').workers, 0)
  t.deepEqual(world.tasks('web1'), [])
})

test('why a reload was refused shows in the list of workers', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards, reload_error: 'jobs/a.yaml:3:1: no' })
  t.like(viewWorkers(world.state(), world.now())[0], { reload_error: 'jobs/a.yaml:3:1: no' })
})

test('a repeated hello gives no more than the slots there are', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards, slots: 2 })
  for (let n = 0; n < 9; n++) world.trigger('import')
  const held = world.tasks('web1').map((task) => ({ ...task, state: 'accepted' as const }))
  t.is(held.length, 2)
  world.worker('web1', { cards, slots: 2, credit: 0, held })
  t.deepEqual(world.sent('web1', 'task'), [])
})
