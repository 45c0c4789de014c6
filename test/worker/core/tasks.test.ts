/** How tasks come, start, end and go away, without any process. */
import test from 'ava'
import type { AttemptTask } from '../../../worker/core/state.ts'
import { aWorld, shown } from './world.ts'

test('a task is kept before it is accepted, and then started', (t) => {
  const world = aWorld()
  world.join()
  world.helpful = false
  t.deepEqual(shown(world.task('one', { task_id: 'r.0' })), ['keep r.0#1'])
  t.deepEqual(shown(world.happen({ kind: 'kept', key: 'r.0#1', failure: null })), [
    'accepted r.0',
    'start r.0#1',
  ])
  t.deepEqual(shown(world.happen({ kind: 'started', key: 'r.0#1', at_ms: 1 })), ['started r.0'])
})

test('a task that the disk does not take goes back, and no more are asked for', (t) => {
  const world = aWorld()
  world.join()
  world.helpful = false
  world.task('one', { task_id: 'r.0' })
  t.deepEqual(shown(world.happen({ kind: 'kept', key: 'r.0#1', failure: 'ENOSPC' })), [
    'forget r.0#1',
    'ended r.0 returned',
  ])
  t.deepEqual(shown(world.hear({ kind: 'ack', of: 'ended', task_id: 'r.0', attempt: 1 })), [
    'forget r.0#1',
  ])
})

test('a task whose command the disk does not take goes back too: it never ran', (t) => {
  const world = aWorld()
  world.join()
  world.helpful = false
  world.task('one', { task_id: 'r.0' })
  world.happen({ kind: 'kept', key: 'r.0#1', failure: null })
  t.deepEqual(shown(world.exit('r.0#1', { how: { kind: 'not_kept', message: 'ENOSPC' } })), [
    'forget r.0#1',
    'ended r.0 returned',
  ])
})

test('the outcome is told until it is acknowledged, and then forgotten', (t) => {
  const world = aWorld()
  world.join()
  world.task('one', { task_id: 'r.0' })
  t.deepEqual(shown(world.exit('r.0#1')), ['ended r.0 0', 'credit 3'])
  t.true(shown(world.pass(5_000)).includes('ended r.0 0'))
  t.deepEqual(shown(world.hear({ kind: 'ack', of: 'ended', task_id: 'r.0', attempt: 1 })), [
    'forget r.0#1',
  ])
  t.false(shown(world.pass(20_000)).includes('ended r.0 0'))
})

test('a task that is here already is accepted again; one that is over is not run', (t) => {
  const world = aWorld()
  world.join()
  world.task('one', { task_id: 'r.0' })
  t.deepEqual(shown(world.task('one', { task_id: 'r.0' })), ['accepted r.0'])
  world.exit('r.0#1')
  t.deepEqual(shown(world.task('one', { task_id: 'r.0' })), ['ended r.0 0'])
  world.hear({ kind: 'ack', of: 'ended', task_id: 'r.0', attempt: 1 })
  t.deepEqual(shown(world.task('one', { task_id: 'r.0' })), [])
  t.deepEqual(shown(world.task('one', { task_id: 'r.0', attempt: 2 })), [
    'keep r.0#2',
    'accepted r.0',
    'start r.0#2',
    'started r.0',
  ])
})

test('a broadcast is for the workers that it names', (t) => {
  const world = aWorld()
  world.join()
  const tasks = JSON.parse('{"web18": 1, "__proto__": 2}') as Record<string, number>
  t.deepEqual(world.task('all', { tasks }), [])
  t.is(shown(world.task('all', { tasks: { web17: 3 } }))[0], 'keep r.3#1')
})

test('what waits for a slot starts in order when one comes free', (t) => {
  const world = aWorld(1)
  world.join()
  for (const n of [0, 1, 2]) world.task('all', { run_id: `r${n}`, task_id: `r${n}.0` })
  t.deepEqual(shown(world.exit('r0.0#1')), ['start r1.0#1', 'ended r0.0 0', 'started r1.0'])
  t.true(shown(world.exit('r1.0#1')).includes('start r2.0#1'))
})

