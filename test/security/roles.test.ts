/**
 * Every kind of message at the client door, and every question, said by every role: the table below says who may. It is written by
 * hand, and fails when a kind is not in it, so that a new kind cannot come in without somebody deciding whose it is.
 */
import test from 'ava'
import { FromClient, Question } from '../../common/protocol/client-door.ts'
import { FromWorker } from '../../common/protocol/worker-door.ts'
import { CLIENT_RIGHTS, WORKER_RIGHTS } from '../../common/protocol/rights.ts'
import { comeIn, dial, makeKeyedCluster, type Message } from './keyed.ts'

const YAML = `
jobs:
  greet: {deliver: one, command: [printf, hello]}
`

const R = '00000000'
const SAMPLES: Record<string, readonly [may: string, request: object]> = {
  trigger: ['frontend client', { triggers: [{ job: 'none', params: {} }] }],
  report: ['frontend client', { run_id: R, message: 'x' }],
  cancel: ['frontend', { run_id: R }],
  retry: ['frontend', { run_id: R }],
  worker: ['frontend', { worker: 'none', action: 'forget' }],
  semaphore: ['frontend', { semaphore: 'none', action: 'forget' }],
  reset: ['frontend', { semaphore: 'none', key: 'k' }],
  'open.by_hand': ['frontend', { semaphore: 'none', key: 'k', generation: null }],
  open: ['semaphore', { semaphore: 'none', key: 'k', generation: 1 }],
  arrive: [
    'semaphore',
    { semaphore: 'none', key: 'k', run_id: R, member: 0, distinct: null, failed: false },
  ],
  place: ['semaphore', { semaphores: [{ name: 'none', after: null }] }],
  replay: ['semaphore frontend client', { after: 'head', topics: [], limit: 1 }],
  subscribe: ['semaphore frontend client', { channels: ['head.'] }],
  'query.run': ['semaphore frontend client', { run_id: R }],
  'query.runs': ['semaphore frontend client', { filter: { limit: 1 } }],
  'query.semaphores': ['semaphore frontend client', {}],
  'query.flow': ['frontend client', { flow_id: R }],
  'query.explain': ['frontend client', { run_id: R }],
  'query.explain_job': ['frontend client', { job: 'none', params: {} }],
  'query.jobs': ['frontend client', {}],
  'query.workers': ['frontend client', {}],
  'query.lanes': ['frontend client', {}],
  'query.refusals': ['frontend client', { limit: 1 }],
  'query.output': ['frontend client', { run_id: R, stream: 'stdout', offset: 0, limit: 1 }],
  'query.health': ['frontend client', {}],
  'query.metrics': ['frontend', {}],
  'query.run_token': ['frontend', { token: 'x' }],
}

const kinds = [
  ...FromClient.options.map(({ shape }) => shape.kind.value).filter((kind) => kind !== 'query'),
  'open.by_hand',
  ...Question.options.map(({ shape }) => `query.${shape.what.value}`),
].sort()

test('every kind of message has a line here, and the same one in the table of rights', (t) => {
  t.deepEqual(Object.keys(SAMPLES).sort(), kinds)
  for (const [kind, [may]] of Object.entries(SAMPLES))
    t.deepEqual(
      [...CLIENT_RIGHTS[kind as keyof typeof CLIENT_RIGHTS]].sort(),
      may.split(' ').sort(),
    )
  const said = FromWorker.options.map(({ shape }) => shape.kind.value)
  t.deepEqual(Object.keys(WORKER_RIGHTS).sort(), [...said].sort())
  for (const roles of Object.values(WORKER_RIGHTS)) t.deepEqual(roles, ['worker'])
})

test.serial('each role is heard for just what it may say', async (t) => {
  const cluster = await makeKeyedCluster(t, YAML)
  const broker = await cluster.broker()
  const { keys, doors } = cluster
  for (const role of ['semaphore', 'frontend', 'client'] as const) {
    const peer = dial(t, doors.client, keys[role])
    const { session } = await comeIn(peer, 'client', keys[role], keys[role].name)
    for (const [kind, [may, request]] of Object.entries(SAMPLES)) {
      const [head = '', what] = kind.split('.')
      const question = { ...request, what }
      const said = head === 'query' ? { kind: 'query', question } : { kind: head, ...request }
      await peer.send({ kind: 'session', session }, { ...said, id: kind, protocol: 1 })
      const reply: Message = await peer.hear('reply')
      t.is(reply['id'], kind)
      const code = (reply['error'] as { code?: string } | undefined)?.code
      t.not(code, 'bad_request', `${kind}: the sample is not one`)
      t.is(code === 'not_its_role', !may.split(' ').includes(role), `${role} says ${kind}: ${code}`)
    }
  }
  t.regex(broker.log(), /sem, a semaphore, may not say trigger/)
})

test.serial('what is said at the wrong door is no message there', async (t) => {
  const cluster = await makeKeyedCluster(t, YAML)
  await cluster.broker()
  const { keys, doors } = cluster
  const worker = dial(t, doors.worker, keys.worker)
  const { session } = await comeIn(worker, 'worker', keys.worker, 'web1')
  for (const [kind, [, request]] of Object.entries(SAMPLES))
    if (!kind.includes('.'))
      await worker.send({ kind: 'session', session }, { kind, id: 1, ...request })
  await worker.send({ kind: 'session', session }, { kind: 'heartbeat' })
  t.is((await worker.next()).kind, 'heartbeat')
})
