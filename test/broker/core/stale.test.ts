/** A report of an attempt that was given up changes nothing, and is kept as a note on the attempt. */
import test from 'ava'
import type { Records } from '../../../broker/core/records.ts'
import { memoryDisk, openMemory } from '../store/memory.ts'
import { card, step } from './cards.ts'
import { makeWorld, type Given, type World } from './world.ts'

const CARDS = [
  card('import', { on_lost: 'fail', on_success: [step('index')], on_failure: [step('tell')] }),
  card('index'),
  card('tell'),
]

/** A run that was given up when its worker's lease ran out; its worker is back since. */
function givenUp(world: World): { run_id: string; task: Given } {
  world.worker('web1', { cards: CARDS, slots: 9 })
  const { run_id } = world.trigger('import')
  const task = world.given('web1')
  world.begin('web1', task)
  world.cut('web1')
  world.pass(30_000)
  world.worker('web1', { cards: CARDS, slots: 9, held: [{ ...task, state: 'ended' }] })
  return { run_id, task }
}

test('of a run that is over: its attempt says what came of it, and nothing else moves', (t) => {
  let written: Records | null = null
  const store = openMemory(memoryDisk(), (records) => (written = records))
  const world = makeWorld(t, store)
  const { run_id, task } = givenUp(world)
  const before = world.run(run_id)
  t.like(before, { state: 'failed' })
  t.is(world.sent('web1', 'ack').length, 0)
  world.end('web1', task, { exit_code: 0 })
  const after = world.run(run_id)
  t.deepEqual({ ...after, tasks: [] }, { ...before, tasks: [] })
  t.like(after.tasks[0], { state: 'lost', exit_code: null, reason: before.tasks[0]?.reason })
  t.like(after.tasks[0]?.attempts[0], {
    state: 'lost',
    exit_code: 0,
    reason: 'its worker was not heard of in time; reported too late: succeeded',
  })
  t.deepEqual([(written as Records | null)?.runs, (written as Records | null)?.feed], [[], []])
  t.false(world.state().runs.has(run_id))
  t.deepEqual(world.runsOf('index'), [])
  t.is(world.sent('web1', 'ack').length, 1, 'its worker can forget it')
})

test('said again, also to a new broker, it is noted once', (t) => {
  const world = makeWorld(t)
  const { run_id, task } = givenUp(world)
  world.atOnce(() => {
    world.end('web1', task, { exit_code: 1 })
    world.end('web1', task, { exit_code: 1 })
  })
  world.restart()
  world.worker('web1', { cards: CARDS, held: [{ ...task, state: 'ended' }] })
  world.end('web1', task, { exit_code: 1 })
  t.is(world.task(run_id).attempts[0]?.reason?.split('too late').length, 2)
})

test('two attempts of a task that is over are noted both, in one turn', (t) => {
  const world = makeWorld(t, openMemory(memoryDisk()), { max_lost: 2, max_depth: 100 })
  const cards = [card('import')]
  const tasks: Given[] = []
  const { run_id } = (world.worker('web1', { cards }), world.trigger('import'))
  for (const name of ['web1', 'web2']) {
    world.worker(name, { cards })
    tasks.push(world.given(name))
    world.begin(name, tasks.at(-1) as Given)
    world.cut(name)
    world.pass(30_000)
  }
  t.regex(world.run(run_id).reason ?? '', /^poison/)
  for (const name of ['web1', 'web2']) world.worker(name, { cards })
  world.atOnce(() => {
    world.end('web1', tasks[0] as Given, { exit_code: 7 })
    world.end('web2', tasks[1] as Given, { exit_code: 8 })
  })
  t.deepEqual(
    world.task(run_id).attempts.map(({ exit_code }) => exit_code),
    [7, 8],
  )
})

test('what is told of an attempt that its worker never had, or that ended, is no note', (t) => {
  const world = makeWorld(t)
  const { run_id, task } = givenUp(world)
  const before = world.run(run_id)
  world.worker('web2', { cards: CARDS })
  world.end('web2', task)
  world.end('web1', { ...task, attempt: 2 })
  for (const task_id of ['', 'x', `${run_id}.9`, `${run_id}.`, `${run_id}.0.0`, `${run_id}.length`])
    world.end('web1', { ...task, task_id })
  t.deepEqual(world.run(run_id), before)
  const [tell] = world.tasks('web1').concat(world.tasks('web2'))
  world.end('web1', tell as Given)
  const told = world.runsOf('tell')[0]
  world.end('web1', tell as Given, { exit_code: 9 })
  t.deepEqual(world.runsOf('tell')[0], told)
})
