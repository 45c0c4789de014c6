import test from 'ava'
import { memoryDisk, openMemory } from '../store/memory.ts'
import { card } from './cards.ts'
import { makeWorld } from './world.ts'

const request_id = 'order-1'

test('a repeated request_id answers with the run and its present state, and starts nothing', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const first = world.trigger('import', { a: '1' }, { request_id })
  t.is(first.duplicate, undefined)
  t.like(world.trigger('import', { a: '1' }, { request_id }), {
    run_id: first.run_id,
    state: 'running',
    duplicate: true,
  })
  world.end('web1', world.given('web1'))
  t.like(world.trigger('import', { a: '1' }, { request_id }), {
    run_id: first.run_id,
    state: 'succeeded',
    duplicate: true,
  })
  t.is(world.runsOf('import').length, 1)
})

test('other parameters, priority or delay under the same request_id: 409', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  world.trigger('import', { a: '1' }, { request_id })
  const others = [
    [{ a: '2' }, {}],
    [{}, {}],
    [{ a: '1', b: '2' }, {}],
    [{ a: '1' }, { priority: 1 }],
    [{ a: '1' }, { delay_ms: 1 }],
  ] as const
  for (const [params, more] of others)
    t.like(world.triggerRefused('import', params, { request_id, ...more }), {
      status: 409,
      code: 'request_id_taken',
    })
  t.is(world.runsOf('import').length, 1)
})

test('below a run of another flow it is another request; in its own flow it is the same', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const first = world.trigger('import', {}, { request_id })
  const other = world.trigger('import', { other: '1' })
  t.like(world.triggerRefused('import', {}, { request_id, parent_run_id: other.run_id }), {
    status: 409,
    code: 'request_id_taken',
  })
  const again = world.trigger('import', {}, { request_id, parent_run_id: first.run_id })
  t.like(again, { run_id: first.run_id, duplicate: true })
  t.is(world.trigger('import', {}, { request_id }).run_id, first.run_id)
})

test('parameters are compared after cleaning', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id } = world.trigger('import', { a: 'x;y' }, { request_id })
  t.is(world.trigger('import', { a: 'xy' }, { request_id }).run_id, run_id)
  t.is(world.trigger('import', { a: 'xy' }, { request_id, priority: 512 }).run_id, run_id)
})

test('a request that is repeated after midnight still means the day it was made on', (t) => {
  const world = makeWorld(t)
  const date = {
    type: 'date',
    pattern: null,
    values: null,
    format: '%Y_%m_%d',
    zone: null,
    default: 'today',
    required: false,
    allow_dash: false,
    secret: false,
    description: null,
  } as const
  world.worker('web1', { cards: [card('import', { params: { date } })] })
  const { run_id } = world.trigger('import', {}, { request_id })
  world.pass(86_400_000)
  t.is(world.trigger('import', {}, { request_id }).run_id, run_id)
  t.is(world.trigger('import', { date: 'today' }, { request_id }).run_id, run_id)
  t.is(world.triggerRefused('import', { date: 'yesterday' }, { request_id }).status, 409)
})

test('a request_id is scoped by job', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import'), card('export')] })
  const first = world.trigger('import', {}, { request_id })
  t.not(world.trigger('export', {}, { request_id }).run_id, first.run_id)
})

test('two triggers of one frame with one request_id are one run', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const trigger = { job: 'import', params: {}, request_id }
  const answers = world.result({ kind: 'trigger', triggers: [trigger, trigger] }) as {
    run_id: string
    duplicate?: true
  }[]
  t.is(answers[0]?.run_id, answers[1]?.run_id)
  t.deepEqual(
    answers.map((answer) => answer.duplicate),
    [undefined, true],
  )
})

test('a request_id outlives a restart of the broker', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id } = world.trigger('import', {}, { request_id })
  world.restart()
  t.like(world.trigger('import', {}, { request_id }), { run_id, duplicate: true })
})

test('a request_id may be any text', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const ids = new Set(
    ['__proto__', 'constructor', 'a\0b', '💥', 'x'.repeat(256)].map(
      (id) => world.trigger('import', {}, { request_id: id }).run_id,
    ),
  )
  t.is(ids.size, 5)
})

test('a request whose run is not kept any more starts no other: 409, also under a new broker', (t) => {
  const disk = memoryDisk()
  const world = makeWorld(t, openMemory(disk))
  world.worker('web1', { cards: [card('import')] })
  const { run_id } = world.trigger('import', { a: '1' }, { request_id })
  world.end('web1', world.given('web1'))
  disk.runs.delete(run_id)
  for (const again of ['this broker', 'the next one']) {
    const refused = world.triggerRefused('import', { a: '1' }, { request_id })
    t.like(refused, { status: 409, code: 'run_forgotten' }, again)
    t.true(refused.message.includes(run_id))
    world.restart()
    world.worker('web1', { cards: [card('import')] })
  }
  t.is(disk.runs.size, 0)
  disk.requests.clear()
  t.is(world.trigger('import', { a: '1' }, { request_id }).duplicate, undefined)
})
