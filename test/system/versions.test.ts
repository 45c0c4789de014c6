/**
 * Peers from the future at each door of a real broker: one version ahead they work, whatever else they say; further ahead
 * they are told what to do.
 */
import test, { type ExecutionContext } from 'ava'
import { Dealer } from 'zeromq'
import type { RunView, WorkerView } from '../../common/protocol/answers.ts'
import { card } from '../broker/core/cards.ts'
import { makeCluster } from './cluster.ts'

type Message = { kind?: string } & Record<string, unknown>

/** A socket at a door; it says what it is given, whatever that is, and keeps what it hears until somebody wants it. */
function openPeer(t: ExecutionContext, address: string) {
  const socket = new Dealer({ linger: 0 })
  socket.connect(address)
  t.teardown(() => socket.close())
  const heard: Message[] = []
  return {
    say: (...messages: Message[]): Promise<void> => socket.send(JSON.stringify(messages)),
    /** The next message that is wanted; those before it are dropped. */
    hear: async (isWanted: (message: Message) => boolean): Promise<Message> => {
      for (;;) {
        for (let next = heard.shift(); next; next = heard.shift()) if (isWanted(next)) return next
        const [frame] = await socket.receive()
        heard.push(...(JSON.parse(String(frame)) as Message[]))
      }
    },
  }
}
const kind = (name: string) => (message: Message) => message.kind === name
const answer = (id: number) => (message: Message) => message['id'] === id

const HELLO = {
  kind: 'hello',
  protocol: 2,
  version: '0.2.0',
  name: 'future',
  instance: 'one',
  slots: 4,
  credit: 4,
  lanes: { main: { limit: null, weight: 3 }, gpu: { limit: 'auto' } },
  cards: [
    { ...card('good', { retries: { ...card('good').retries, limit: 0 } }), region: 'eu' },
    { ...card('odd'), deliver: 'some' },
  ],
  held: [],
  reload_error: null,
  labels: { zone: 'a' },
}

/** A worker of protocol 2 that is welcome, and a way to give it a run. */
async function withWorker(t: ExecutionContext) {
  const cluster = await makeCluster(t, 'jobs: {}')
  const broker = await cluster.broker()
  await cluster.frontend()
  const peer = openPeer(t, cluster.doors.worker)
  await peer.say(HELLO)
  const { session } = await peer.hear(kind('welcome'))
  const say = (...messages: Message[]): Promise<void> =>
    peer.say({ kind: 'session', session, trace: 'x' }, ...messages)
  const give = async (): Promise<{ task_id: string; attempt: number }> => {
    await cluster.start('job_name=good')
    const { task_id, attempt } = await peer.hear(kind('task'))
    return { task_id: String(task_id), attempt: Number(attempt) }
  }
  return { cluster, broker, peer, say, give }
}

const REPORT = {
  kind: 'ended',
  exit_code: 0,
  signal: null,
  reason: null,
  message: null,
  started_at_ms: 1,
  finished_at_ms: 2,
  output: {},
  stdout_bytes: 0,
  stderr_bytes: 0,
  error_tail: '',
}

test.serial(
  'a worker of the next version is welcome, but for what cannot be understood',
  async (t) => {
    const { cluster, broker, peer, say, give } = await withWorker(t)
    const { workers } = (await cluster.json('/api/workers')) as { workers: WorkerView[] }
    t.deepEqual(workers[0]?.jobs, ['good'])
    t.regex(
      workers[0]?.reload_error ?? '',
      /this broker cannot read job odd: deliver.*lane gpu: limit/,
    )
    t.regex(broker.log(), /a part of what a worker announced was left out/)

    const ref = await give()
    await say(
      { kind: 'progress', ...ref, percent: 10 },
      { kind: 'accepted', ...ref, queue: 3 },
      { kind: 'started', ...ref, at_ms: Date.now(), pid: 17 },
      { kind: 'output', ...ref, stream: 'metrics', offset: 0, data: 'Zm9v' },
      { kind: 'output', ...ref, stream: 'stdout', offset: 0, data: 'Zm9v', color: 'red' },
    )
    t.like(await peer.hear(kind('ack')), { of: 'output', stream: 'metrics', offset: 3 })
    t.like(await peer.hear(kind('ack')), { of: 'output', stream: 'stdout', offset: 3 })
    await say(
      { ...REPORT, ...ref, stdout_bytes: 3, energy_j: 5 },
      { kind: 'credit', credit: 5, of: 1 },
    )
    t.like(await peer.hear(kind('ack')), { of: 'ended', ...ref })
    const run_id = ref.task_id.split('.')[0] ?? ''
    t.is((await cluster.run(run_id)).state, 'succeeded')
    t.is(await (await fetch(`${cluster.url}/api/runs/${run_id}/output`)).text(), 'foo')
    await say({ kind: 'heartbeat', load: 0.3 })
    await peer.hear(kind('heartbeat'))
  },
)

