import test from 'ava'
import type { ParamRule } from '../../../common/definition/card.ts'
import { memoryDisk, openMemory } from '../store/memory.ts'
import { card, step } from './cards.ts'
import { makeWorld } from './world.ts'

const int: ParamRule = {
  type: 'int',
  pattern: null,
  values: null,
  format: null,
  zone: null,
  default: null,
  required: false,
  allow_dash: false,
  secret: false,
  description: null,
}
const safe: ParamRule = { ...int, type: 'safe' }

test('a success publishes its next steps, in one transaction with the outcome', (t) => {
  let together: string[] = []
  const store = openMemory(memoryDisk(), ({ runs }) => {
    together = runs.map(({ run }) => run.job)
  })
  const world = makeWorld(t, store)
  world.worker('web1', { cards: [card('import', { on_success: [step('index')] }), card('index')] })
  const { run_id, flow_id } = world.trigger('import', { date: '2026' })
  world.end('web1', world.given('web1'))
  t.deepEqual(together, ['import', 'index'])
  const [next] = world.runsOf('index')
  t.like(next, { flow_id, parent_run_id: run_id, via: 'success', depth: 1 })
  t.deepEqual(world.paramsOf(next?.run_id ?? ''), { date: '2026' })
})

test('an outcome is continued once, however often it is told', (t) => {
  const world = makeWorld(t)
  const cards = [card('import', { on_success: [step('index')] }), card('index')]
  world.worker('web1', { cards })
  world.trigger('import')
  const task = world.given('web1')
  world.atOnce(() => {
    for (let n = 0; n < 3; n++) world.end('web1', task)
  })
  world.restart()
  world.worker('web1', { cards, held: [{ ...task, state: 'ended' }] })
  world.end('web1', task)
  t.is(world.runsOf('index').length, 1)
})

test('a next run gets the run’s parameters, then the output, then the step’s own; later ones win', (t) => {
  const world = makeWorld(t)
  const next = step('index', { params: { c: 'step', d: '%(a)s-%(b)s-%(job_name)s' } })
  world.worker('web1', { cards: [card('import', { on_success: [next] }), card('index')] })
  world.trigger('import', { a: 'run', b: 'run', c: 'run' })
  world.end('web1', world.given('web1'), { output: { b: 'output', c: 'output' } })
  const [run] = world.runsOf('index')
  t.deepEqual(world.paramsOf(run?.run_id ?? ''), {
    a: 'run',
    b: 'output',
    c: 'step',
    d: 'run-output-import',
  })
})

test('a carried value travels unchanged, and is filled in once', (t) => {
  const world = makeWorld(t)
  const next = step('index', { params: { copy: '%(wild)s' } })
  world.worker('web1', { cards: [card('import', { on_success: [next] }), card('index')] })
  world.trigger('import')
  const wild = `'; rm -rf / #%(date)s %% "$(x)"`
  world.end('web1', world.given('web1'), { output: { wild } })
  t.deepEqual(world.paramsOf(world.runsOf('index')[0]?.run_id ?? ''), { wild, copy: wild })
})

test('a carried value that fails the next job’s rules makes that run failed, and its handler follows', (t) => {
  const world = makeWorld(t)
  const cards = [
    card('import', { on_success: [step('index')] }),
    card('index', { params: { n: int }, on_failure: [step('tell')] }),
    card('tell'),
  ]
  world.worker('web1', { cards })
  world.trigger('import')
  world.end('web1', world.given('web1'), { output: { n: 'many' } })
  const [run] = world.runsOf('index')
  t.is(run?.state, 'failed')
  t.regex(run?.reason ?? '', /^bad_parameter: .*n/)
  t.like(world.contextOf(world.runsOf('tell')[0]?.run_id ?? ''), { failed_job: 'index' })
})