test('an overdue command gets TERM, then KILL, and its outcome says so', (t) => {
  const world = aWorld()
  world.join({ heartbeat_ms: 600_000 })
  world.task('short', { task_id: 'r.0' })
  t.deepEqual(world.pass(9_999), [])
  t.deepEqual(world.pass(1), [{ kind: 'terminate', key: 'r.0#1', reason: 'timeout' }])
  t.deepEqual(world.pass(1_999), [])
  t.deepEqual(world.pass(1), [{ kind: 'kill', key: 'r.0#1' }])
  const effects = world.exit('r.0#1', { how: { kind: 'killed', message: '' } })
  t.deepEqual(shown(effects)[0], 'ended r.0 timeout')
})

test('the first reason of a stop is the one that is told', (t) => {
  const world = aWorld()
  world.join()
  world.task('short', { task_id: 'r.0' })
  const stop = { kind: 'stop', task_id: 'r.0', attempt: 1 }
  t.deepEqual(shown(world.hear({ ...stop, reason: 'canceled' })), ['terminate r.0#1'])
  t.deepEqual(shown(world.hear({ ...stop, reason: 'canceled' })), [])
  t.is(shown(world.exit('r.0#1', { how: { kind: 'code', exit_code: 0 } }))[0], 'ended r.0 canceled')
})

test('a fenced attempt is forgotten without a word', (t) => {
  const world = aWorld()
  world.join()
  world.task('one', { task_id: 'r.0' })
  world.hear({ kind: 'stop', task_id: 'r.0', attempt: 1, reason: 'fenced' })
  t.deepEqual(shown(world.exit('r.0#1')), ['forget r.0#1', 'credit 3'])
  world.task('one', { run_id: 'q', task_id: 'q.0' })
  world.exit('q.0#1')
  t.deepEqual(shown(world.hear({ kind: 'stop', task_id: 'q.0', attempt: 1, reason: 'fenced' })), [
    'forget q.0#1',
  ])
})

test('a stop that comes before its task keeps it from running', (t) => {
  const world = aWorld()
  world.join()
  t.deepEqual(shown(world.hear({ kind: 'stop', task_id: 'r.3', attempt: 1, reason: 'canceled' })), [
    'ended r.3 canceled',
  ])
  t.deepEqual(shown(world.task('all', { tasks: { web17: 3 } })), ['ended r.3 canceled'])
  t.deepEqual(shown(world.hear({ kind: 'stop', task_id: 'r.4', attempt: 1, reason: 'fenced' })), [])
  t.deepEqual(shown(world.task('all', { tasks: { web17: 4 } })), [])
})

test('a stop of one that waits ends it there', (t) => {
  const world = aWorld(1)
  world.join()
  world.task('all', { run_id: 'a', task_id: 'a.0' })
  world.task('all', { run_id: 'b', task_id: 'b.0' })
  const effects = shown(
    world.hear({ kind: 'stop', task_id: 'b.0', attempt: 1, reason: 'canceled' }),
  )
  t.deepEqual(effects, ['note_stop b.0#1', 'ended b.0 canceled'])
  t.false(shown(world.exit('a.0#1')).includes('start b.0#1'))
})

test('one whose keeper died too soon is started again, but not for ever', (t) => {
  const world = aWorld()
  world.join()
  world.task('one', { task_id: 'r.0' })
  const never = { how: { kind: 'never_ran' } } as const
  for (let i = 0; i < 3; i += 1)
    t.deepEqual(shown(world.exit('r.0#1', never)), ['start r.0#1', 'started r.0'])
  t.is(shown(world.exit('r.0#1', never))[0], 'ended r.0 spawn_failed')
})

