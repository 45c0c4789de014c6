/** What would go on for ever ends, says why, and somebody is told: attempts that kill their workers, flows that loop. */
import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { Run } from '../../../broker/core/state.ts'
import { memoryDisk, openMemory } from '../store/memory.ts'
import { card, semaphore, step } from './cards.ts'
import { makeWorld, type World } from './world.ts'

const limited = (t: ExecutionContext, max_lost: number, max_depth: number): World =>
  makeWorld(t, openMemory(memoryDisk()), { max_lost, max_depth })

/** Ends everything that web1 is given, until it is given nothing more; `fails` says which jobs fail. */
function runAll(world: World, fails: readonly string[] = []): void {
  for (let turns = 0; turns < 1_000; turns++) {
    const tasks = world.tasks('web1')
    if (tasks.length === 0) return
    for (const task of tasks)
      world.end('web1', task, { exit_code: fails.includes(task.job) ? 1 : 0 })
  }
  throw new Error('it goes on for ever')
}

const tooDeep = (runs: readonly Run[]): Run[] =>
  runs.filter(({ reason }) => reason?.startsWith('too_deep'))

/** The command of a started task has ended its worker, which comes back with an empty spool. */
function killsItsWorker(world: World): void {
  world.begin('web1', world.given('web1'))
  world.pass(30_000)
  world.worker('web1', { cards: POISONED })
}
const POISONED = [card('import', { on_failure: [step('tell')] }), card('tell')]

test('attempts that keep killing their worker end at max_lost, and the handler is told of poison', (t) => {
  const world = limited(t, 2, 100)
  world.worker('web1', { cards: POISONED })
  const { run_id } = world.trigger('import')
  killsItsWorker(world)
  t.is(world.run(run_id).state, 'running')
  killsItsWorker(world)
  t.like(world.run(run_id), {
    state: 'failed',
    reason:
      'poison: 2 attempts took the worker with them, and no more are made (--max-lost of the broker)',
  })
  t.like(world.task(run_id), { state: 'lost', lost: 2 })
  const handler = world.given('web1')
  t.is(handler.job, 'tell')
  t.regex(handler.context['reason'] ?? '', /^poison: 2 attempts/)
})

test('an attempt that comes back is not lost, however often its link broke', (t) => {
  const world = limited(t, 2, 100)
  world.worker('web1', { cards: POISONED })
  const { run_id } = world.trigger('import')
  const task = world.given('web1')
  world.begin('web1', task)
  for (let cut = 0; cut < 3; cut++) {
    world.cut('web1')
    world.pass(30_000)
    t.is(world.task(run_id).lost, 1)
    world.worker('web1', { cards: POISONED, held: [{ ...task, state: 'running' }] })
    t.like(world.task(run_id), { state: 'running', lost: 0, attempt: 1 })
  }
  world.end('web1', task)
  t.is(world.run(run_id).state, 'succeeded')
})

const LOOP = [
  card('loop', { on_success: [step('loop')], on_failure: [step('tell')] }),
  card('tell'),
]

test('a flow that triggers itself is stopped at 100 steps, and the handler is told of the step that was too deep', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: LOOP, slots: 1_000 })
  world.trigger('loop')
  runAll(world)
  const runs = world.runsOf('loop')
  t.is(runs.filter(({ state }) => state === 'succeeded').length, 101, 'a trigger and 100 steps')
  t.like(runs.at(-1), {
    state: 'failed',
    reason:
      'too_deep: it is step 101 in a row of its flow, and no more than 100 are started (--max-depth of the broker)',
  })
  const [handler] = world.runsOf('tell')
  t.like(handler, { state: 'succeeded', parent_run_id: runs.at(-1)?.run_id })
  t.regex(world.contextOf(handler?.run_id ?? '')['reason'] ?? '', /^too_deep/)
  t.is(world.state().runs.size, 0)
})

test('the depth is a setting', (t) => {
  const world = limited(t, 5, 3)
  world.worker('web1', { cards: LOOP, slots: 100 })
  world.trigger('loop')
  runAll(world)
  t.is(world.runsOf('loop').length, 5)
  t.regex(tooDeep(world.runsOf('loop'))[0]?.reason ?? '', /step 4 .* no more than 3/)
})