test('a step whose template has no value makes that run failed, and its handler follows', (t) => {
  const world = makeWorld(t)
  const cards = [
    card('import', { on_success: [step('index', { params: { a: '%(missing)s' } }), step('ok')] }),
    card('index', { on_failure: [step('tell')] }),
    card('ok'),
    card('tell'),
  ]
  world.worker('web1', { cards })
  world.trigger('import')
  world.end('web1', world.given('web1'))
  t.regex(world.runsOf('index')[0]?.reason ?? '', /^bad_parameter: .*missing/)
  t.is(world.runsOf('ok').length, 1, 'the other steps go on')
  t.is(world.runsOf('tell').length, 1)
})

test('output named like what is built in fails the next run, and harms nothing', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import', { on_success: [step('index')] }), card('index')] })
  for (const name of ['run_id', 'job_name', 'constructor']) {
    world.trigger('import')
    const task = world.tasks('web1').find(({ job }) => job === 'import')
    if (!task) return t.fail()
    world.end('web1', task, { output: { [name]: 'x' } })
    world.says('web1', { kind: 'credit', credit: 99 })
  }
  t.deepEqual(
    world.runsOf('index').map(({ state }) => state === 'failed'),
    [true, true, false],
  )
})

test('for all, only outputs that are equal in all tasks join', (t) => {
  const world = makeWorld(t)
  const cards = [card('rotate', { deliver: 'all', on_success: [step('index')] }), card('index')]
  for (const name of ['web1', 'web2']) world.worker(name, { cards })
  world.trigger('rotate')
  world.end('web1', world.given('web1'), { output: { same: '1', differs: '1', only: '1' } })
  world.end('web2', world.given('web2'), { output: { same: '1', differs: '2' } })
  t.deepEqual(world.paramsOf(world.runsOf('index')[0]?.run_id ?? ''), { same: '1' })
})

test('on_each_success and on_each_failure start once per task, with that task’s output', (t) => {
  const world = makeWorld(t)
  const each = { on_each_success: [step('won')], on_each_failure: [step('sorry')] }
  const cards = [card('rotate', { deliver: 'all', on_lost: 'fail', ...each })]
  cards.push(card('won'), card('sorry'))
  for (const name of ['web1', 'web2', 'web3', 'web4']) world.worker(name, { cards, credit: 0 })
  world.trigger('rotate')
  world.end('web1', world.given('web1'), { output: { host: 'one' } })
  world.end('web2', world.given('web2'), { output: { host: 'two' } })
  world.end('web3', world.given('web3'), { exit_code: 3, output: { host: 'three' } })
  t.deepEqual(
    world.runsOf('won').map((run) => world.paramsOf(run.run_id).host),
    ['one', 'two'],
  )
  world.pass(30_000, ['web1', 'web2', 'web3'])
  const told = world.runsOf('sorry').map((run) => world.contextOf(run.run_id))
  t.deepEqual(
    told.map(({ failed_workers, exit_code }) => [failed_workers, exit_code]),
    [
      ['web3', '3'],
      ['web4', ''],
    ],
    'a lost one failed too',
  )
})

test('each starts one run per combination', (t) => {
  const world = makeWorld(t)
  const next = step('part', { each: { source: ['shop', 'stock'], region: ['eu', 'us'] } })
  world.worker('web1', { cards: [card('import', { on_success: [next] }), card('part')] })
  world.trigger('import', { date: '2026' })
  world.end('web1', world.given('web1'))
  t.deepEqual(
    world.runsOf('part').map((run) => world.paramsOf(run.run_id)),
    ['shop', 'stock'].flatMap((source) =>
      ['eu', 'us'].map((region) => ({ date: '2026', source, region })),
    ),
  )
})

test('a step has its own priority and delay', (t) => {
  const world = makeWorld(t)
  const next = step('index', { priority: 3, delay_ms: 5_000 })
  world.worker('web1', { cards: [card('import', { on_success: [next] }), card('index')] })
  world.trigger('import')
  world.end('web1', world.given('web1'))
  t.like(world.runsOf('index')[0], { priority: 3, state: 'waiting', reason: 'delayed' })
  world.pass(5_000, ['web1'])
  t.is(world.given('web1').job, 'index')
})

