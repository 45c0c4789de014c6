/**
 * Random histories: whatever happens, in whatever order, the invariants hold after every turn (the world checks them),
 * and once everything is calm every run has ended, once, and was continued once.
 */
import test from 'ava'
import { array, assert, constantFrom, integer, property, tuple } from 'fast-check'
import type { Card } from '../../../common/definition/card.ts'
import type { RunState } from '../../../common/protocol/answers.ts'
import { card, semaphore, step } from './cards.ts'
import { modelWorker, type ModelWorker } from './model-worker.ts'
import { allowedNext } from './states.ts'
import { makeWorld, type World } from './world.ts'

const quick = { limit: 2, backoff_ms: 5_000, max_backoff_ms: 20_000, exit_codes: null }
const JOBS: readonly Card[] = [
  card('plain', { on_success: [step('next')], on_failure: [step('tell')] }),
  card('flaky', { retries: quick, lane: 'tight' }),
  card('once', { on_lost: 'fail' }),
  card('patient', { on_lost: 'wait', expires_ms: 40_000 }),
  card('all', { deliver: 'all', retries: quick, on_each_success: [step('next')] }),
  card('away', { deliver: 'all', offline_wait_ms: 90_000, require: 2, lane: 'tight' }),
  card('single', { concurrency: { limit: 1, key: null, per: 'all', when_full: 'queue' } }),
  card('newest', { concurrency: { limit: 1, key: null, per: 'all', when_full: 'replace' } }),
  card('spread', {
    deliver: 'all',
    concurrency: { limit: 1, key: '%(job_name)s', per: 'worker', when_full: 'queue' },
  }),
  card('next'),
  card('tell', { on_failure: [step('tell')] }),
  card('opened'),
]
const STARTED = JOBS.map(({ job }) => job).slice(0, 9)
const KINDS = [
  'trigger',
  'trigger',
  'trigger',
  'request',
  'hello',
  'hello',
  'read',
  'read',
  'read',
  'begin',
  'end',
  'end',
  'fail',
  'give back',
  'again',
  'stranger',
  'bye',
  'cut',
  'wipe',
  'silence',
  'pass',
  'restart',
  'cancel',
  'retry',
  'drain',
  'resume',
  'forget',
  'arrive',
] as const
type Kind = (typeof KINDS)[number]
type Happening = readonly [kind: Kind, a: number, b: number]

const happening = tuple(
  constantFrom(...KINDS),
  integer({ min: 0, max: 99 }),
  integer({ min: 0, max: 99 }),
)

test('random histories keep the invariants, and end every run once', (t) => {
  const history = array(happening, { maxLength: 80, size: 'max' })
  assert(
    property(history, (happenings) => {
      const world = makeWorld(t)
      const ran = new Map<string, number>()
      const count = (job: string): void => void ran.set(job, (ran.get(job) ?? 0) + 1)
      const workers = ['web1', 'web2', 'web3'].map((name) =>
        modelWorker(world, name, [...JOBS], count),
      )
      world.semaphores(semaphore('gate', { wait_for: [{ job: 'next', count: 2, distinct: null }] }))
      for (const item of happenings) happen(world, workers, item)
      calmDown(world, workers)
      judge(world, ran)
    }),
    {
      numRuns: 500,
      interruptAfterTimeLimit: 12_000,
      markInterruptAsFailure: false,
      includeErrorInReport: true,
    },
  )
  t.pass()
})

function happen(world: World, workers: readonly ModelWorker[], [kind, a, b]: Happening): void {
  const worker = workers[a % workers.length]
  if (!worker) return
  const job = STARTED[b % STARTED.length] ?? 'plain'
  const run_ids = [...new Set(world.feed.flatMap((entry) => entry.run_id ?? []))]
  const run_id = run_ids[b % Math.max(1, run_ids.length)] ?? 'none'
  const acts: Readonly<Record<Kind, () => unknown>> = {
    trigger: () =>
      world.post({
        kind: 'trigger',
        triggers: [{ job, params: {}, delay_ms: a > 80 ? 5_000 : 0 }],
      }),
    request: () =>
      world.post({ kind: 'trigger', triggers: [{ job, params: {}, request_id: `r${a % 5}` }] }),
    hello: worker.hello,
    read: worker.read,
    begin: () => worker.beginSome(b),
    end: () => worker.endSome(b, 0),
    fail: () => worker.endSome(b, 1),
    'give back': () => worker.returnSome(b),
    again: worker.tellAgain,
    stranger: () =>
      worker.isOpen() && world.end(worker.name, { task_id: `${run_id}.0`, attempt: 9 }),
    bye: worker.bye,
    cut: worker.cut,
    wipe: worker.wipe,
    silence: () => world.pass(b * 1_000),
    pass: () =>
      world.pass(
        b * 500,
        workers.filter((item) => item.isOpen()).map(({ name }) => name),
      ),
    restart: world.restart,
    cancel: () => world.post({ kind: 'cancel', run_id }),
    retry: () => world.post({ kind: 'retry', run_id }),
    drain: () => world.post({ kind: 'worker', worker: worker.name, action: 'drain' }),
    resume: () => world.post({ kind: 'worker', worker: worker.name, action: 'resume' }),
    forget: () => world.post({ kind: 'worker', worker: worker.name, action: 'forget' }),
    arrive: () => arriveAt(world, run_id),
  }
  acts[kind]()
}

