import test from 'ava'
import type { RetryAccepted } from '../../../common/protocol/answers.ts'
import type { Failure } from '../../../common/protocol/client-door.ts'
import { card } from './cards.ts'
import { makeWorld } from './world.ts'

test('retry makes a new run in the same flow, with the same parameters, linked by retry_of', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const first = world.trigger('import', { a: '1' }, { priority: 3 })
  world.end('web1', world.given('web1'), { exit_code: 1 })
  const again = world.retry(first.run_id)
  t.not(again.run_id, first.run_id)
  t.like(world.run(again.run_id), {
    flow_id: first.flow_id,
    retry_of: first.run_id,
    via: 'retry',
    priority: 3,
    depth: 0,
  })
  t.deepEqual(world.paramsOf(again.run_id), { a: '1' })
  world.end('web1', world.given('web1'))
  t.is(world.run(again.run_id).state, 'succeeded')
  t.is(world.run(first.run_id).state, 'failed', 'history is not rewritten')
})

test('409 unless failed or expired', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import', { expires_ms: 60_000 })], slots: 1 })
  const { run_id } = world.trigger('import')
  const expiring = world.trigger('import')
  const code = (id: string) => world.refusal({ kind: 'retry', run_id: id }).code
  t.is(code(run_id), 'not_failed')
  const task = world.given('web1')
  world.cancel(run_id)
  world.end('web1', task, { exit_code: 1 })
  t.is(code(run_id), 'not_failed', 'canceled')
  t.is(code('none'), 'unknown_run')
  world.pass(60_000, ['web1'])
  t.is(world.run(expiring.run_id).state, 'expired')
  t.is(world.run(world.retry(expiring.run_id).run_id).state, 'queued')
})

test('for all on the failed, timed_out, lost and missed workers only', (t) => {
  const world = makeWorld(t)
  const cards = [card('rotate', { deliver: 'all', on_lost: 'fail', require: 3 })]
  const names = ['ok1', 'bad', 'late', 'lost', 'missed', 'ok2']
  for (const name of names) world.worker(name, { cards })
  world.cut('missed')
  world.pass(60_000, ['ok1', 'bad', 'late', 'lost', 'ok2'])
  const { run_id } = world.trigger('rotate')
  world.end('ok1', world.given('ok1'))
  world.end('ok2', world.given('ok2'))
  world.begin('lost', world.given('lost'))
  world.end('bad', world.given('bad'), { exit_code: 1 })
  world.end('late', world.given('late'), { exit_code: null, reason: 'timeout' })
  world.pass(30_000, ['ok1', 'bad', 'late', 'ok2'])
  t.is(world.run(run_id).state, 'failed')
  for (const name of ['lost', 'missed']) world.worker(name, { cards })
  const again = world.retry(run_id)
  for (const name of ['bad', 'late', 'lost', 'missed']) world.end(name, world.given(name))
  for (const name of ['ok1', 'ok2']) t.deepEqual(world.tasks(name), [])
  t.like(world.run(again.run_id), { state: 'succeeded', reason: '4 of 4' })
})

test('a retry on fewer workers than the job requires is not failed for that', (t) => {
  const world = makeWorld(t)
  const cards = [card('rotate', { deliver: 'all', require: 2 })]
  for (const name of ['web1', 'web2']) world.worker(name, { cards })
  const { run_id } = world.trigger('rotate')
  world.end('web1', world.given('web1'), { exit_code: 1 })
  world.end('web2', world.given('web2'))
  const again = world.retry(run_id)
  world.end('web1', world.given('web1'))
  t.is(world.run(again.run_id).state, 'succeeded')
})

test('a retry can name its worker', (t) => {
  const world = makeWorld(t)
  for (const name of ['web1', 'web2'])
    world.worker(name, { cards: [card('import'), card('rotate', { deliver: 'all' })] })
  const one = world.trigger('import')
  world.end('web1', world.given('web1'), { exit_code: 1 })
  const again = world.retry(one.run_id, 'web2')
  t.is(world.given('web2').run_id, again.run_id)
  const all = world.trigger('rotate')
  world.end('web1', world.given('web1'), { exit_code: 1 })
  world.end('web2', world.given('web2'))
  const { code } = world.refusal({ kind: 'retry', run_id: all.run_id, worker: 'web2' })
  t.is(code, 'not_failed', 'it did not fail there')
  t.is(world.run(world.retry(all.run_id, 'web1').run_id).tasks.length, 1)
})

