import test from 'ava'
import { card, step } from './cards.ts'
import { makeWorld } from './world.ts'

test('delay: a run waits for its time, and is queued then', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id, state } = world.trigger('import', {}, { delay_ms: 10_000 })
  t.is(state, 'waiting')
  t.regex(world.why(run_id).summary, /delayed/)
  world.pass(9_999)
  t.is(world.run(run_id).state, 'waiting')
  world.pass(1)
  t.is(world.given('web1').run_id, run_id)
})

test('a delay holds over a restart, and is over if it ended meanwhile', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const short = world.trigger('import', {}, { delay_ms: 10_000 })
  const long = world.trigger('import', {}, { delay_ms: 20_000 })
  world.restart()
  world.goOn(world.now().mono_ms + 15_000)
  world.restart()
  world.worker('web1', { cards: [card('import')] })
  world.pass(0)
  t.is(world.given('web1').run_id, short.run_id)
  world.pass(4_999)
  t.deepEqual(world.tasks('web1'), [])
  world.pass(1)
  t.is(world.given('web1').run_id, long.run_id)
})

test('expires: a run not started by then ends expired, and its on_failure follows', (t) => {
  const world = makeWorld(t)
  const cards = [card('import', { expires_ms: 60_000, on_failure: [step('tell')] }), card('tell')]
  world.worker('web1', { cards, slots: 0 })
  const { run_id } = world.trigger('import')
  world.pass(59_999, ['web1'])
  t.is(world.run(run_id).state, 'queued')
  world.pass(1, ['web1'])
  t.is(world.run(run_id).state, 'expired')
  const [handler] = world.runsOf('tell')
  t.like(handler, { via: 'failure', parent_run_id: run_id })
  t.like(world.contextOf(handler?.run_id ?? ''), {
    failed_job: 'import',
    failed_run_id: run_id,
    exit_code: '',
  })
})

test('a run that was started in time does not expire', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import', { expires_ms: 60_000 })] })
  const { run_id } = world.trigger('import')
  world.pass(120_000, ['web1'])
  t.is(world.run(run_id).state, 'running')
})

test('a run expires while it waits for its delay, and across a restart', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import', { expires_ms: 60_000 })] })
  const { run_id } = world.trigger('import', {}, { delay_ms: 120_000 })
  world.restart()
  world.pass(60_000)
  t.is(world.run(run_id).state, 'expired')
})

test('a run whose time passed before its job was announced ends expired, and never starts', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import', { on_success: [step('late')] })] })
  world.trigger('import')
  world.end('web1', world.given('web1'))
  world.pass(60_000, ['web1'])
  world.worker('web2', { cards: [card('late', { expires_ms: 30_000 })] })
  t.like(world.runsOf('late')[0], { state: 'expired' })
  t.deepEqual(world.tasks('web2'), [])
})

test('setting the clock moves nothing that is waited for', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import', { expires_ms: 60_000 })], slots: 0 })
  const expiring = world.trigger('import')
  const delayed = world.trigger('import', {}, { delay_ms: 30_000 })
  world.setWall(3_600_000)
  world.pass(29_999, ['web1'])
  t.is(world.run(expiring.run_id).state, 'queued')
  t.is(world.run(delayed.run_id).state, 'waiting')
  world.setWall(-7_200_000)
  world.pass(1, ['web1'])
  t.is(world.run(delayed.run_id).state, 'queued')
  world.pass(30_000, ['web1'])
  t.is(world.run(expiring.run_id).state, 'expired')
})

test('a clock that was set back makes nobody wait for more than the whole time, after a restart either', (t) => {
  const world = makeWorld(t)
  const retries = { limit: 1, backoff_ms: 5_000, max_backoff_ms: 20_000, exit_codes: null }
  world.worker('web1', { cards: [card('import', { retries }), card('other')] })
  const tried = world.trigger('import')
  world.end('web1', world.given('web1'), { exit_code: 1 })
  const delayed = world.trigger('other', {}, { delay_ms: 30_000 })
  world.setWall(-3_600_000)
  world.restart()
  world.worker('web1', { cards: [card('import', { retries }), card('other')] })
  world.pass(20_000, ['web1'])
  t.is(world.given('web1').run_id, tried.run_id)
  world.pass(10_000, ['web1'])
  t.is(world.given('web1').run_id, delayed.run_id)
})

test('a delayed task starts when its delay is over, wherever the clock stands', (t) => {
  const world = makeWorld(t)
  const retries = { limit: 1, backoff_ms: 5_000, max_backoff_ms: 5_000, exit_codes: null }
  world.worker('web1', { cards: [card('import', { retries })] })
  world.trigger('import')
  world.end('web1', world.given('web1'), { exit_code: 1 })
  world.setWall(-3_600_000)
  world.pass(5_000, ['web1'])
  t.is(world.given('web1').attempt, 2)
})

test('setting the clock moves neither a retry nor the wait for a worker that is away', (t) => {
  for (const by_ms of [3_600_000, -3_600_000]) {
    const world = makeWorld(t)
    const retries = { limit: 1, backoff_ms: 10_000, max_backoff_ms: 10_000, exit_codes: null }
    const cards = [
      card('flaky', { retries }),
      card('rotate', { deliver: 'all', offline_wait_ms: 1_800_000 }),
    ]
    world.worker('web1', { cards, slots: 9 })
    world.worker('web2', { cards })
    world.cut('web2')
    world.pass(60_000, ['web1'])
    const flaky = world.trigger('flaky')
    world.end('web1', world.given('web1'), { exit_code: 9 })
    const rotate = world.trigger('rotate')
    world.end('web1', world.given('web1'))
    world.setWall(by_ms)
    world.pass(10_000, ['web1'])
    world.end('web1', world.given('web1'))
    t.is(world.run(flaky.run_id).state, 'succeeded')
    world.pass(1_789_999, ['web1'])
    t.is(world.run(rotate.run_id).state, 'running')
    world.pass(1, ['web1'])
    t.like(world.run(rotate.run_id), { state: 'succeeded', reason: '1 of 2; missed: web2' })
  }
})

test('deadlines of runs that are over do not pile up', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import', { expires_ms: 86_400_000 })], slots: 100_000 })
  const triggers = Array.from({ length: 1_000 }, () => ({ job: 'import', params: {} }))
  for (let round = 0; round < 30; round++) {
    world.ask({ kind: 'trigger', triggers })
    world.atOnce(() => world.tasks('web1').forEach((task) => world.end('web1', task)))
  }
  t.is(world.state().runs.size, 0)
  t.true(world.state().deadlines.items.length < 15_000)
})
