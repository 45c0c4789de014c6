/** Hello, heartbeats, silence, credit and output, without any socket. */
import test from 'ava'
import { CUT_MARGIN_BYTES } from '../../../worker/core/streams.ts'
import { aWorld, shown } from './world.ts'

const chunk = 64 * 1024

test('nothing but hello leaves before the welcome', (t) => {
  const world = aWorld()
  t.deepEqual(shown(world.happen({ kind: 'connected' })), ['hello'])
  t.deepEqual(world.task('one', { task_id: 'r.0' }), [])
  t.deepEqual(shown(world.pass(5_000)), ['hello'])
})

test('a heartbeat goes out each time, and hello into the silence; then it dials anew', (t) => {
  const world = aWorld()
  world.join()
  t.deepEqual(shown(world.pass(14_999)), ['heartbeat', 'heartbeat'])
  t.deepEqual(shown(world.pass(1)), ['hello'])
  const effects = shown(world.pass(60_000))
  t.deepEqual(effects, ['hello', 'hello', 'redial'])
  t.is(world.worker.link.kind, 'apart')
})

test('who hears the broker stays', (t) => {
  const world = aWorld()
  world.join()
  for (let i = 0; i < 20; i += 1) {
    world.hear({ kind: 'heartbeat' })
    t.deepEqual(shown(world.pass(5_000)), ['heartbeat'])
  }
})

test('a new session hears again of what runs and of what ended', (t) => {
  const world = aWorld()
  world.join()
  world.task('one', { run_id: 'a', task_id: 'a.0' })
  world.task('one', { run_id: 'b', task_id: 'b.0' })
  world.exit('b.0#1')
  t.deepEqual(shown(world.hear({ kind: 'hello_again' })), ['hello'])
  t.deepEqual(world.hear({ kind: 'hello_again' }), [])
  world.join({ session: 's2' })
  t.deepEqual(world.hear({ kind: 'hello_again', session: 's1' }), [], 'that one is over anyway')
  t.deepEqual(shown(world.hear({ kind: 'hello_again', session: 's2' })), ['hello'])
  world.join({ session: 's2' })
  t.deepEqual(shown(world.did), ['welcomed', 'started a.0', 'ended b.0 0'])
})

test('what ends while no session stands is told in the next one', (t) => {
  const world = aWorld()
  world.join()
  world.task('one', { task_id: 'r.0' })
  world.happen({ kind: 'disconnected' })
  t.deepEqual(world.exit('r.0#1'), [])
  t.deepEqual(world.pass(100_000), [])
  world.join({ session: 's2' })
  t.deepEqual(shown(world.did), ['welcomed', 'ended r.0 0'])
})

test('credit counts up, one more for each task that ends', (t) => {
  const world = aWorld(2)
  world.join()
  t.is(world.worker.credit.announced, 2)
  world.task('one', { run_id: 'a', task_id: 'a.0' })
  world.task('one', { run_id: 'b', task_id: 'b.0' })
  t.is(world.worker.credit.announced, 2)
  t.deepEqual(shown(world.exit('a.0#1')), ['ended a.0 0', 'credit 3'])
})

test('a broadcast takes a slot and no credit, through whichever way it came', (t) => {
  const world = aWorld(2)
  world.join()
  world.task('all', { run_id: 'a', task_id: 'a.0' })
  world.task('one', { run_id: 'b', task_id: 'b.0', deliver: 'all' })
  t.is(world.worker.credit.received, 0)
  t.deepEqual(shown(world.exit('a.0#1')), ['ended a.0 0'])
})