test('a next step to an unknown job is a waiting run, until somebody announces it', (t) => {
  const world = makeWorld(t)
  const next = step('index', { priority: 7 })
  world.worker('web1', { cards: [card('import', { on_success: [next] })] })
  world.trigger('import', { a: '1' })
  world.end('web1', world.given('web1'))
  const [run] = world.runsOf('index')
  t.like(run, { state: 'waiting', reason: 'unannounced' })
  t.regex(world.why(run?.run_id ?? '').summary, /no worker has announced the job index/)
  world.restart()
  world.worker('web2', { cards: [card('index', { priority: 99, lane: 'slow' })] })
  t.like(world.given('web2'), { run_id: run?.run_id, params: { a: '1' } })
  t.like(world.run(run?.run_id ?? ''), { priority: 7, lane: 'slow' })
})

test('a run that waited for its job gets that job’s defaults for good: what follows carries them', (t) => {
  const world = makeWorld(t)
  const date = { ...safe, default: '2026' }
  const index = card('index', {
    params: { date },
    params_only: true,
    on_success: [step('publish')],
  })
  world.worker('web1', { cards: [card('import', { on_success: [step('index')] })] })
  world.trigger('import', { a: '1' })
  world.end('web1', world.given('web1'))
  const run_id = world.runsOf('index')[0]?.run_id ?? ''
  t.deepEqual(world.paramsOf(run_id), { a: '1' })
  world.worker('web2', { cards: [index, card('publish')] })
  t.deepEqual(world.paramsOf(run_id), { date: '2026' }, 'on disk, where gates and lists read it')
  world.restart()
  world.worker('web2', { cards: [index, card('publish')] })
  world.end('web2', world.given('web2'))
  t.deepEqual(world.given('web2').params, { date: '2026' })
})

test('a run that fails when its job is announced hands on what was filled in', (t) => {
  const world = makeWorld(t)
  const params = { date: { ...safe, default: '2026' } }
  const index = card('index', { params, on_failure: [step('tell')] })
  const concurrency = { limit: 1, key: '%(nowhere)s', per: 'all', when_full: 'queue' } as const
  world.worker('web1', { cards: [card('import', { on_success: [step('index')] })] })
  world.trigger('import', { a: '1' })
  world.end('web1', world.given('web1'))
  world.worker('web2', { cards: [{ ...index, concurrency }, card('tell')] })
  t.like(world.runsOf('index')[0], { state: 'failed' })
  t.deepEqual(world.given('web2').params, { a: '1', date: '2026' })
})

test('a run that is still delayed when its job is announced starts in time, also under a new broker', (t) => {
  const world = makeWorld(t)
  const next = step('index', { delay_ms: 60_000 })
  world.worker('web1', { cards: [card('import', { on_success: [next] })] })
  world.trigger('import')
  world.end('web1', world.given('web1'))
  world.worker('web2', { cards: [card('index')] })
  t.like(world.runsOf('index')[0], { state: 'waiting', reason: 'delayed' })
  world.restart()
  world.worker('web2', { cards: [card('index')] })
  world.pass(60_000, ['web2'])
  t.is(world.given('web2').job, 'index')
})

test('a waiting run of an unknown job can be canceled', (t) => {
  const world = makeWorld(t)
  world.worker('web1', { cards: [card('import', { on_success: [step('index')] })] })
  world.trigger('import')
  world.end('web1', world.given('web1'))
  const run_id = world.runsOf('index')[0]?.run_id ?? ''
  world.cancel(run_id)
  world.worker('web2', { cards: [card('index')] })
  t.deepEqual(world.tasks('web2'), [])
  t.is(world.told('flow.settled.'), 1)
})