test('a worker that drains gives back what others may do, and starts nothing', (t) => {
  const world = aWorld(1)
  world.join()
  world.task('one', { run_id: 'a', task_id: 'a.0' })
  world.task('one', { run_id: 'b', task_id: 'b.0' })
  world.task('all', { run_id: 'c', task_id: 'c.0' })
  t.deepEqual(shown(world.hear({ kind: 'drain', on: true })), [
    'note_stop b.0#1',
    'ended b.0 returned',
  ])
  t.is(shown(world.task('one', { run_id: 'd', task_id: 'd.0' }))[0], 'ended d.0 returned')
  t.deepEqual(shown(world.exit('a.0#1')), ['ended a.0 0'])
  t.true(shown(world.hear({ kind: 'drain', on: false })).includes('start c.0#1'))
})

test('a broadcast that cannot be run is refused with its reason', (t) => {
  const world = aWorld()
  world.join()
  t.is(shown(world.task('nothing', { task_id: 'r.0' }))[2], 'ended r.0 unknown_job')
  const effects = world.task('number', { run_id: 'q', task_id: 'q.0', params: { n: 'x' } })
  t.is(shown(effects)[2], 'ended q.0 bad_parameter')
})

const stored = (run_id: string): AttemptTask => ({
  task_id: `${run_id}.0`,
  attempt: 1,
  run_id,
  flow_id: 'f',
  job: 'one',
  params: {},
  context: {},
})

test('restored attempts keep their place, their limits and their reasons', (t) => {
  const world = aWorld(1)
  const limits = { timeout_ms: 5_000, kill_after_ms: 100, output_limit_bytes: 10 }
  const running = { running_for_ms: 7_000, started_at_ms: 1, limits }
  const attempts = [
    { task: stored('a'), stop: null, running },
    { task: stored('b'), stop: null, running: null },
    { task: stored('c'), stop: 'canceled' as const, running: null },
  ]
  world.happen({ kind: 'restored', attempts })
  t.deepEqual(shown(world.pass(500)), ['terminate a.0#1'])
  const hello = world.happen({ kind: 'connected' })[0]
  t.deepEqual(hello?.kind === 'hello' ? hello.held.map(({ state }) => state) : null, [
    'running',
    'accepted',
    'ended',
  ])
})

test('what ended in time is not overdue, however long the daemon was away', (t) => {
  const world = aWorld(1)
  const limits = { timeout_ms: 5_000, kill_after_ms: 100, output_limit_bytes: 10 }
  const running = { running_for_ms: 60_000, started_at_ms: 1, limits }
  world.happen({ kind: 'restored', attempts: [{ task: stored('a'), stop: null, running }] })
  t.deepEqual(shown(world.pass(400)), [], 'it listens first')
  world.join()
  t.deepEqual(
    shown(world.exit('a.0#1')).filter((line) => line.startsWith('ended')),
    ['ended a.0 0'],
  )
})

test('what ended in time is not overdue, however long the daemon was stopped', (t) => {
  const world = aWorld(1)
  world.join({ heartbeat_ms: 600_000 })
  world.task('short', { task_id: 'r.0' })
  world.now_ms += 60_000
  t.deepEqual(shown(world.happen({ kind: 'tick' })), [], 'it listens first')
  t.deepEqual(
    shown(world.exit('r.0#1', {}, 1)).filter((line) => line.startsWith('ended')),
    ['ended r.0 0'],
  )
})

test('what was given back stays given back in the next life, and nothing of the spool starts unwelcome', (t) => {
  const world = aWorld(2)
  const attempts = [
    { task: stored('a'), stop: 'returned' as const, running: null },
    { task: stored('b'), stop: null, running: null },
  ]
  t.deepEqual(shown(world.happen({ kind: 'restored', attempts })), [])
  world.happen({ kind: 'connected' })
  world.hear({ kind: 'stop', task_id: 'b.0', attempt: 1, reason: 'fenced' })
  world.join()
  t.deepEqual(shown(world.did), ['welcomed', 'ended a.0 returned'])
})