test('quick commands are fetched ahead; one that waits too long goes back', (t) => {
  const world = aWorld(1)
  world.join({ heartbeat_ms: 600_000 })
  world.task('one', { run_id: 'a', task_id: 'a.0' })
  t.deepEqual(shown(world.exit('a.0#1', {}, 10)), ['ended a.0 0', 'credit 4'])
  world.hear({ kind: 'ack', of: 'ended', task_id: 'a.0', attempt: 1 })
  for (const run of ['b', 'c', 'd']) world.task('one', { run_id: run, task_id: `${run}.0` })
  t.deepEqual(shown(world.pass(999)), [])
  t.deepEqual(shown(world.pass(1)), [
    'note_stop c.0#1',
    'note_stop d.0#1',
    'ended c.0 returned',
    'ended d.0 returned',
    'credit 6',
  ])
  world.hear({ kind: 'ack', of: 'ended', task_id: 'c.0', attempt: 1 })
  const late = world.task('one', { run_id: 'c', task_id: 'c.0' })
  t.deepEqual(shown(late), ['ended c.0 returned'], 'a late copy of it goes back again')
})

test('a heartbeat makes up for a drain, a credit and a stop that were lost', (t) => {
  const world = aWorld(1)
  world.join()
  world.task('one', { task_id: 'r.0' })
  const beats = Array.from({ length: 6 }, () => {
    const effects = world.pass(5_000)
    world.hear({ kind: 'heartbeat' })
    return effects
  }).flat()
  t.true(beats.some((effect) => effect.kind === 'send' && 'credit' in effect.message))
  t.deepEqual(
    shown(beats).filter((line) => line.startsWith('accepted')),
    ['accepted r.0'],
  )
  world.hear({ kind: 'heartbeat', draining: true })
  t.true(world.worker.draining)
  world.hear({ kind: 'heartbeat' })
  t.true(world.worker.draining, 'a broker that does not say so changes nothing')
  world.hear({ kind: 'heartbeat', draining: false })
  t.false(world.worker.draining)
})

test('a full disk takes no more tasks', (t) => {
  const world = aWorld(2)
  world.join()
  t.deepEqual(shown(world.happen({ kind: 'disk', low: true })), ['log'])
  t.deepEqual(world.happen({ kind: 'disk', low: true }), [])
  world.task('one', { task_id: 'r.0' })
  t.deepEqual(shown(world.exit('r.0#1')), ['ended r.0 0'])
  // What was given back meanwhile is asked for by greeting anew; its credit says how much more there may be.
  t.deepEqual(shown(world.happen({ kind: 'disk', low: false })), ['log', 'hello'])
  t.is(world.worker.credit.announced, 2)
})

test('a disk that has room again says nothing while no connection stands', (t) => {
  const world = aWorld()
  world.happen({ kind: 'disk', low: true })
  t.deepEqual(shown(world.happen({ kind: 'disk', low: false })), ['log'])
})

test('output leaves while a command runs, a window at a time', (t) => {
  const world = aWorld()
  world.join()
  world.task('one', { task_id: 'r.0' })
  const grown = world.happen({
    kind: 'grew',
    key: 'r.0#1',
    stdout_bytes: 20 * chunk,
    stderr_bytes: 1,
  })
  t.is(grown.length, 17)
  t.deepEqual(
    world.happen({ kind: 'grew', key: 'r.0#1', stdout_bytes: 20 * chunk, stderr_bytes: 1 }),
    [],
  )
  const ack = { kind: 'ack', of: 'output', task_id: 'r.0', attempt: 1, stream: 'stdout' }
  t.deepEqual(shown(world.hear({ ...ack, offset: 2 * chunk })), [
    `output ${16 * chunk}+${chunk}`,
    `output ${17 * chunk}+${chunk}`,
  ])
  world.exit('r.0#1', { stdout_bytes: 20 * chunk, stderr_bytes: 1 })
  t.false(shown(world.did).includes('ended r.0 0'))
  world.hear({ ...ack, stream: 'stderr', offset: 1 })
  world.hear({ ...ack, offset: 18 * chunk })
  t.deepEqual(shown(world.hear({ ...ack, offset: 20 * chunk })), ['ended r.0 0'])
})