test('a retry of a flow runs all its failed runs again, each once', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')], slots: 9 })
  const first = world.trigger('import')
  const parent_run_id = first.run_id
  for (let n = 0; n < 2; n++) world.trigger('import', {}, { parent_run_id })
  const [a, b, c] = world.tasks('web1')
  if (!a || !b || !c) return t.fail()
  world.end('web1', a, { exit_code: 1 })
  world.end('web1', b, { exit_code: 1 })
  world.end('web1', c)
  const { flow_id } = first
  const { run_ids } = world.result({ kind: 'retry', flow_id }) as { run_ids: string[] }
  t.deepEqual(
    run_ids.map((run_id) => world.run(run_id).retry_of),
    [a.run_id, b.run_id],
  )
  t.is(world.refusal({ kind: 'retry', flow_id }).code, 'not_failed', 'they are retried already')
  t.is(world.refusal({ kind: 'retry', flow_id: 'none' }).status, 404)
})

test('a retry of a flow that is asked for twice in one moment is one retry', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { flow_id } = world.trigger('import')
  world.end('web1', world.given('web1'), { exit_code: 1 })
  world.atOnce(() => {
    for (let n = 0; n < 2; n++) world.post({ kind: 'retry', flow_id })
  })
  t.is(world.runsOf('import').length, 2)
})

test('a retry survives a restart right after it', (t) => {
  const world = makeWorld(t)
  const cards = [card('rotate', { deliver: 'all' })]
  for (const name of ['web1', 'web2']) world.worker(name, { cards })
  const { run_id } = world.trigger('rotate')
  world.end('web1', world.given('web1'), { exit_code: 1 })
  world.end('web2', world.given('web2'))
  world.cut('web1')
  world.pass(60_000, ['web2'])
  const again = world.retry(run_id)
  world.restart()
  for (const name of ['web1', 'web2']) world.worker(name, { cards })
  world.pass(200)
  t.is(world.given('web1').run_id, again.run_id)
  t.deepEqual(world.tasks('web2'), [])
})

type Answers = (RetryAccepted | { error: Failure })[]
const failedIn = (answers: Answers): string[] =>
  answers.flatMap((item) => ('error' in item ? item.error.code : []))

test('a list of failed runs is retried, each once, however often the list is said', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')], slots: 1_000 })
  const run_ids = Array.from({ length: 400 }, (_, n) => world.trigger('import', { n }).run_id)
  for (const task of world.tasks('web1')) world.end('web1', task, { exit_code: 1 })
  const by_hand = run_ids.slice(0, 50).map((run_id) => world.retry(run_id).run_id)

  const again = () => world.result({ kind: 'retry', run_ids }) as Answers
  const first = again()
  t.is(first.length, 400)
  t.deepEqual(failedIn(first), Array(50).fill('already_retried'))
  const made = first.flatMap((item) => ('error' in item ? [] : [item]))
  t.deepEqual(
    made.map(({ retry_of }) => retry_of),
    run_ids.slice(50),
  )
  t.deepEqual(world.paramsOf(made[0]?.run_id ?? ''), { n: '50' })

  t.deepEqual(failedIn(again()), Array(400).fill('already_retried'))
  world.restart()
  t.deepEqual(failedIn(again()), Array(400).fill('already_retried'))
  t.is(world.runsOf('import').length, 800)
  const retries = world.runsOf('import').filter(({ retry_of }) => retry_of !== null)
  t.is(new Set(retries.map(({ retry_of }) => retry_of)).size, 400)
  t.is(retries.length, 400)
  t.is(by_hand.length, 50)
})

test('two lists in one turn, and a list that names a run twice, make one retry of each', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')], slots: 9 })
  const run_ids = [1, 2].map((n) => world.trigger('import', { n }).run_id)
  for (const task of world.tasks('web1')) world.end('web1', task, { exit_code: 1 })
  world.atOnce(() => {
    world.says('web1', { kind: 'heartbeat' })
    for (let times = 0; times < 3; times++)
      world.post({ kind: 'retry', run_ids: [...run_ids, ...run_ids] })
  })
  t.is(world.runsOf('import').length, 4)
})

test('what cannot be retried is said one by one, and the others are retried', (t) => {
  const world = makeWorld(t)
  const cards = [card('import'), card('rotate', { deliver: 'all' })]
  world.worker('web1', { cards, slots: 9 })
  const [good, failed, rotated] = ['import', 'import', 'rotate'].map((job) => world.trigger(job))
  for (const task of world.tasks('web1'))
    world.end('web1', task, { exit_code: task.run_id === good?.run_id ? 0 : 1 })
  const run_ids = [good?.run_id ?? '', 'none', rotated?.run_id ?? '', failed?.run_id ?? '']
  const answers = world.result({ kind: 'retry', run_ids, worker: 'web2' }) as Answers
  t.deepEqual(failedIn(answers), ['not_failed', 'unknown_run', 'not_failed'])
  t.like(answers[3], { retry_of: failed?.run_id })
  t.deepEqual(world.runsOf('import').at(-1)?.only_workers, ['web2'])
})
