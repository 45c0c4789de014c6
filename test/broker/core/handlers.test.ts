import test from 'ava'
import { card, step } from './cards.ts'
import { makeWorld } from './world.ts'

test('on_failure follows a failed run, and is told why', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import', { on_failure: [step('tell')] }), card('tell')] })
  const { run_id } = world.trigger('import', { date: '2026' })
  world.end('web1', world.given('web1'), { exit_code: 3, error_tail: 'no such table\n' })
  const [handler] = world.runsOf('tell')
  t.like(handler, { via: 'failure', parent_run_id: run_id })
  t.deepEqual(world.paramsOf(handler?.run_id ?? ''), { date: '2026' })
  const told = {
    failed_job: 'import',
    failed_run_id: run_id,
    failed_workers: 'web1',
    exit_code: '3',
    reason: 'exit code 3',
    error_tail: 'no such table\n',
  }
  t.deepEqual(world.contextOf(handler?.run_id ?? ''), told)
  t.deepEqual(world.given('web1').context, told)
})

test('a handler is told of the task that failed first', (t) => {
  const world = makeWorld(t)
  const cards = [card('rotate', { deliver: 'all', on_failure: [step('tell')] }), card('tell')]
  for (const name of ['web1', 'web2', 'web3']) world.worker(name, { cards })
  world.trigger('rotate')
  const first = world.given('web3')
  world.end('web3', first, { exit_code: 3, error_tail: 'first' })
  world.pass(10)
  world.end('web1', world.given('web1'), { exit_code: 1, error_tail: 'second' })
  world.end('web2', world.given('web2'))
  t.like(world.contextOf(world.runsOf('tell')[0]?.run_id ?? ''), {
    failed_workers: 'web1,web3',
    exit_code: '3',
    error_tail: 'first',
  })
})

test('a step of on_failure can use what the handler is told', (t) => {
  const world = makeWorld(t)
  const tell = step('tell', { params: { subject: '%(failed_job)s: %(reason)s' } })
  world.worker('web1', { cards: [card('import', { on_failure: [tell] }), card('tell')] })
  world.trigger('import')
  world.end('web1', world.given('web1'), { exit_code: null, reason: 'timeout' })
  const { subject } = world.paramsOf(world.runsOf('tell')[0]?.run_id ?? '')
  t.is(subject, 'import: timeout')
})

test('exit_code is empty for a lost task, whatever an earlier try came to', (t) => {
  const world = makeWorld(t)
  const retries = { limit: 1, backoff_ms: 100, max_backoff_ms: 100, exit_codes: null }
  const cards = [card('import', { on_lost: 'fail', retries, on_failure: [step('tell')] })]
  world.worker('web1', { cards: [...cards, card('tell')] })
  world.trigger('import')
  world.end('web1', world.given('web1'), { exit_code: 3, error_tail: 'old' })
  world.pass(100)
  world.begin('web1', world.given('web1'))
  world.pass(30_000)
  const context = world.contextOf(world.runsOf('tell')[0]?.run_id ?? '')
  t.like(context, { exit_code: '', error_tail: '' })
})

test('a handler’s own failure starts no handler twice', (t) => {
  const world = makeWorld(t)
  const handlers = [step('tell'), step('page')]
  const cards = [
    card('import', { on_failure: handlers }),
    card('tell', { on_failure: handlers }),
    card('page', { on_failure: handlers }),
  ]
  world.worker('web1', { cards, slots: 99 })
  world.trigger('import')
  for (let n = 0; n < 20; n++)
    for (const task of world.tasks('web1')) world.end('web1', task, { exit_code: 1 })
  t.is(world.runsOf('tell').length, 2, 'once for import, once for page')
  t.is(world.runsOf('page').length, 2)
  t.is(world.state().runs.size, 0)
})

test('a handler per task starts no handler twice either', (t) => {
  const world = makeWorld(t)
  const each = { on_each_failure: [step('tell')] }
  world.worker('web1', { cards: [card('import', each), card('tell', each)], slots: 99 })
  world.trigger('import')
  for (let n = 0; n < 20; n++)
    for (const task of world.tasks('web1')) world.end('web1', task, { exit_code: 1 })
  t.is(world.runsOf('tell').length, 1)
})

test('a trigger that a handler sends still counts as handling', (t) => {
  const world = makeWorld(t)
  const cards = [card('import', { on_failure: [step('tell')] }), card('tell')]
  world.worker('web1', { cards, slots: 9 })
  world.trigger('import')
  world.end('web1', world.given('web1'), { exit_code: 1 })
  const parent_run_id = world.runsOf('tell')[0]?.run_id ?? ''
  world.end('web1', world.given('web1'))
  world.trigger('import', {}, { parent_run_id })
  world.end('web1', world.given('web1'), { exit_code: 1 })
  t.is(world.runsOf('tell').length, 1)
})

test('a failed run of all says who failed', (t) => {
  const world = makeWorld(t)
  const names = Array.from({ length: 60 }, (_, n) => `web${n + 1}`)
  for (const name of names) world.worker(name, { cards: [card('rotate', { deliver: 'all' })] })
  world.cut('web17')
  world.pass(
    60_000,
    names.filter((name) => name !== 'web17'),
  )
  const { run_id } = world.trigger('rotate')
  for (const name of names) if (name !== 'web17') world.end(name, world.given(name))
  t.like(world.run(run_id), { state: 'succeeded', reason: '59 of 60; missed: web17' })
})