test('what is not acknowledged is sent again from there', (t) => {
  const world = aWorld()
  world.join({ heartbeat_ms: 600_000 })
  world.task('one', { task_id: 'r.0' })
  world.happen({ kind: 'grew', key: 'r.0#1', stdout_bytes: 10, stderr_bytes: 0 })
  t.deepEqual(shown(world.pass(5_000)), ['output 0+10'])
  world.hear({ kind: 'ack', of: 'output', task_id: 'r.0', attempt: 1, stream: 'stdout', offset: 4 })
  t.deepEqual(shown(world.pass(5_000)), ['output 4+6'])
})

test('past the limit the first half leaves at once and the last at the end', (t) => {
  const world = aWorld()
  world.join()
  world.task('little', { task_id: 'r.0' })
  t.deepEqual(
    shown(world.happen({ kind: 'grew', key: 'r.0#1', stdout_bytes: 70, stderr_bytes: 0 })),
    ['output 0+50'],
  )
  t.deepEqual(world.happen({ kind: 'grew', key: 'r.0#1', stdout_bytes: 500, stderr_bytes: 0 }), [])
  t.deepEqual(shown(world.exit('r.0#1', { stdout_bytes: 1_000 })).slice(0, 1), ['output 950+50'])
  const ack = { kind: 'ack', of: 'output', task_id: 'r.0', attempt: 1, stream: 'stdout' }
  world.hear({ ...ack, offset: 50 })
  t.deepEqual(shown(world.hear({ ...ack, offset: 1_000 })), ['ended r.0 0'])
})

test('the middle of very long output goes from the disk while the command runs', (t) => {
  const world = aWorld()
  world.join()
  world.task('little', { task_id: 'r.0' })
  const mebi = 1024 * 1024
  const beside = CUT_MARGIN_BYTES
  const grow = (stdout_bytes: number): object | undefined =>
    world
      .happen({ kind: 'grew', key: 'r.0#1', stdout_bytes, stderr_bytes: 0 })
      .find(({ kind }) => kind === 'cut')
  t.is(grow(mebi), undefined)
  t.like(grow(9 * mebi), { stream: 'stdout', from: 50 + beside, to: 9 * mebi - 50 - beside })
  t.is(grow(10 * mebi), undefined)
  t.like(grow(18 * mebi), { from: 9 * mebi - 50 - beside, to: 18 * mebi - 50 - beside })
})

test('a refused worker ends with 2', (t) => {
  const world = aWorld()
  world.happen({ kind: 'connected' })
  const effects = world.hear({ kind: 'refused', code: 'name_taken', message: 'taken' })
  t.like(effects.at(-1), { kind: 'quit', exit_code: 2 })
})

for (const [code, hint] of [
  ['name_taken', /: taken; another worker is called/],
  ['unauthorised', /: taken; beside the broker, `jobz keys` lists who may come in$/],
  ['full', /: taken$/],
  ['anything', /: taken; update the older one/],
] as const)
  test(`refused with ${code}: what to do about it`, (t) => {
    const world = aWorld()
    world.happen({ kind: 'connected' })
    const [said] = world.hear({ kind: 'refused', code, message: 'taken' })
    t.regex(said?.kind === 'log' ? said.message : '', hint)
  })

test('a worker whose key is not authorised says so once, knocks on, and is let in when it is', (t) => {
  const world = aWorld()
  world.happen({ kind: 'connected' })
  const refusal = { kind: 'refused', code: 'unauthorised', message: 'nobody has it' } as const
  t.deepEqual(
    world.hear(refusal).map(({ kind }) => kind),
    ['log'],
  )
  for (let tries = 0; tries < 3; tries += 1) {
    t.true(world.pass(6_000).some(({ kind }) => kind === 'hello'))
    t.deepEqual(world.hear(refusal), [])
  }
  world.join()
  t.is(world.worker.link.kind, 'open')
  t.deepEqual(
    world.hear(refusal).map(({ kind }) => kind),
    ['log'],
    'it is news again',
  )
})

test('a worker that leaves says bye, and takes nothing more', (t) => {
  const world = aWorld()
  world.join()
  t.deepEqual(shown(world.happen({ kind: 'leave' })), ['bye'])
  t.deepEqual(world.task('one', { task_id: 'r.0' }), [])
  t.deepEqual(world.pass(100_000), [])
})
