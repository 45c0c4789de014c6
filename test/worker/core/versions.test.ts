/** What a worker makes of a broker that is newer than it. */
import test from 'ava'
import { aWorld, shown } from './world.ts'

test('a broker one version apart is understood, one further apart is not', (t) => {
  const near = aWorld()
  near.join({ protocol: 2, news: ['something'] })
  t.is(near.worker.link.kind, 'open')
  const far = aWorld()
  far.join({ protocol: 3 })
  t.deepEqual(shown(far.did), ['log', 'quit'])
  const quit = far.did.at(-1)
  t.regex(quit?.kind === 'quit' ? quit.message : '', /protocol 3.*update this worker/)
})

test('a task that cannot be read is reported as often as it comes, and counted once', (t) => {
  const world = aWorld(2)
  world.join()
  const came = { kind: 'unreadable_task', why: 'task: params Too big' } as const
  const ref = { task_id: 'r.0', attempt: 1 }
  const first = shown(world.happen({ ...came, ref, takes_credit: true }))
  t.deepEqual(first, ['ended r.0 bad_parameter', 'credit 3'])
  const again = shown(world.happen({ ...came, ref, takes_credit: true }))
  t.deepEqual(again, ['ended r.0 bad_parameter'])
  const broadcast = { task_id: 'r.1', attempt: 1 }
  const other = shown(world.happen({ ...came, ref: broadcast, takes_credit: false }))
  t.deepEqual(other, ['ended r.1 bad_parameter'], 'a broadcast takes no credit')
})

test('a worker that comes back to a broker which wants it drained says so', (t) => {
  const world = aWorld()
  world.join({ draining: true })
  const [, log] = world.did
  t.regex(log?.kind === 'log' ? log.message : '', /draining: .*jobz drain WORKER --off/)
})
