import test from 'ava'
import { card } from './cards.ts'
import { makeWorld } from './world.ts'

test('a trigger becomes a run, the run a task, and its success ends it', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id, state, workers } = world.trigger('import', { date: '2026_11_23' })
  t.is(state, 'queued')
  t.is(workers, 1)
  const [task] = world.tasks('web1')
  t.like(task, {
    job: 'import',
    attempt: 1,
    task_id: `${run_id}.0`,
    params: { date: '2026_11_23' },
  })
  if (!task) return
  world.accept('web1', task)
  world.begin('web1', task)
  t.is(world.run(run_id).state, 'running')
  world.end('web1', task)
  t.like(world.run(run_id), { state: 'succeeded', reason: null })
  t.is(world.sent('web1', 'ack').length, 1)
  t.deepEqual(
    world.feed.map((entry) => entry.topic),
    [
      'worker.present.web1.',
      'run.queued.import.',
      'run.running.import.',
      'run.succeeded.import.',
      'flow.settled.',
    ],
  )
  world.nothingElse()
})

test('a run waits for a worker with room, and the one with the most room gets it', (t) => {
  const world = makeWorld(t)
  world.worker('small', { cards: [card('import')], slots: 1 })
  world.worker('large', { cards: [card('import')], slots: 2 })
  for (let n = 0; n < 4; n++) world.trigger('import')
  t.is(world.tasks('small').length, 1)
  const [first] = world.tasks('large')
  t.truthy(first)
  t.is(world.state().runs.size, 4)
  if (!first) return
  world.says('large', { kind: 'credit', credit: 3 })
  t.is(world.tasks('large').length, 1)
})

test('a repeated report changes nothing and is acknowledged again', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id } = world.trigger('import')
  const [task] = world.tasks('web1')
  if (!task) return t.fail()
  world.end('web1', task, { exit_code: 3 })
  world.end('web1', task, { exit_code: 0 })
  t.like(world.run(run_id), { state: 'failed', reason: 'exit code 3' })
  t.is(world.sent('web1', 'ack').length, 2)
})

test('a session that is not known is asked to say hello', (t) => {
  const world = makeWorld(t)
  world.says('stranger', { kind: 'heartbeat' })
  t.is(world.sent('stranger', 'hello_again').length, 1)
})
