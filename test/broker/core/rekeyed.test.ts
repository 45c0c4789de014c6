/** What becomes of sessions when a key is taken away. */
import test from 'ava'
import { hashCard } from '../../../broker/edge/card-hash.ts'
import { viewWorkers } from '../../../broker/core/views.ts'
import { card } from './cards.ts'
import { makeWorld } from './world.ts'

const cards = [card('import', { deliver: 'one' })]

function cameIn(world: ReturnType<typeof makeWorld>, name: string, key: string): void {
  const rest = { protocol: 1, version: 'test', instance: name, slots: 1, credit: 1, lanes: {} }
  const hello = { kind: 'hello', name, ...rest, cards, reload_error: null } as const
  const hashes = cards.map(hashCard)
  world.turn({
    kind: 'hello',
    peer: name,
    token: `session of ${name}`,
    key,
    hello: { ...hello, held: [] },
    hashes,
  })
}

test('its session is over, what it ran is given to another, and everybody says hello again', (t) => {
  const world = makeWorld(t)
  cameIn(world, 'web1', 'key 1')
  const { run_id } = world.trigger('import')
  const task = world.given('web1')
  cameIn(world, 'web2', 'key 2')
  world.turn({ kind: 'rekeyed', keys: new Set(['key 1']) })
  t.like(world.sent('web1', 'hello_again'), [{ session: 'session of web1' }])
  t.like(world.sent('web2', 'hello_again'), [{ session: 'session of web2' }])
  t.deepEqual(
    viewWorkers(world.state(), world.now()).map(({ worker, state }) => `${worker} ${state}`),
    ['web1 away', 'web2 present'],
  )
  const { task_id, attempt } = task
  const report = { kind: 'accepted', task_id, attempt } as const
  world.turn({ kind: 'report', peer: 'web1', session: 'session of web1', report })
  t.is(world.sent('web1', 'hello_again').length, 1, 'what it says is not heard')
  t.is(world.state().workers.get('web2')?.session?.token, 'session of web2')
  world.pass(31_000, ['web2'])
  t.is(world.given('web2').run_id, run_id)
})
