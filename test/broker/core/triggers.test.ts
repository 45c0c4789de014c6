import test from 'ava'
import type { Card, ParamRule } from '../../../common/definition/card.ts'
import { memoryDisk, openMemory } from '../store/memory.ts'
import { card } from './cards.ts'
import { makeWorld, START_MS } from './world.ts'

const rule = (more: Partial<ParamRule>): ParamRule => ({
  type: 'safe',
  pattern: null,
  values: null,
  format: null,
  zone: null,
  default: null,
  required: false,
  allow_dash: false,
  secret: false,
  description: null,
  ...more,
})
const dated: Partial<Card> = {
  params: { date: rule({ type: 'date', format: '%Y_%m_%d', default: 'today' }) },
}

test('while there is no card at all, a trigger is refused with 503 and a time to try again', (t) => {
  const world = makeWorld(t)
  t.like(world.triggerRefused('import'), { status: 503, code: 'no_workers', retry_after_s: 5 })
})

test('a job never announced is refused with 404 and the nearest name', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const refusal = world.triggerRefused('improt')
  t.like(refusal, { status: 404, code: 'unknown_job', hint: 'did you mean import?' })
})

test('a job announced once is accepted and waits, saying for whom', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  world.cut('web1')
  world.pass(300_000)
  world.restart()
  const { run_id, state, workers } = world.trigger('import')
  t.is(state, 'queued')
  t.is(workers, 1, 'it stays subscribed')
  t.regex(world.why(run_id).summary, /away: web1/)
  world.worker('web1', { cards: [card('import')] })
  t.is(world.given('web1').run_id, run_id)
})

test('names that no job can have are refused, and do no harm', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  for (const name of ['../x', '__proto__', 'x'.repeat(300), '', 'a b', '-rf'])
    t.like(world.triggerRefused(name), { status: 400, code: 'bad_job_name' })
  for (const name of ['constructor', 'toString', 'hasOwnProperty'])
    t.like(world.triggerRefused(name), { status: 404 })
})

test('a bad parameter is refused, naming parameter and rule; nothing is recorded', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import', dated)] })
  const refusal = world.triggerRefused('import', { date: '2026_13_45' })
  t.like(refusal, { status: 400, code: 'bad_parameter' })
  t.regex(refusal.message, /date/)
  for (const params of [{ a: ['x'] }, { a: { b: 1 } }, { __proto__x: '1' }, { job_name: 'x' }])
    t.is(world.triggerRefused('import', params).status, 400)
  t.is(world.state().runs.size, 0)
})

test('an undeclared parameter is made harmless, and the answer says so', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id, sanitized, undeclared } = world.trigger('import', { path: 'a;b', plain: 'x' })
  t.deepEqual(sanitized, ['path'])
  t.deepEqual(undeclared, ['path', 'plain'])
  t.deepEqual(world.paramsOf(run_id), { path: 'ab', plain: 'x' })
})

test('defaults are filled in when a run is recorded', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import', dated)] })
  t.deepEqual(world.paramsOf(world.trigger('import').run_id), { date: '2026_11_23' })
})

test('an array is answered one by one, in order', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const result = world.result({
    kind: 'trigger',
    triggers: ['import', 'nobody_has_it', 'import'].map((job) => ({ job, params: {} })),
  }) as { run_id?: string; error?: unknown }[]
  t.deepEqual(
    result.map((answer) => 'error' in answer),
    [false, true, false],
  )
  t.is(world.runsOf('import').length, 2)
})

test('a refusal is written down: when, from where, why', (t) => {
  const refusals: unknown[] = []
  const store = openMemory(memoryDisk(), (records) => refusals.push(...records.refusals))
  const world = makeWorld(t, store)
  world.ask({ kind: 'trigger', from: '10.0.0.7', triggers: [{ job: 'x', params: {} }] })
  t.like(refusals[0], { at_ms: START_MS, job: 'x', from: '10.0.0.7', code: 'no_workers' })
})

test('a flood of nonsense is not a flood of writes', (t) => {
  let written = 0
  const store = openMemory(memoryDisk(), ({ refusals }) => {
    written += refusals.length
  })
  const world = makeWorld(t, store)
  const triggers = Array.from({ length: 1_000 }, () => ({ job: '..', params: {} }))
  world.ask({ kind: 'trigger', triggers })
  t.true(written > 0 && written <= 100)
})

test('a run joins the flow of its parent, also when that is over', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import'), card('more')] })
  const parent = world.trigger('import')
  world.end('web1', world.given('web1'))
  const child = world.trigger('more', {}, { parent_run_id: parent.run_id })
  t.is(child.flow_id, parent.flow_id)
  t.like(world.run(child.run_id), { parent_run_id: parent.run_id, depth: 1, via: 'trigger' })
  const refusal = world.triggerRefused('more', {}, { parent_run_id: 'nobody' })
  t.like(refusal, { status: 400, code: 'bad_parameter' })
})

test('a job may say how far it is; a run that is over takes no more word', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id } = world.trigger('import')
  world.result({ kind: 'report', run_id, message: 'half', progress: 50 })
  t.like(world.run(run_id), { message: 'half', progress: 50 })
  world.end('web1', world.given('web1'))
  t.is(world.refusal({ kind: 'report', run_id, progress: 60 }).code, 'already_over')
  t.is(world.refusal({ kind: 'report', run_id: 'none', progress: 1 }).code, 'unknown_run')
})

test('run ids are time-ordered', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const ids: string[] = []
  for (let n = 0; n < 5; n++) {
    ids.push(world.trigger('import').run_id, world.trigger('import').run_id)
    world.pass(7)
  }
  t.deepEqual([...ids].sort(), ids)
  t.is(new Set(ids.map((id) => id.slice(-8))).size, ids.length)
})
