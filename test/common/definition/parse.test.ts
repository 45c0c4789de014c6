import test from 'ava'
import { Card, Semaphore } from '../../../common/definition/card.ts'
import { definitions, job, parse, shown } from './parsing.ts'

test('a job with nothing but a command has every default', (t) => {
  t.deepEqual(job('command: "true"'), {
    card: {
      job: 'a',
      description: null,
      topic: 'a',
      deliver: 'all',
      offline_wait_ms: 0,
      require: 'present',
      params: {},
      params_only: false,
      on_success: [],
      on_failure: [],
      on_each_success: [],
      on_each_failure: [],
      timeout_ms: null,
      kill_after_ms: 10_000,
      retries: { limit: 0, backoff_ms: 10_000, max_backoff_ms: 600_000, exit_codes: null },
      on_lost: 'retry',
      lane: 'main',
      priority: 512,
      concurrency: null,
      expires_ms: null,
      output_limit_bytes: 10_485_760,
    },
    command: { kind: 'shell', shell: ['sh', '-c'], text: 'true' },
    env: {},
    env_file: null,
    user: null,
    limits: { memory_bytes: null, tasks: null, files: null },
    cwd: null,
    where: 'a.yaml:2:3',
  })
})

const EVERY_KEY = `
jobs:
  a:
    description: All of it
    command: [echo, "%(source)s", 010]
    topic: things
    deliver: one
    params:
      source: {type: enum, values: [shop, 010, no], default: 010, required: true, allow_dash: false, secret: true, description: d}
      day: {type: date, format: '%Y%m%d', zone: Europe/Berlin}
      word: {pattern: '[a-z]+'}
      bare:
    params_only: true
    on_success: b
    on_failure: [b, {job: c, params: {x: 1.10}, priority: 1, delay: 5m}]
    on_each_success: {job: b, each: {region: [eu, no]}}
    on_each_failure: []
    timeout: 15m
    kill_after: 5
    retries: {limit: 3, backoff: 1s, max_backoff: 1h, exit_codes: [75]}
    on_lost: wait
    lane: media
    priority: 0
    concurrency: {limit: 2, key: "%(day)s", per: worker, when_full: replace}
    env: {MODE: 010, EMPTY: "", NONE: }
    env_file: /etc/a.env
    cwd: /srv
    expires: 2d
    output_limit: 1 KiB
`

test('every key has its meaning, and values keep the text that was written', (t) => {
  const a = definitions(EVERY_KEY).jobs.get('a')
  t.like(a?.card, {
    topic: 'things',
    deliver: 'one',
    params_only: true,
    on_success: [{ job: 'b', params: {}, priority: null, delay_ms: 0, each: {} }],
    on_failure: [
      { job: 'b', params: {}, priority: null, delay_ms: 0, each: {} },
      { job: 'c', params: { x: '1.10' }, priority: 1, delay_ms: 300_000, each: {} },
    ],
    on_each_success: [
      { job: 'b', params: {}, priority: null, delay_ms: 0, each: { region: ['eu', 'no'] } },
    ],
    timeout_ms: 900_000,
    kill_after_ms: 5000,
    retries: { limit: 3, backoff_ms: 1000, max_backoff_ms: 3_600_000, exit_codes: [75] },
    on_lost: 'wait',
    lane: 'media',
    priority: 0,
    concurrency: { limit: 2, key: '%(day)s', per: 'worker', when_full: 'replace' },
    expires_ms: 172_800_000,
    output_limit_bytes: 1024,
  })
  t.like(a?.card.params['source'], {
    values: ['shop', '010', 'no'],
    default: '010',
    required: true,
    secret: true,
  })
  t.like(a?.card.params['bare'], { type: 'safe', required: false })
  t.deepEqual(a?.command, { kind: 'argv', argv: ['echo', '%(source)s', '010'], template: true })
  t.deepEqual(a?.env, { MODE: '010', EMPTY: '', NONE: '' })
  t.is(a?.env_file, '/etc/a.env')
  t.is(a?.cwd, '/srv')
  t.true(Card.safeParse(JSON.parse(JSON.stringify(a?.card))).success)
})

test('offline and require', (t) => {
  t.like(job('command: a', 'offline: wait 6h', 'require: 3').card, {
    offline_wait_ms: 21_600_000,
    require: 3,
  })
  t.like(job('command: a', 'offline: skip', 'require: all').card, {
    offline_wait_ms: 0,
    require: 'all',
  })
})

