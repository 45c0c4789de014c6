import test from 'ava'
import type { Card, Concurrency } from '../../../common/definition/card.ts'
import { card } from './cards.ts'
import { makeWorld } from './world.ts'

const limited = (concurrency: Partial<Concurrency>, more: Partial<Card> = {}): Card[] => [
  card('sync', {
    ...more,
    concurrency: { limit: 1, key: null, per: 'all', when_full: 'queue', ...concurrency },
  }),
]

test('queue: a run over the limit waits', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: limited({}) })
  const first = world.trigger('sync')
  const second = world.trigger('sync')
  const task = world.given('web1')
  t.is(task.run_id, first.run_id)
  t.is(world.run(second.run_id).state, 'queued')
  world.end('web1', task)
  t.is(world.given('web1').run_id, second.run_id)
})

test('a key limits its own runs only, and a full key does not hide another', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: limited({ key: '%(tenant)s' }) })
  for (const tenant of ['a', 'a', 'b']) world.trigger('sync', { tenant })
  t.deepEqual(
    world.tasks('web1').map((task) => task.params.tenant),
    ['a', 'b'],
  )
})

test('keys named like parts of objects are only keys', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: limited({ key: '%(tenant)s' }) })
  for (const tenant of ['__proto__', 'constructor', '__proto__']) world.trigger('sync', { tenant })
  t.is(world.tasks('web1').length, 2)
})

test('without a value for its key a trigger is refused, and a next step fails', (t) => {
  const world = makeWorld(t)
  const cards = [
    ...limited({ key: '%(tenant)s' }),
    card('import', {
      on_success: [{ job: 'sync', params: {}, priority: null, delay_ms: 0, each: {} }],
    }),
  ]
  world.worker('web1', { cards })
  t.like(world.triggerRefused('sync'), { status: 400, code: 'bad_parameter' })
  world.trigger('import')
  world.end('web1', world.given('web1'))
  t.like(world.runsOf('sync')[0], { state: 'failed' })
  t.regex(world.runsOf('sync')[0]?.reason ?? '', /bad_parameter.*tenant/)
})

test('refuse: a trigger over the limit is refused with 409, until there is room', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: limited({ when_full: 'refuse' }) })
  world.trigger('sync')
  t.like(world.triggerRefused('sync'), { status: 429, code: 'concurrency_full', retry_after_s: 10 })
  world.end('web1', world.given('web1'))
  t.is(world.trigger('sync').state, 'queued')
})

test('refuse holds within one frame too', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: limited({ when_full: 'refuse', limit: 2 }) })
  const triggers = Array.from({ length: 5 }, () => ({ job: 'sync', params: {} }))
  const answers = world.result({ kind: 'trigger', triggers }) as object[]
  t.is(answers.filter((answer) => 'error' in answer).length, 3)
})

test('replace: the new run takes the place of the oldest', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: limited({ when_full: 'replace' }) })
  const running = world.trigger('sync')
  const task = world.given('web1')
  const waiting = world.trigger('sync')
  t.is(world.sent('web1', 'stop').length, 1)
  const newest = world.trigger('sync')
  t.like(world.run(waiting.run_id), {
    state: 'canceled',
    reason: `replaced by ${newest.run_id}`,
  })
  t.is(world.run(newest.run_id).state, 'queued', 'the oldest has still to stop')
  world.end('web1', task, { exit_code: null, signal: 'TERM', reason: 'canceled' })
  t.like(world.run(running.run_id), {
    state: 'canceled',
    reason: `replaced by ${waiting.run_id}`,
  })
  t.is(world.given('web1').run_id, newest.run_id)
})

test('per worker: each worker runs so many', (t) => {
  const world = makeWorld(t)
  for (const name of ['web1', 'web2']) world.worker(name, { cards: limited({ per: 'worker' }) })
  for (let n = 0; n < 2; n++) world.trigger('sync')
  const third = world.trigger('sync')
  const task = world.given('web1')
  t.is(world.tasks('web2').length, 1)
  world.end('web1', task)
  t.is(world.given('web1').run_id, third.run_id)
})

test('per worker holds for all: a worker at its limit gets its task later', (t) => {
  const world = makeWorld(t)
  for (const name of ['web1', 'web2'])
    world.worker(name, { cards: limited({ per: 'worker' }, { deliver: 'all' }) })
  const first = world.trigger('sync')
  const second = world.trigger('sync')
  const task = world.given('web1')
  world.end('web2', world.given('web2'))
  t.is(world.given('web2').run_id, second.run_id, 'the quicker one goes on')
  t.deepEqual(world.tasks('web1'), [])
  world.end('web1', task)
  t.is(world.given('web1').run_id, second.run_id)
  t.is(world.run(first.run_id).state, 'succeeded')
})

test('a limit counts leased and running, not delayed', (t) => {
  const world = makeWorld(t)
  const retries = { limit: 1, backoff_ms: 60_000, max_backoff_ms: 60_000, exit_codes: null }
  world.worker('web1', { cards: limited({}, { retries }) })
  world.trigger('sync')
  const second = world.trigger('sync')
  world.end('web1', world.given('web1'), { exit_code: 1 })
  t.is(world.given('web1').run_id, second.run_id)
})

test('limits hold after a restart', (t) => {
  const world = makeWorld(t)
  const cards = limited({ key: '%(tenant)s' })
  world.worker('web1', { cards })
  world.trigger('sync', { tenant: 'a' })
  const task = world.given('web1')
  world.trigger('sync', { tenant: 'a' })
  world.restart()
  world.worker('web1', { cards, held: [{ ...task, state: 'running' }] })
  t.deepEqual(world.tasks('web1'), [])
  world.end('web1', task)
  t.is(world.tasks('web1').length, 1)
})
