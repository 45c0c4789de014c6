import test from 'ava'
import { card } from './cards.ts'
import { makeWorld, type World } from './world.ts'

/** Which runs a worker was given since the last look. */
const startedBy = (world: World, worker: string): string[] =>
  world.tasks(worker).map((task) => task.run_id)

test('a lower number starts first, then first come first served', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')], slots: 0 })
  const order = [512, 10, 512, 0, 10, 4_294_967_295].map((priority) => ({
    priority,
    run_id: world.trigger('import', {}, { priority }).run_id,
  }))
  world.says('web1', { kind: 'credit', credit: 100 })
  const expected = [...order].sort((a, b) => a.priority - b.priority).map((item) => item.run_id)
  t.deepEqual(startedBy(world, 'web1'), expected)
})

test('priorities hold across jobs and lanes', (t) => {
  const world = makeWorld(t)
  const cards = [card('slow', { lane: 'bulk', priority: 900 }), card('quick', { priority: 5 })]
  world.worker('web1', { cards, slots: 0 })
  const slow = world.trigger('slow')
  const quick = world.trigger('quick')
  world.says('web1', { kind: 'credit', credit: 1 })
  t.deepEqual(startedBy(world, 'web1'), [quick.run_id])
  world.says('web1', { kind: 'credit', credit: 2 })
  t.deepEqual(startedBy(world, 'web1'), [slow.run_id])
})

test('a lane starts no more than its limit at a time', (t) => {
  const world = makeWorld(t)
  const lanes = { media: { limit: 2 } }
  world.worker('web1', { cards: [card('encode', { lane: 'media' })], slots: 9, lanes })
  for (let n = 0; n < 5; n++) world.trigger('encode')
  const [first, second] = world.tasks('web1')
  if (!first || !second) return t.fail()
  t.deepEqual(world.tasks('web1'), [])
  t.like(world.state().lanes.get('media'), { running: 2, queued: 3 })
  world.end('web1', first)
  t.is(world.tasks('web1').length, 1)
  world.end('web1', second, { exit_code: 1 })
  t.is(world.tasks('web1').length, 1)
})

test('a raised limit starts more, also after a restart', (t) => {
  const world = makeWorld(t)
  const cards = [card('encode', { lane: 'media' })]
  world.worker('web1', { cards, slots: 9, lanes: { media: { limit: 1 } } })
  for (let n = 0; n < 4; n++) world.trigger('encode')
  const task = world.given('web1')
  const held = [{ task_id: task.task_id, attempt: 1, state: 'running' as const }]
  world.restart()
  world.worker('web1', { cards, slots: 9, lanes: { media: { limit: 1 } }, held })
  t.deepEqual(world.tasks('web1'), [], 'the limit and what runs under it are known again')
  world.worker('web1', { cards, slots: 9, lanes: { media: { limit: 3 } }, held })
  t.is(world.tasks('web1').length, 2)
  world.worker('web1', { cards, slots: 9, lanes: { media: { limit: null } }, held })
  t.is(world.state().lanes.get('media')?.queued, 0)
})

test('a delayed run counts in no lane', (t) => {
  const world = makeWorld(t)
  const retries = { limit: 1, backoff_ms: 10_000, max_backoff_ms: 10_000, exit_codes: null }
  const cards = [card('encode', { lane: 'media', retries })]
  world.worker('web1', { cards, slots: 9, lanes: { media: { limit: 1 } } })
  const failing = world.trigger('encode')
  const next = world.trigger('encode')
  world.end('web1', world.given('web1'), { exit_code: 1 })
  t.is(world.task(failing.run_id).state, 'delayed')
  const second = world.given('web1')
  t.is(second.run_id, next.run_id)
  world.pass(10_000, ['web1'])
  t.deepEqual(world.tasks('web1'), [], 'the retry waits for its place in the lane')
  world.end('web1', second)
  t.like(world.given('web1'), { run_id: failing.run_id, attempt: 2 })
})

test('dispatch passes over runs that cannot start', (t) => {
  const world = makeWorld(t)
  const cards = [
    card('encode', { lane: 'media', priority: 1 }),
    card('away', { priority: 2 }),
    card('import'),
  ]
  const [encode, away, other] = cards
  if (!encode || !away || !other) return t.fail()
  world.worker('web2', { cards: [away] })
  world.cut('web2')
  world.worker('web1', { cards: [encode, other], lanes: { media: { limit: 0 } } })
  world.trigger('encode')
  world.trigger('away')
  const { run_id } = world.trigger('import')
  t.deepEqual(startedBy(world, 'web1'), [run_id])
})

test('no worker gets more than its credit, and given back room is used', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')], slots: 2 })
  for (let n = 0; n < 5; n++) world.trigger('import')
  const [first] = world.tasks('web1')
  if (!first) return t.fail()
  world.end('web1', first)
  t.deepEqual(world.tasks('web1'), [], 'the end alone is no credit')
  world.says('web1', { kind: 'credit', credit: 3 })
  t.is(world.tasks('web1').length, 1)
  world.says('web1', { kind: 'credit', credit: 3 })
  world.says('web1', { kind: 'credit', credit: 1 })
  t.deepEqual(world.tasks('web1'), [], 'repeated or old credit gives nothing')
  world.says('web1', { kind: 'credit', credit: 4 })
  t.is(world.tasks('web1').length, 1)
})

test('deliver one: exactly one of the workers runs it', (t) => {
  const world = makeWorld(t)
  const names = ['web1', 'web2', 'web3']
  for (const name of names) world.worker(name, { cards: [card('import')] })
  for (let n = 0; n < 12; n++) world.trigger('import')
  const given = names.map((name) => startedBy(world, name))
  t.deepEqual(
    given.map((ids) => ids.length),
    [4, 4, 4],
    'the one with the most room is next',
  )
  t.is(new Set(given.flat()).size, 12)
})

test('a topic is shared by the workers that subscribe to it, and by no others', (t) => {
  const world = makeWorld(t)
  world.worker('old', { cards: [card('import', { topic: 'loading' })] })
  world.worker('web1', { cards: [card('import', { topic: 'imports' })] })
  const { run_id } = world.trigger('import')
  t.deepEqual(startedBy(world, 'old'), [])
  t.deepEqual(startedBy(world, 'web1'), [run_id])
})
