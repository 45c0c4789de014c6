/** Whoever makes up ever new names and cards meets an end, and whoever is known is still welcome. */
import test from 'ava'
import { MOST } from '../../../broker/core/crowd.ts'
import type { SemaphoreState, Worker } from '../../../broker/core/state.ts'
import { Card } from '../../../common/definition/card.ts'
import { card, step } from './cards.ts'
import { ready } from './gather.ts'
import { makeWorld, type World } from './world.ts'

const refusedWith = (world: World, worker: string): string[] =>
  world.sent(worker, 'refused').map(({ code, message }) => `${code} ${message}`)

test('a broker that knows 10,000 workers takes in those only', (t) => {
  const world = makeWorld(t)
  world.worker('web1')
  const { workers } = world.state()
  const [known] = workers.values()
  for (let n = workers.size; n < MOST.workers; n++)
    workers.set(`made-up-${n}`, { ...(known as Worker), name: `made-up-${n}`, session: null })
  world.worker('one-more')
  t.regex(refusedWith(world, 'one-more').join(), /^full .*10000 workers.*jobz workers forget/)
  t.false(workers.has('one-more'))
  world.worker('web1')
  t.deepEqual(refusedWith(world, 'web1'), [])
})

test('cards that nothing needs make room, and those that are needed stay', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import', { description: 'old' })], slots: 0 })
  const { run_id } = world.trigger('import')
  world.worker('web1', { cards: [card('import', { description: 'superseded' })], slots: 0 })
  world.worker('web1', { cards: [card('import', { description: 'now' })], slots: 0 })
  const { cards, jobs, runs } = world.state()
  for (let n = cards.size; n < MOST.cards; n++) cards.set(`made-up-${n}`, card('import'))
  world.worker('web2', { cards: [card('export')] })
  t.deepEqual(refusedWith(world, 'web2'), [])
  t.deepEqual(
    [...cards.values()].map(({ job, description }) => `${job} ${description}`),
    ['import old', 'import now', 'export null'],
  )
  world.restart()
  t.is(world.state().cards.size, 3, 'on disk too')
  t.true(cards.has(runs.get(run_id)?.card ?? ''))
  t.true(cards.has(jobs.get('import') ?? ''))
})

test('when all cards are needed, no new one is taken', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { cards, jobs } = world.state()
  for (let n = cards.size; n < MOST.cards; n++) {
    cards.set(`made-up-${n}`, card('import'))
    jobs.set(`made-up-${n}`, `made-up-${n}`)
  }
  for (const worker of ['web2', 'web3']) {
    world.worker(worker, { cards: [card('export')] })
    t.regex(refusedWith(world, worker).join(), /^full .*50000 cards/)
  }
  t.is(cards.size, MOST.cards)
  world.worker('web1', { cards: [card('import')] })
  t.deepEqual(refusedWith(world, 'web1'), [], 'known cards are welcome')
})

test('lanes and semaphores have an end too', (t) => {
  const world = makeWorld(t)
  const lanes = Object.fromEntries(
    Array.from({ length: MOST.lanes }, (_, n) => [`lane-${n}`, { limit: null }]),
  )
  for (const name of Object.keys(lanes))
    world.state().lanes.set(name, { name, limit: null, running: 0, queued: 0, buckets: new Map() })
  world.worker('web1', { lanes: { more: { limit: 1 } } })
  t.regex(refusedWith(world, 'web1').join(), /^full .*10000 lanes/)
  world.semaphores(ready())
  const { semaphores } = world.state()
  const one = semaphores.get('ready') as SemaphoreState
  for (let n = 1; n < MOST.semaphores; n++) semaphores.set(`s${n}`, one)
  const place = (name: string): Parameters<World['result']>[0] => ({
    kind: 'place',
    semaphores: [{ name, definition: { ...ready(), name }, after: null }],
  })
  t.like(world.refusal(place('one-more')), { status: 429, code: 'too_many', retry_after_s: 60 })
  t.truthy(world.result(place('ready')))
})

test('a card whose steps make more runs than can be is no card', (t) => {
  const values = (count: number): string[] => Array.from({ length: count }, (_, n) => `v${n}`)
  const large = step('next', { each: { a: values(100), b: values(100) } })
  const larger = step('next', { each: { a: values(100), b: values(101) } })
  t.true(Card.safeParse(card('job', { on_success: [large] })).success)
  t.false(Card.safeParse(card('job', { on_success: [larger] })).success)
  t.true(
    Card.safeParse(card('job', { on_failure: Array.from({ length: 10 }, () => large) })).success,
  )
  t.false(
    Card.safeParse(card('job', { on_failure: Array.from({ length: 11 }, () => large) })).success,
  )
})

test('next steps of what was taken in are born past the limit of triggers, but not without end', (t) => {
  const world = makeWorld(t)
  const cards = [
    card('import', { on_success: [step('index')], on_failure: [step('tell')] }),
    card('index', { on_failure: [step('tell')] }),
    card('tell'),
  ]
  world.worker('web1', { cards })
  const pretend = (size: number): void =>
    void Object.defineProperty(world.state().runs, 'size', { value: size, configurable: true })
  const importOnce = (size: number): string => {
    const { run_id } = world.trigger('import')
    pretend(size)
    world.end('web1', world.given('web1'))
    return run_id
  }
  importOnce(2_400_000)
  t.like(world.triggerRefused('import'), { status: 503, code: 'full', retry_after_s: 30 })
  t.is(world.runsOf('index').at(-1)?.state, 'running')
  world.end('web1', world.given('web1'))
  pretend(0)
  importOnce(2_500_001)
  t.like(world.runsOf('index').at(-1), {
    state: 'failed',
    reason: 'full: 2500000 runs are unfinished',
  })
  t.is(world.runsOf('tell').length, 1, 'nor is its handler started')
  t.is(world.runsOf('tell')[0]?.state, 'failed')
})
