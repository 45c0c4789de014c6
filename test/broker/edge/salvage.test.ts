/** What is made of messages that matter and that cannot be read as they are. */
import test from 'ava'
import { salvageEnded, salvageHello } from '../../../broker/edge/salvage.ts'
import { Ended, Hello } from '../../../common/protocol/worker-door.ts'
import { card } from '../core/cards.ts'

const HELLO = {
  kind: 'hello',
  protocol: 2,
  version: '0.2.0',
  name: 'web1',
  instance: 'one',
  slots: 4,
  credit: 4,
  cards: [card('good')],
  lanes: { media: { limit: 3 } },
  held: [{ task_id: 'r.0', attempt: 1, state: 'running' }],
  reload_error: null,
}

test('a job that cannot be read is left out, and the worker is told of it', (t) => {
  const odd = { ...card('odd'), deliver: 'some' }
  const message = { ...HELLO, cards: [card('good'), odd, 'nonsense', { job: 7 }] }
  t.false(Hello.safeParse(message).success)
  const hello = salvageHello(message)
  t.deepEqual(
    hello?.cards.map(({ job }) => job),
    ['good'],
  )
  t.regex(
    hello?.reload_error ?? '',
    /this broker cannot read job odd: deliver .*job without a name/,
  )
  const broken = salvageHello({ ...message, reload_error: 'a.yaml:1:1: no' })
  t.regex(broken?.reload_error ?? '', /^a\.yaml:1:1: no; this broker cannot read job odd/)
})

test('so is a lane, and no message is longer than it may be', (t) => {
  const lanes = { media: { limit: 'auto' }, other: { limit: 2 }, '../x': { limit: 1 } }
  const hello = salvageHello({ ...HELLO, lanes })
  t.deepEqual(hello?.lanes, { other: { limit: 2 } })
  t.regex(hello?.reload_error ?? '', /lane media: limit/)
  const many = Array.from({ length: 1_000 }, (_, n) => ({ ...card(`odd${n}`), deliver: 'some' }))
  t.is(salvageHello({ ...HELLO, cards: many })?.reload_error?.length, 4096)
})

test('what a worker holds is not left out: it would be taken for lost', (t) => {
  const held = [...HELLO.held, { task_id: 'r.1', attempt: 1, state: 'frozen' }]
  t.deepEqual(salvageHello({ ...HELLO, held }), {
    ...HELLO,
    held: [...HELLO.held, { task_id: 'r.1', attempt: 1, state: 'running' }],
  } as Hello)
  t.is(salvageHello({ ...HELLO, held: [{ attempt: 1, state: 'running' }] }), null)
})

test('a hello without a name, or that is none, is not salvaged', (t) => {
  t.is(salvageHello({ ...HELLO, name: '../x' }), null)
  for (const message of [null, 'hello', [], { kind: 'hello' }]) t.is(salvageHello(message), null)
})

test('a report that cannot be read says at least that the attempt is over', (t) => {
  const message = { kind: 'ended', task_id: 'r.0', attempt: 2, exit_code: 70_000 }
  const ended = salvageEnded(message, 'ended: exit_code Too big', 5)
  t.like(ended, { task_id: 'r.0', attempt: 2, reason: 'unreadable_report', finished_at_ms: 5 })
  t.regex(ended?.message ?? '', /exit_code Too big/)
  t.true(Ended.safeParse(ended).success)
  t.is(salvageEnded({ ...message, attempt: 'two' }, '', 5), null)
  t.is(salvageEnded(null, '', 5), null)
})

test('a hello of more than can be looked at is refused as a whole', (t) => {
  const most = Array.from({ length: 10_000 }, () => 0)
  t.truthy(salvageHello({ ...HELLO, cards: most }))
  t.is(salvageHello({ ...HELLO, cards: [...most, 0] }), null)
  t.is(salvageHello({ ...HELLO, held: Array.from({ length: 100_001 }, () => 0) }), null)
})