test('the defaults of a file are for its jobs that do not say otherwise', (t) => {
  const found = definitions(
    'defaults: {on_failure: b, retries: 2, env: {A: 1}, shell: [bash, -c]}\njobs:\n  a: {command: x}\n  b: {command: y, on_failure: [], retries: 0}\n  l: {command: [z]}',
    'jobs: {c: {command: x}}',
  ).jobs
  t.like(found.get('a'), {
    card: { on_failure: [{ job: 'b' }], retries: { limit: 2 } },
    env: { A: '1' },
  })
  t.like(found.get('a')?.command, { shell: ['bash', '-c'] })
  t.like(found.get('b')?.card, { on_failure: [], retries: { limit: 0 } })
  t.like(found.get('l')?.command, { kind: 'argv' })
  t.like(found.get('c')?.card, { on_failure: [], retries: { limit: 0 } })
})

test('a parameter that the command needs is required, unless it has a default or says otherwise', (t) => {
  const params = 'params: {x: , y: {default: 1}, z: {required: false}, other: }'
  const { card } = job('command: echo %(x)s %(y)s %(z)s', params)
  const required = Object.entries(card.params).filter(([, rule]) => rule.required)
  t.deepEqual(
    required.map(([name]) => name),
    ['x'],
  )
})

test('a shell command is rewritten when it is loaded, and template: false leaves it alone', (t) => {
  t.like(job('command: echo %(x)s').command, { text: 'echo "${JOBZ_P_x}"' })
  t.like(job('command: echo `%(x)s`', 'template: false').command, { text: 'echo `%(x)s`' })
  t.like(job('command: [sh, -c, "%(x)s"]', 'template: false').command, {
    kind: 'argv',
    template: false,
  })
})

const SEMAPHORE = `
jobs: {a: {command: x}, b: {command: x}, c: {command: x}}
semaphores:
  ready:
    wait_for: [a, {job: b, count: 12, distinct: "%(source)s/%(region)s"}]
    key: "%(date)s"
    then: {job: c, params: {x: 1}}
    timeout: 6h
    on_timeout: c
    on_member_failure: fail
    repeat: true
  plain: {wait_for: [a], then: c}
`

test('a semaphore and its defaults', (t) => {
  const { semaphores } = definitions(SEMAPHORE)
  const step = { job: 'c', params: {}, priority: null, delay_ms: 0, each: {} }
  t.deepEqual(semaphores.get('ready'), {
    name: 'ready',
    wait_for: [
      { job: 'a', count: 1, distinct: null },
      { job: 'b', count: 12, distinct: '%(source)s/%(region)s' },
    ],
    key: '%(date)s',
    then: [{ ...step, params: { x: '1' } }],
    timeout_ms: 21_600_000,
    on_timeout: [step],
    on_member_failure: 'fail',
    repeat: true,
  })
  t.like(semaphores.get('plain'), {
    key: null,
    timeout_ms: null,
    on_member_failure: 'wait',
    repeat: false,
  })
  for (const semaphore of semaphores.values()) t.true(Semaphore.safeParse(semaphore).success)
})

test('lanes of several files are put together, unless they contradict each other', (t) => {
  const one = 'lanes: {media: {limit: 24}, free: }'
  t.deepEqual(definitions(one, 'lanes: {media: {limit: 24}}').lanes, {
    media: { limit: 24 },
    free: { limit: null },
  })
  t.deepEqual(shown(parse(one, 'lanes:\n  media: {limit: 2}')), [
    'b.yaml:2:3: error: lane media has another limit in a.yaml:1:9 (give it one limit, in one file)',
  ])
})

test('a name is defined once over all files', (t) => {
  const semaphore = 'semaphores: {s: {wait_for: [a], then: a}}'
  t.deepEqual(shown(parse('jobs: {a: {command: x}}', 'jobs:\n  a: {command: x}')), [
    'b.yaml:2:3: error: job a is already defined in a.yaml:1:8 (rename one of them)',
  ])
  t.true(
    shown(parse(semaphore, semaphore)).some((line) =>
      line.includes('semaphore s is already defined'),
    ),
  )
})

test('who runs a command and what it may use stay on the host, and defaults may say them', (t) => {
  const loaded = parse(`defaults: {user: deploy, limits: {memory: 512MiB, tasks: 64, files: 1024}}
jobs:
  a: {command: x}
  b: {command: x, user: www-data, limits: {}}`)
  if (loaded.kind === 'refused') return t.fail(JSON.stringify(loaded.problems))
  const { jobs } = loaded.definitions
  const limits = { memory_bytes: 536_870_912, tasks: 64, files: 1024 }
  t.like(jobs.get('a'), { user: 'deploy', limits })
  t.like(jobs.get('b'), {
    user: 'www-data',
    limits: { memory_bytes: null, tasks: null, files: null },
  })
  t.notRegex(JSON.stringify(jobs.get('a')?.card), /deploy|536870912/)
})
