import test from 'ava'
import { backoff } from '../../../broker/core/retries.ts'
import type { Retries } from '../../../common/definition/card.ts'
import { card } from './cards.ts'
import { makeWorld } from './world.ts'

const retrying = (retries: Partial<Retries>) => [
  card('flaky', {
    retries: {
      limit: 2,
      backoff_ms: 10_000,
      max_backoff_ms: 600_000,
      exit_codes: null,
      ...retries,
    },
  }),
]

test('a failed try is put off and tried again, up to the limit', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: retrying({}), slots: 9 })
  const { run_id } = world.trigger('flaky')
  for (const attempt of [1, 2]) {
    const task = world.given('web1')
    t.is(task.attempt, attempt)
    world.end('web1', task, { exit_code: 9 })
    t.like(world.task(run_id), { state: 'delayed', tries: attempt })
    t.is(world.run(run_id).state, 'running')
    world.pass(20_000, ['web1'])
  }
  world.end('web1', world.given('web1'), { exit_code: 9 })
  t.like(world.run(run_id), { state: 'failed', reason: 'exit code 9' })
  t.deepEqual(
    world.task(run_id).attempts.map(({ attempt, state, exit_code }) => [attempt, state, exit_code]),
    [1, 2, 3].map((attempt) => [attempt, 'failed', 9]),
  )
})

test('a later try may succeed', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: retrying({}) })
  const { run_id } = world.trigger('flaky')
  world.end('web1', world.given('web1'), { exit_code: 1, error_tail: 'no', output: { a: '1' } })
  world.pass(10_000, ['web1'])
  world.end('web1', world.given('web1'))
  t.is(world.run(run_id).state, 'succeeded')
  t.like(world.task(run_id), { exit_code: 0, error_tail: '', output: {} })
})

test('retries cover non-zero exits, signals and timeouts', (t) => {
  const endings = [
    { exit_code: 1 },
    { exit_code: 137, signal: 'KILL' },
    { exit_code: null, reason: 'killed' },
    { exit_code: null, reason: 'timeout' },
    { exit_code: null, reason: 'spawn_failed' },
  ] as const
  for (const ending of endings) {
    const world = makeWorld(t)
    world.worker('web1', { cards: retrying({}) })
    const { run_id } = world.trigger('flaky')
    world.end('web1', world.given('web1'), ending)
    t.is(world.task(run_id).state, 'delayed', JSON.stringify(ending))
  }
})

test('exit_codes: only those listed are retried; signals and timeouts still are', (t) => {
  const endings = [
    [{ exit_code: 75 }, 'delayed'],
    [{ exit_code: 1 }, 'failed'],
    [{ exit_code: 143, signal: 'TERM' }, 'delayed'],
    [{ exit_code: null, reason: 'timeout' }, 'delayed'],
  ] as const
  for (const [ending, state] of endings) {
    const world = makeWorld(t)
    world.worker('web1', { cards: retrying({ exit_codes: [75] }) })
    const { run_id } = world.trigger('flaky')
    world.end('web1', world.given('web1'), ending)
    t.is(world.task(run_id).state, state, JSON.stringify(ending))
  }
})

test('what trying again cannot change is not tried again', (t) => {
  for (const reason of ['bad_parameter', 'unknown_job'] as const) {
    const world = makeWorld(t)
    world.worker('web1', { cards: retrying({}) })
    const { run_id } = world.trigger('flaky')
    world.end('web1', world.given('web1'), { exit_code: null, reason, message: 'the rule' })
    t.like(world.run(run_id), { state: 'failed', reason: `${reason}: the rule` })
  }
})

test('a timeout ends a task timed_out and its run failed', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('slow')] })
  const { run_id } = world.trigger('slow')
  world.end('web1', world.given('web1'), { exit_code: 143, signal: 'TERM', reason: 'timeout' })
  t.is(world.task(run_id).state, 'timed_out')
  t.like(world.run(run_id), { state: 'failed', reason: 'timeout' })
})

test('the backoff doubles, between a half and the whole of it, and no further than its maximum', (t) => {
  const retries = { limit: 99, backoff_ms: 10_000, max_backoff_ms: 600_000, exit_codes: null }
  const seen = new Set<number>()
  for (let tries = 0; tries < 2_000; tries++) {
    const whole = Math.min(600_000, 10_000 * 2 ** tries)
    const delay_ms = backoff(retries, tries, `run-${tries}.0`)
    t.true(delay_ms >= whole / 2 && delay_ms <= whole, `${delay_ms} of ${whole}`)
    seen.add(Math.round((100 * delay_ms) / whole))
  }
  t.true(seen.size > 40, 'it is spread out')
  t.is(backoff(retries, 3, 'a.0'), backoff(retries, 3, 'a.0'), 'the same history, the same times')
  t.is(backoff({ ...retries, backoff_ms: 0 }, 3, 'a.0'), 0)
})

test('a retry may run on another worker', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: retrying({}) })
  const { run_id } = world.trigger('flaky')
  world.end('web1', world.given('web1'), { exit_code: 1 })
  world.cut('web1')
  world.worker('web2', { cards: retrying({}) })
  world.pass(10_000, ['web2'])
  t.like(world.given('web2'), { run_id, attempt: 2 })
})

test('the same report told twice counts as one try', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: retrying({}) })
  const { run_id } = world.trigger('flaky')
  const task = world.given('web1')
  world.end('web1', task, { exit_code: 1 })
  world.end('web1', task, { exit_code: 1 })
  t.is(world.task(run_id).tries, 1)
  world.pass(10_000)
  world.end('web1', task, { exit_code: 1 })
  world.accept('web1', task)
  t.like(world.task(run_id), { tries: 1, attempt: 2, state: 'leased' })
  t.is(world.sent('web1', 'ack').length, 3, 'each is acknowledged')
})

test('a retry keeps its time over a restart', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: retrying({}) })
  const { run_id } = world.trigger('flaky')
  world.end('web1', world.given('web1'), { exit_code: 1 })
  const { due_ms } = world.task(run_id)
  world.pass(3_000)
  world.restart()
  world.worker('web1', { cards: retrying({}) })
  world.pass((due_ms ?? 0) - world.now().wall_ms - 1)
  t.deepEqual(world.tasks('web1'), [])
  world.pass(1)
  t.like(world.given('web1'), { run_id, attempt: 2 })
})

test('a retry of an all task stays with its worker', (t) => {
  const world = makeWorld(t)
  const cards = retrying({}).map((flaky) => ({ ...flaky, deliver: 'all' as const }))
  for (const name of ['web1', 'web2']) world.worker(name, { cards })
  const { run_id } = world.trigger('flaky')
  world.end('web1', world.given('web1'), { exit_code: 1 })
  world.end('web2', world.given('web2'))
  world.pass(10_000, ['web1', 'web2'])
  t.deepEqual(world.tasks('web2'), [])
  world.end('web1', world.given('web1'))
  t.like(world.run(run_id), { state: 'succeeded', reason: '2 of 2' })
})

test('a reason that is not known is a failure of that name, and is tried again', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: retrying({ limit: 1 }) })
  const { run_id } = world.trigger('flaky')
  world.end('web1', world.given('web1'), { exit_code: 0, reason: 'preempted', message: 'by ann' })
  t.is(world.task(run_id).state, 'delayed')
  world.pass(20_000, ['web1'])
  world.end('web1', world.given('web1'), { exit_code: 0, reason: 'preempted', message: 'by ann' })
  t.is(world.task(run_id).reason, 'preempted: by ann')
  t.is(world.run(run_id).state, 'failed')
})
