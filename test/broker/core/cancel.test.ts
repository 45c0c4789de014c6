import test from 'ava'
import { card, step } from './cards.ts'
import { makeWorld } from './world.ts'

const cards = [card('import', { on_failure: [step('tell')] }), card('tell')]

test('what has not started is canceled at once', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards, slots: 0 })
  const queued = world.trigger('import')
  const delayed = world.trigger('import', {}, { delay_ms: 60_000 })
  for (const { run_id } of [queued, delayed]) {
    world.cancel(run_id)
    t.is(world.run(run_id).state, 'canceled')
  }
  world.says('web1', { kind: 'credit', credit: 4 })
  world.pass(60_000, ['web1'])
  t.deepEqual(world.tasks('web1'), [])
})

test('what runs is recorded as canceled, then stopped; its result is canceled whatever the exit code', (t) => {
  for (const exit_code of [0, 1, 143]) {
    const world = makeWorld(t)
    world.worker('web1', { cards })
    const { run_id } = world.trigger('import')
    const task = world.given('web1')
    world.begin('web1', task)
    world.cancel(run_id)
    t.like(world.run(run_id), { state: 'running', cancel_requested: true })
    const { task_id } = task
    t.like(world.sent('web1', 'stop')[0], { task_id, attempt: 1, reason: 'canceled' })
    world.end('web1', task, { exit_code })
    t.is(world.run(run_id).state, 'canceled')
    t.is(world.task(run_id).state, 'canceled')
    t.like(world.task(run_id), { exit_code }, 'what it came to is still told')
  }
})

test('on_failure and retries never follow a canceled run', (t) => {
  const world = makeWorld(t)
  const retries = { limit: 5, backoff_ms: 1, max_backoff_ms: 1, exit_codes: null }
  const follow = { on_each_failure: [step('tell')], on_success: [step('tell')] }
  world.worker('web1', { cards: [{ ...card('import'), ...follow, retries }, card('tell')] })
  for (const exit_code of [0, 1]) {
    const { run_id } = world.trigger('import')
    const task = world.given('web1')
    world.cancel(run_id)
    world.end('web1', task, { exit_code })
    t.is(world.run(run_id).state, 'canceled')
  }
  t.deepEqual(world.runsOf('tell'), [])
})

test('a run that waits for its retry is canceled at once', (t) => {
  const world = makeWorld(t)
  const retries = { limit: 5, backoff_ms: 60_000, max_backoff_ms: 60_000, exit_codes: null }
  world.worker('web1', { cards: [card('import', { retries })] })
  const { run_id } = world.trigger('import')
  world.end('web1', world.given('web1'), { exit_code: 1 })
  world.cancel(run_id)
  t.is(world.run(run_id).state, 'canceled')
  world.pass(60_000)
  t.deepEqual(world.tasks('web1'), [])
})

test('terminal runs: 409; unknown ones: 404', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  const { run_id, flow_id } = world.trigger('import')
  world.end('web1', world.given('web1'))
  t.like(world.refusal({ kind: 'cancel', run_id }), { status: 409, code: 'already_over' })
  t.like(world.refusal({ kind: 'cancel', flow_id }), { status: 409, code: 'already_over' })
  t.is(world.refusal({ kind: 'cancel', run_id: 'none' }).status, 404)
  t.is(world.refusal({ kind: 'cancel', flow_id: 'none' }).status, 404)
  t.is(world.refusal({ kind: 'cancel' }).status, 404)
})

test('canceling twice is canceling once', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  const { run_id } = world.trigger('import')
  world.begin('web1', world.given('web1'))
  world.cancel(run_id)
  world.cancel(run_id)
  t.is(world.sent('web1', 'stop').length, 1)
})

test('a canceled run of all keeps what was done and stops the rest', (t) => {
  const world = makeWorld(t)
  for (const name of ['web1', 'web2', 'web3'])
    world.worker(name, { cards: [card('rotate', { deliver: 'all' })] })
  world.cut('web3')
  const { run_id } = world.trigger('rotate')
  world.end('web1', world.given('web1'))
  const task = world.given('web2')
  world.cancel(run_id)
  t.deepEqual(world.sent('web1', 'stop'), [])
  t.is(world.sent('web2', 'stop').length, 1)
  world.end('web2', task, { exit_code: 143 })
  t.deepEqual(
    world.run(run_id).tasks.map(({ state }) => state),
    ['succeeded', 'canceled', 'canceled'],
  )
  t.is(world.run(run_id).state, 'canceled')
})

test('a cancel reaches a worker that was away, when it is back', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  const { run_id } = world.trigger('import')
  const task = world.given('web1')
  world.begin('web1', task)
  world.cut('web1')
  world.cancel(run_id)
  world.restart()
  world.worker('web1', { cards, held: [{ ...task, state: 'running' }] })
  t.like(world.sent('web1', 'stop')[0], { reason: 'canceled' })
  world.end('web1', task, { exit_code: 143 })
  t.is(world.run(run_id).state, 'canceled')
})

test('a canceled run ends with the lease of a worker that is not heard of', (t) => {
  for (const on_lost of ['retry', 'fail', 'wait'] as const)
    for (const deliver of ['one', 'all'] as const) {
      const world = makeWorld(t)
      world.worker('web1', { cards: [card('import', { on_lost, deliver })] })
      const { run_id } = world.trigger('import')
      world.begin('web1', world.given('web1'))
      world.cancel(run_id)
      world.pass(30_000)
      t.is(world.run(run_id).state, 'canceled', `${deliver} ${on_lost}`)
      t.is(world.task(run_id).state, 'canceled')
    }
})

test('a run whose worker has no lease any more is canceled at once', (t) => {
  for (const [on_lost, deliver] of [
    ['wait', 'one'],
    ['retry', 'all'],
  ] as const) {
    const world = makeWorld(t)
    world.worker('web1', { cards: [card('import', { on_lost, deliver })] })
    const { run_id } = world.trigger('import')
    const task = world.given('web1')
    world.begin('web1', task)
    world.pass(300_000)
    t.is(world.run(run_id).state, 'running')
    world.cancel(run_id)
    t.is(world.run(run_id).state, 'canceled')
    world.worker('web1', { held: [{ ...task, state: 'running' }] })
    t.like(world.sent('web1', 'stop')[0], { reason: 'fenced' })
  }
})

test('a canceled task that its worker never got is over when the worker says so', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards })
  const { run_id } = world.trigger('import')
  world.cut('web1')
  world.cancel(run_id)
  world.worker('web1', { cards })
  t.is(world.run(run_id).state, 'canceled')
  t.deepEqual(world.tasks('web1'), [])
})

test('cancel of a flow ends all that is unfinished, also what follows from the same moment', (t) => {
  const world = makeWorld(t)
  const chain = [card('first', { on_success: [step('second')] }), card('second')]
  world.worker('web1', { cards: chain })
  const { flow_id } = world.trigger('first')
  const task = world.given('web1')
  world.atOnce(() => {
    world.end('web1', task)
    world.post({ kind: 'cancel', flow_id })
  })
  t.is(world.runsOf('second')[0]?.state, 'canceled')
  t.deepEqual(world.tasks('web1'), [])
  t.is(world.told('flow.settled.'), 1)
})