test('a command that starts its own job again, as a child of its run, is stopped as well', (t) => {
  const world = limited(t, 5, 10)
  const cards = [card('self', { on_failure: [step('tell')] }), card('tell')]
  world.worker('web1', { cards, slots: 100 })
  let { run_id, flow_id } = world.trigger('self')
  let started = 0
  while (world.run(run_id).state === 'running' && started < 100) {
    started += 1
    const task = world.given('web1')
    const child = world.trigger('self', {}, { parent_run_id: run_id })
    t.is(child.flow_id, flow_id)
    world.end('web1', task)
    run_id = child.run_id
  }
  t.is(started, 11)
  t.is(world.run(run_id).state, 'failed')
  t.regex(world.run(run_id).reason ?? '', /^too_deep/)
  t.like(world.given('web1'), { job: 'tell', context: { failed_run_id: run_id } })
})

test('a flow that goes round by a semaphore is stopped', (t) => {
  const world = limited(t, 5, 6)
  const cards = [card('part'), card('join', { on_success: [step('part')] })]
  world.worker('web1', { cards, slots: 100 })
  const wait_for = [{ job: 'part', count: 1, distinct: null }]
  world.semaphores(semaphore('round', { wait_for, then: [step('join')], repeat: true }))
  world.trigger('part')
  let rounds = 0
  for (let part = 0; part < world.runsOf('part').length && rounds < 100; part++) {
    for (const task of world.tasks('web1')) world.end('web1', task)
    const { run_id, flow_id, state } = world.runsOf('part')[part] as Run
    if (state !== 'succeeded') break
    const arrival = { semaphore: 'round', run_id, member: 0, distinct: null, failed: false }
    world.result({ kind: 'arrive', key: flow_id, ...arrival })
    world.result({ kind: 'open', semaphore: 'round', key: flow_id, generation: part + 1 })
    for (const task of world.tasks('web1')) world.end('web1', task)
    rounds += 1
  }
  t.is(rounds, 4)
  t.is(tooDeep([...world.runsOf('part'), ...world.runsOf('join')]).length, 1)
  t.is(world.state().runs.size, 0)
})

test('a handler that starts again what failed goes round no more often than the depth', (t) => {
  const world = limited(t, 5, 7)
  const cards = [
    card('import', { on_failure: [step('mend')] }),
    card('mend', { on_success: [step('import')] }),
  ]
  world.worker('web1', { cards, slots: 100 })
  world.trigger('import')
  runAll(world, ['import'])
  t.is(tooDeep([...world.runsOf('import'), ...world.runsOf('mend')]).length, 3)
  t.is(world.runsOf('import').length, 6)
  t.is(world.state().runs.size, 0)
})

test('a handler of the last step can fail, be told of, and be retried', (t) => {
  const world = limited(t, 5, 1)
  const cards = [
    card('loop', { on_success: [step('loop')], on_failure: [step('tell')] }),
    card('tell', { on_failure: [step('page')], on_each_failure: [step('log')] }),
    card('page'),
    card('log'),
  ]
  world.worker('web1', { cards, slots: 100 })
  world.trigger('loop')
  runAll(world, ['tell'])
  t.like(world.runsOf('tell')[0], { state: 'failed', reason: 'exit code 1', depth: 3 })
  world.retry(world.runsOf('tell')[0]?.run_id ?? '')
  runAll(world)
  t.like(world.runsOf('tell')[1], { state: 'succeeded', via: 'retry', depth: 3 })
})

test('a retry stands as deep as what it repeats: a step that was too deep is stopped again until the limit is raised', (t) => {
  const limits = { max_lost: 5, max_depth: 2 }
  const world = makeWorld(t, openMemory(memoryDisk()), limits)
  world.worker('web1', { cards: LOOP, slots: 100 })
  world.trigger('loop')
  runAll(world)
  const [deep] = tooDeep(world.runsOf('loop'))
  const again = world.retry(deep?.run_id ?? '')
  t.like(world.run(again.run_id), { state: 'failed', reason: deep?.reason, depth: deep?.depth })
  limits.max_depth = 3
  world.restart()
  world.worker('web1', { cards: LOOP, slots: 100 })
  const third = world.retry(again.run_id)
  t.like(world.run(third.run_id), { state: 'running', depth: 3 })
})
