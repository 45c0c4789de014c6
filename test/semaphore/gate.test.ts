import test from 'ava'
import type { Member, Semaphore } from '../../common/definition/card.ts'
import type { FeedEntry } from '../../common/protocol/answers.ts'
import { isComplete, noticesOf } from '../../semaphore/gate.ts'
import type { Notice } from '../../semaphore/gate.ts'
import { member as memberOf, semaphoreOf } from './semaphores.ts'

const member = ({ job = 'part', ...facts }: Partial<Member> = {}): Member => memberOf(job, facts)

const entry = (facts: Partial<FeedEntry> = {}): FeedEntry => ({
  cursor: '0-1',
  at: '2024-03-01T06:00:00.000Z',
  topic: 'run.succeeded.part.',
  run_id: 'r1',
  flow_id: 'f1',
  job: 'part',
  state: 'succeeded',
  params: { date: '2024_03_01', source: 'shop' },
  output: {},
  ...facts,
})
const notice = (facts: Partial<Notice> = {}): Notice => ({
  semaphore: 'ready',
  key: '2024_03_01',
  missing: null,
  run_id: 'r1',
  member: 0,
  distinct: null,
  failed: false,
  ...facts,
})

const long = 'x'.repeat(4097)
const NOTICES: readonly [why: string, Partial<Semaphore>, Partial<FeedEntry>, Partial<Notice>[]][] =
  [
    ['a member that succeeded arrives', {}, {}, [{}]],
    ['another job does not', {}, { job: 'other' }, []],
    ['a run that only started does not', {}, { state: 'running' }, []],
    ['a canceled run does not', {}, { state: 'canceled' }, []],
    ['a gate is no run', {}, { topic: 'gate.open.part.' }, []],
    ['a failed member is told as failed', {}, { state: 'failed' }, [{ failed: true }]],
    ['an expired one too', {}, { state: 'expired' }, [{ failed: true }]],
    ['without a key there is one gate per flow', { key: null }, {}, [{ key: 'f1' }]],
    ['output wins over parameters', {}, { output: { date: 'x' } }, [{ key: 'x' }]],
    [
      'what is built in wins over both',
      { key: '%(run_id)s' },
      { output: { run_id: 'x' } },
      [{ key: 'r1' }],
    ],
    ['a key may be constant', { key: 'all' }, {}, [{ key: 'all' }]],
    ['a missing value is named', { key: '%(day)s' }, {}, [{ key: null, missing: 'day' }]],
    ['__proto__ is no value', { key: '%(__proto__)s' }, {}, [{ key: null, missing: '__proto__' }]],
    [
      'constructor is no value',
      { key: '%(constructor)s' },
      {},
      [{ key: null, missing: 'constructor' }],
    ],
    [
      'distinct is filled in',
      { wait_for: [member({ count: 2, distinct: '%(source)s/%(date)s' })] },
      {},
      [{ distinct: 'shop/2024_03_01' }],
    ],
    [
      'a value that distinct lacks is named',
      { wait_for: [member({ distinct: '%(region)s' })] },
      {},
      [{ key: null, missing: 'region' }],
    ],
    [
      'a job that is two members arrives at both',
      { wait_for: [member(), member({ job: 'other' }), member({ distinct: '%(source)s' })] },
      {},
      [{}, { member: 2, distinct: 'shop' }],
    ],
    [
      'a key that does not fit the door is none',
      { key: '%(long)s' },
      { params: { long } },
      [{ key: null, missing: null }],
    ],
    [
      'a value that looks like a placeholder is only a value',
      {},
      { params: { date: '%(source)s' } },
      [{ key: '%(source)s' }],
    ],
  ]

for (const [why, definition, facts, notices] of NOTICES)
  test(why, (t) => {
    t.deepEqual(noticesOf(semaphoreOf(definition), entry(facts)), notices.map(notice))
  })

const COMPLETE: readonly [string, Member[], number[], boolean][] = [
  ['nobody is there', [member()], [], false],
  ['the one that is waited for is there', [member()], [1], true],
  ['one of two is there', [member(), member({ job: 'b' })], [1, 0], false],
  ['both are there', [member(), member({ job: 'b' })], [1, 1], true],
  ['all twelve are there', [member({ count: 12, distinct: '%(x)s' })], [12], true],
  ['eleven are there', [member({ count: 12, distinct: '%(x)s' })], [11], false],
  ['more came than are waited for', [member({ count: 2 })], [3], true],
  [
    'what came for one member does not count for another',
    [member({ count: 2 }), member()],
    [1, 2],
    false,
  ],
]

for (const [why, wait_for, arrived, complete] of COMPLETE)
  test(`a gate is ${complete ? 'complete' : 'not complete'} when ${why}`, (t) => {
    t.is(isComplete(wait_for, arrived), complete)
  })
