/** What the broker answers about runs that have secrets, from a store that has their true values. */
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { knowCard } from '../../broker/core/crowd.ts'
import { seedIds } from '../../broker/core/ids.ts'
import { loadState } from '../../broker/core/load.ts'
import { makeCounters } from '../../broker/edge/counters.ts'
import { makeRunTokens } from '../../broker/edge/run-tokens.ts'
import { openOutputs } from '../../broker/edge/outputs.ts'
import { answerQuestions } from '../../broker/edge/questions.ts'
import type { ParamRule } from '../../common/definition/card.ts'
import type { Question } from '../../common/protocol/client-door.ts'
import { card } from '../broker/core/cards.ts'
import { makeWorld } from '../broker/core/world.ts'
import { memoryDisk, openMemory } from '../broker/store/memory.ts'
import { opened } from '../broker/store/opened-history.ts'
import {
  born,
  ended,
  idOf,
  recordsWith,
  sampleAttempt,
  sampleTask,
} from '../broker/store/samples.ts'

const SECRET = 'hunter2-s3cret'

const rule = (more: Partial<ParamRule> = {}): ParamRule => ({
  type: 'text',
  pattern: null,
  values: null,
  format: null,
  zone: null,
  default: null,
  required: false,
  allow_dash: false,
  secret: true,
  description: null,
  ...more,
})
const LOGIN = card('login', { params: { token: rule({ default: SECRET }) } })

/** A run of a job that declares nothing, with what it was given and what it gave out. */
function asker(t: ExecutionContext) {
  const reason = `spawn_failed: no program ${SECRET}`
  const run = ended(1, 'failed', { job: 'load', reason, message: `with "${SECRET}"` })
  run.tasks = [
    sampleTask(run, {
      state: 'succeeded',
      reason,
      output: { token: SECRET, url: `http://x/?t=${SECRET}`, count: '3' },
      attempts: [sampleAttempt(1, { reason })],
    }),
  ]
  const params = { token: SECRET, url: `http://x/?t=${SECRET}`, day: 'monday', pin: '***' }
  const entry = { n: 1, at_ms: 1, topic: 'run.failed.load.', run_id: idOf(1), job: 'load' }
  const { store, history, directory } = opened(
    t,
    born([run], params, { error_tail: `refused: ${SECRET}`, failed_job: 'login' }),
    recordsWith({ feed: [{ ...entry, state: 'failed', reason }] }),
  )
  const now = () => ({ wall_ms: 0, mono_ms: 0 })
  const state = loadState(store.load(), seedIds(1, 2), now())
  knowCard(state, 'hash', LOGIN)
  const answer = answerQuestions({
    state,
    history,
    outputs: openOutputs(join(directory, 'output')),
    counters: makeCounters(),
    runTokens: makeRunTokens('secret'),
    now,
  })
  return {
    answer,
    ask: (question: Question) => answer({ kind: 'query', id: 1, question }),
  }
}

test('a run shows neither a secret nor its value in another text, wherever it is asked for', async (t) => {
  const { ask } = asker(t)
  const filter = { limit: 10 }
  const run_id = idOf(1)
  const answers = await Promise.all(
    (['run', 'explain'] as const)
      .map((what): Question => ({ what, run_id }))
      .concat({ what: 'runs', filter }, { what: 'flow', flow_id: run_id }, { what: 'jobs' })
      .map(ask),
  )
  for (const answer of answers) {
    t.true('result' in answer)
    t.notRegex(JSON.stringify(answer), /hunter2/)
  }
  t.like(answers[0], {
    result: {
      params: { token: '***', url: 'http://x/?t=***', day: 'monday' },
      context: { error_tail: 'refused: ***', failed_job: 'login' },
      reason: 'spawn_failed: no program ***',
      message: 'with "***"',
    },
  })
  t.like(answers[4], { result: [{ job: 'login', params: { token: { default: '***' } } }] })
})

test('the feed leaves out what is secret, and what holds it', async (t) => {
  const { answer } = asker(t)
  t.like(await answer({ kind: 'replay', id: 1, after: null, topics: [], limit: 10 }), {
    result: {
      entries: [
        {
          reason: 'spawn_failed: no program ***',
          params: { day: 'monday', pin: '***' },
          output: { count: '3' },
        },
      ],
    },
  })
})

test('no filter finds a run by what is hidden of it', async (t) => {
  const { ask } = asker(t)
  const by = (params: Record<string, string>) =>
    ask({ what: 'runs', filter: { limit: 10, params } })
  t.like(await by({ token: SECRET }), { error: { status: 400, code: 'bad_parameter' } })
  t.like(await by({ token: 'guess' }), { error: { status: 400, code: 'bad_parameter' } })
  t.deepEqual(await by({ url: `http://x/?t=${SECRET}` }), { result: { runs: [], before: null } })
  t.like(await by({ day: 'monday' }), { result: { runs: [{ run_id: idOf(1) }] } })
})

test('a refusal shows no value of a secret, whichever job declares it and whichever parameter is bad', (t) => {
  const written: string[] = []
  const store = openMemory(memoryDisk(), ({ refusals }) => written.push(JSON.stringify(refusals)))
  const world = makeWorld(t, store)
  const cards = [card('login', { params: { token: rule({ type: 'int' }) } }), card('other')]
  world.worker('web1', { cards })
  for (const [job, params] of [
    ['login', { token: SECRET }],
    ['other', { token: `%^${SECRET}` }],
    ['other', { token: `@${SECRET}` }],
    ['other', { word: `@${SECRET}`, token: SECRET }],
  ] as const) {
    const refusal = world.triggerRefused(job, params)
    t.is(refusal.code, 'bad_parameter')
    t.notRegex(JSON.stringify(refusal), /hunter2/)
  }
  t.regex(written.join(''), /bad_parameter/)
  t.notRegex(written.join(''), /hunter2/)
})

test('a value travels on as it is: to the next step, into a retry, and into a repeated request', (t) => {
  const world = makeWorld(t)
  const steps = [{ job: 'load', params: {}, priority: null, delay_ms: 0, each: {} }]
  world.worker('web1', { cards: [{ ...LOGIN, on_success: steps }, card('load')] })
  const { run_id } = world.trigger('login', { token: SECRET }, { request_id: 'r' })
  const task = world.given('web1')
  t.like(task, { params: { token: SECRET }, secret: ['token'] })
  world.end('web1', task)
  const next = world.given('web1')
  t.like(next, { job: 'load', params: { token: SECRET }, secret: ['token'] })
  world.end('web1', next, { exit_code: 1 })
  world.retry(next.run_id)
  t.like(world.given('web1'), { params: { token: SECRET }, secret: ['token'] })
  t.like(world.trigger('login', { token: SECRET }, { request_id: 'r' }), {
    run_id,
    duplicate: true,
  })
  const other = world.triggerRefused('login', { token: 'another' }, { request_id: 'r' })
  t.is(other.code, 'request_id_taken')
})

test('what a job says of itself is told without its secrets, also to the next who says how far it is', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [LOGIN] })
  const { run_id } = world.trigger('login', { token: SECRET })
  const said = world.result({ kind: 'report', run_id, message: `with ${SECRET}` })
  t.like(said, { message: 'with ***' })
  t.like(world.result({ kind: 'report', run_id, progress: 5 }), { message: 'with ***' })
  t.like(world.result({ kind: 'report', run_id, message: null }), { message: null })
})

test('what was secret once stays so, over a new card without it and over a restart', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [LOGIN] })
  world.worker('web1', { cards: [card('login')] })
  world.restart()
  t.true(world.state().secret_names.has('token'))
})