test.serial('a report that says something new ends its task all the same', async (t) => {
  const { cluster, peer, say, give } = await withWorker(t)
  const endings: [Message, RegExp][] = [
    [{ ...REPORT, reason: 'preempted', message: 'by ann' }, /^preempted: by ann$/],
    [{ ...REPORT, exit_code: 70_000 }, /^unreadable_report: .*exit_code/],
  ]
  for (const [report, reason] of endings) {
    const ref = await give()
    await say({ ...report, ...ref })
    t.like(await peer.hear(kind('ack')), { of: 'ended', ...ref })
    const run = await cluster.run(ref.task_id.split('.')[0] ?? '')
    t.is(run.state, 'failed')
    t.regex(run.tasks?.[0]?.reason ?? '', reason)
  }
})

test.serial('a worker two versions ahead is refused, and told which side to update', async (t) => {
  const cluster = await makeCluster(t, 'jobs: {}')
  await cluster.broker()
  const peer = openPeer(t, cluster.doors.worker)
  for (const hello of [
    { ...HELLO, cards: [], lanes: {}, protocol: 3 },
    { kind: 'hello', protocol: 3, who: 'future' },
  ]) {
    await peer.say(hello)
    const { code, message } = await peer.hear(kind('refused'))
    t.is(code, 'bad_protocol')
    t.regex(String(message), /protocol 3, and this broker 1.*update this broker$/)
  }
  await peer.say({ kind: 'hello', protocol: 2, who: 'future' })
  t.is((await peer.hear(kind('refused')))['code'], 'bad_hello')
})

test.serial(
  'a client of the next version is answered, one two versions ahead told what to do',
  async (t) => {
    const { cluster, peer: worker } = await withWorker(t)
    const peer = openPeer(t, cluster.doors.client)
    const trigger = { kind: 'trigger', triggers: [{ job: 'good', params: {}, labels: ['x'] }] }
    await peer.say(
      { kind: 'pause', id: 1, protocol: 2, run_id: 'r' },
      { kind: 'query', id: 2, protocol: 2, question: { what: 'forecast', hours: 3 } },
      { ...trigger, id: 3, protocol: 2, trace: 'x' },
      { ...trigger, id: 4 },
      { ...trigger, id: 5, protocol: 3 },
      { kind: 'pause', id: 6, protocol: 3 },
    )
    const replies = new Map<unknown, Message>()
    while (replies.size < 6) {
      const reply = await peer.hear(kind('reply'))
      replies.set(reply['id'], reply)
    }
    for (const id of [1, 2])
      t.like(replies.get(id)?.['error'], { status: 400, code: 'bad_request' })
    for (const id of [3, 4]) {
      t.is(replies.get(id)?.['ok'], true)
      await worker.hear(kind('task'))
    }
    for (const id of [5, 6]) {
      const error = replies.get(id)?.['error'] as Message | undefined
      t.like(error, { status: 503, code: 'bad_protocol' })
      t.regex(
        String(error?.['message']),
        /the daemon that asks speaks protocol 3.*update the broker$/,
      )
    }
    const after = { kind: 'query', protocol: 2, question: { what: 'runs', filter: { limit: 10 } } }
    await peer.say({ ...after, id: 7 })
    const { result } = await peer.hear(answer(7))
    t.is((result as { runs: RunView[] }).runs.length, 2, 'what was refused has started nothing')
  },
)