function arriveAt(world: World, run_id: string): void {
  const arrival = { kind: 'arrive', semaphore: 'gate', run_id, member: 0, distinct: null } as const
  world.post({ ...arrival, key: 'k', failed: false })
}

/** Every worker is there and does its work; the semaphore follows to the end, and somebody opens its gate. */
function calmDown(world: World, workers: readonly ModelWorker[]): void {
  for (let round = 0; round < 400; round++) {
    for (const worker of workers) {
      world.post({ kind: 'worker', worker: worker.name, action: 'resume' })
      if (round % 20 === 0 || !worker.isOpen()) worker.hello()
      worker.read()
      worker.endAll()
      worker.tellAgain()
      worker.read()
    }
    world.pass(
      5_000,
      workers.filter((worker) => worker.isOpen()).map(({ name }) => name),
    )
    if (world.state().runs.size === 0) break
  }
  world.post({ kind: 'open', semaphore: 'gate', key: 'k', generation: null })
  const after = `0-${world.state().feed_head}`
  world.post({ kind: 'place', semaphores: [{ name: 'gate', after }] })
}

/** The feed tells of no step that is not drawn. */
function judgeLives({ feed }: World): void {
  const states = new Map<string, RunState | 'new'>()
  for (const { run_id, state } of feed) {
    if (run_id === undefined || state === undefined) continue
    const before = states.get(run_id) ?? 'new'
    if (!allowedNext(before).includes(state)) throw new Error(`${run_id}: ${before}, then ${state}`)
    states.set(run_id, state)
  }
}

const TERMINAL: ReadonlySet<string> = new Set(['succeeded', 'failed', 'canceled', 'expired'])

function judge(world: World, ran: ReadonlyMap<string, number>): void {
  const run_ids = [...new Set(world.feed.flatMap((entry) => entry.run_id ?? []))]
  const runs = [...world.store.runs(run_ids).values()]
  judgeLives(world)
  const children = Map.groupBy(runs, (run) => run.parent_run_id ?? '')
  for (const run of runs) {
    if (!TERMINAL.has(run.state)) throw new Error(`${run.job} ${run.run_id} is ${run.state}`)
    const ends = world.feed.filter(
      ({ run_id, state = '' }) => run_id === run.run_id && TERMINAL.has(state),
    )
    if (ends.length !== 1) throw new Error(`${run.job} ended ${ends.length} times`)
    if (run.job !== 'plain') continue
    const next = (children.get(run.run_id) ?? []).filter(({ via }) => via !== 'retry')
    const wanted = { succeeded: 'next', failed: 'tell' }[run.state as string]
    if (next.map(({ job }) => job).join() !== (wanted ?? ''))
      throw new Error(
        `plain is ${run.state} and was continued by ${next.map(({ job }) => job).join()}`,
      )
  }
  const once = runs.filter(({ job }) => job === 'once').length
  if ((ran.get('once') ?? 0) > once)
    throw new Error(`${once} runs of once ran ${ran.get('once')} times`)
  if (world.state().runs.size > 0) throw new Error('runs are left in memory')
  if (world.state().flows.size > 0) throw new Error('flows are left in memory')
  const flows = new Set(runs.map(({ flow_id }) => flow_id))
  for (const flow_id of flows)
    if (!world.feed.some((entry) => entry.topic === 'flow.settled.' && entry.flow_id === flow_id))
      throw new Error(`flow ${flow_id} was never settled`)
}
