import test from 'ava'
import { explainJob } from '../../../broker/core/explain-job.ts'
import { shortReason } from '../../../broker/core/explain.ts'
import { card } from './cards.ts'
import { makeWorld } from './world.ts'

test('a run that waits for a slot says who could take it, and what holds each', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')], slots: 1 })
  const first = world.trigger('import')
  world.trigger('import')
  const { run_id } = world.trigger('import')
  const { summary, details } = world.why(run_id)
  t.is(summary, 'waits for a free worker: web1')
  t.regex(details.join('\n'), new RegExp(`web1: no free slot .*${first.run_id}\\.0`))
  t.regex(details.join('\n'), /1 run is ahead of it in lane main/)
})

test('a run in a full lane says so, and by whom', (t) => {
  const world = makeWorld(t)
  const lanes = { media: { limit: 1 } }
  world.worker('web1', { cards: [card('encode', { lane: 'media' })], lanes })
  const holder = world.trigger('encode')
  const { summary, details } = world.why(world.trigger('encode').run_id)
  t.is(summary, 'lane media is full: 1 of 1 run')
  t.true(details.some((line) => line.includes(`held by ${holder.run_id}`)))
})

test('a run at its concurrency limit says which key, and by whom', (t) => {
  const world = makeWorld(t)
  const concurrency = { limit: 1, key: '%(who)s', per: 'all', when_full: 'queue' } as const
  world.worker('web1', { cards: [card('sync', { concurrency })] })
  const holder = world.trigger('sync', { who: 'acme' })
  const { summary, details } = world.why(world.trigger('sync', { who: 'acme' }).run_id)
  t.is(summary, 'the concurrency limit of sync for acme is reached: 1 of 1')
  t.true(details.some((line) => line.includes(holder.run_id)))
})

test('a run whose workers are away says since when', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  world.cut('web1')
  world.pass(600_000)
  const { summary, details } = world.why(world.trigger('import').run_id)
  t.is(summary, 'all of its workers are away: web1')
  t.regex(details.join(), /web1: not connected, last heard 10m ago/)
})

test('a run with no worker left says so', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  world.cut('web1')
  world.result({ kind: 'worker', worker: 'web1', action: 'forget' })
  const { summary, hints } = world.why(world.trigger('import').run_id)
  t.is(summary, 'no worker is subscribed to import')
  t.true(hints.length > 0)
})

test('a run that waits for its retry says when', (t) => {
  const world = makeWorld(t)
  const retries = { limit: 1, backoff_ms: 60_000, max_backoff_ms: 60_000, exit_codes: null }
  world.worker('web1', { cards: [card('import', { retries })] })
  const { run_id } = world.trigger('import')
  world.end('web1', world.given('web1'), { exit_code: 1 })
  t.regex(world.why(run_id).summary, /attempt 1 failed; the next try is in \d+/)
})

test('a run that runs, or is being canceled, says where', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id } = world.trigger('import')
  t.regex(world.why(run_id).summary, /was given to web1, which has not started it yet/)
  world.begin('web1', world.given('web1'))
  t.regex(world.why(run_id).summary, /runs on web1$/)
  world.cancel(run_id)
  t.regex(world.why(run_id).summary, /cancel was asked for/)
})

test('a lost run says that it waits for a worker', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const { run_id } = world.trigger('import')
  world.pass(30_000)
  t.is(world.why(run_id).summary, 'all of its workers are away: web1')
})

test('a job can be explained without starting anything', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')] })
  const explain = (job: string) => explainJob(world.state(), world.now(), job, { a: '1' })
  const now = explain('import')
  t.true('result' in now && now.result.summary === 'a run of import could start now')
  world.cut('web1')
  const later = explain('import')
  t.true('result' in later && later.result.summary.includes('would wait'))
  const never = explain('improt')
  t.true('error' in never && never.error.status === 404)
  t.is(world.state().runs.size, 0)
})

test('who only asks for a run costs no walk over all that is queued', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import')], slots: 0 })
  const { run_id } = world.trigger('import')
  const run = world.state().runs.get(run_id)
  const buckets = world.state().lanes.get('main')?.buckets
  if (!run || !buckets) throw new Error('it is not queued')
  buckets.values = () => {
    throw new Error('walked over the queue')
  }
  t.is(shortReason(world.state(), world.now(), run), 'waits for a free worker: web1')
  t.throws(() => world.why(run_id), { message: /walked over the queue/ }, 'an explanation does')
})
