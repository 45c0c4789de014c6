import test from 'ava'
import { FromClient } from '../../../common/protocol/client-door.ts'
import { decodeFrame, encodeFrame } from '../../../common/protocol/codec.ts'
import { PROTOCOL_VERSION } from '../../../common/protocol/limits.ts'
import { disagreement, protocolOf } from '../../../common/protocol/versions.ts'
import { ToWorker } from '../../../common/protocol/worker-door.ts'

const read = (door: Parameters<typeof decodeFrame>[0], message: object): unknown => {
  const decoded = decodeFrame(door, encodeFrame([message]))
  return decoded.kind === 'frame' ? decoded.messages[0] : undefined
}

test('one version apart is near; further apart, the older one is to be updated', (t) => {
  const next = PROTOCOL_VERSION + 1
  t.is(disagreement(undefined, 'the worker', 'this broker'), null)
  t.is(disagreement(PROTOCOL_VERSION, 'the worker', 'this broker'), null)
  t.is(disagreement(next, 'the worker', 'this broker'), null)
  t.regex(disagreement(next + 1, 'the worker', 'this broker') ?? '', /update this broker$/)
  t.regex(disagreement(PROTOCOL_VERSION - 2, 'the worker', 'here') ?? '', /update the worker$/)
})

test('what a message says of its protocol is a whole number, or nothing', (t) => {
  t.is(protocolOf({ protocol: 7 }), 7)
  for (const message of [null, 'x', [], {}, { protocol: '7' }, { protocol: 1.5 }])
    t.is(protocolOf(message), undefined)
})

test('a request of a near version is read without what is unknown, of a far one not at all', (t) => {
  const request = { kind: 'query', id: 1, question: { what: 'jobs', since: 'ever' } }
  const asked = { kind: 'query', id: 1, question: { what: 'jobs' } }
  t.deepEqual(read(FromClient, request), asked)
  t.deepEqual(read(FromClient, { ...request, protocol: 2, news: [] }), { ...asked, protocol: 2 })
  t.is(read(FromClient, { ...request, protocol: 3 }), undefined)
})

const TASK = { run_id: 'r', flow_id: 'r', attempt: 1, job: 'j', params: {}, context: {} }

test('a worker reads what a newer broker says, in so far as it knows what to do', (t) => {
  const ref = { task_id: 'r.0', attempt: 1 }
  const task = { kind: 'task', ...TASK, task_id: 'r.0' }
  t.deepEqual(read(ToWorker, { ...task, deliver: 'some', hint: 1 }), {
    ...task,
    deliver: undefined,
  })
  const stop = { kind: 'stop', ...ref, reason: 'superseded' }
  t.deepEqual(read(ToWorker, stop), { ...stop, reason: 'canceled' })
  t.is(read(ToWorker, { kind: 'ack', of: 'started', ...ref }), undefined)
})
