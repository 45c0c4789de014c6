/** Nonsense on every door of real daemons: each is answered or dropped, nothing is lost, and work goes on. */
import { connect } from 'node:net'
import test from 'ava'
import { Dealer } from 'zeromq'
import { MAX_FRAME_BYTES } from '../../common/protocol/limits.ts'
import { makeCluster } from './cluster.ts'

const yaml = `
jobs:
  greet: {deliver: one, command: [printf, '%s', '%(name)s'], params: {name: {type: text, default: world}}}
`

const GARBAGE: readonly (string | Buffer | (string | Buffer)[])[] = [
  '',
  'not json',
  '{"kind":"hello"}',
  '[',
  '[1,null,"x",[],{}]',
  '[{"kind":"no such kind"}]',
  '[{"kind":"hello","name":"../x"}]',
  '[{"kind":"trigger","id":1,"triggers":[{"job":"__proto__","params":{"__proto__":{"x":1}}}]}]',
  `[${'{"kind":"heartbeat"},'.repeat(20_000)}{"kind":"heartbeat"}]`,
  `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
  Buffer.from([0xff, 0xfe, 0x00, 0x80]),
  Buffer.alloc(MAX_FRAME_BYTES, 0x20),
  ['[{"kind":"heartbeat"}]', 'a second part'],
  Array.from({ length: 1_000 }, () => 'many parts'),
]

test.serial('garbage on both doors of the broker is dropped, and runs go on', async (t) => {
  const cluster = await makeCluster(t, yaml)
  const broker = await cluster.broker()
  await cluster.worker()
  await cluster.frontend()
  for (const door of [cluster.doors.worker, cluster.doors.client]) {
    const socket = new Dealer({ linger: 1_000 })
    socket.connect(door)
    for (const frame of GARBAGE) await socket.send(frame)
    // Raw bytes that are no ZeroMQ at all.
    const raw = connect(Number(new URL(door).port), '127.0.0.1', () =>
      raw.end('GET / HTTP/1.1\r\n\r\n'),
    )
    raw.on('error', () => undefined)
    const greeted = await cluster.start('job_name=greet&name=you&wait=60s')
    t.is(greeted.state, 'succeeded', door)
    socket.close()
  }
  // A frame past the limit: its connection is closed, and nobody else's.
  const large = new Dealer({ linger: 0 })
  large.connect(cluster.doors.client)
  await large.send(Buffer.alloc(MAX_FRAME_BYTES + 1, 0x20))
  t.is((await cluster.start('job_name=greet&wait=60s')).state, 'succeeded')
  large.close()
  t.regex(broker.log(), /dropped a frame at the worker door/)
  t.regex(broker.log(), /dropped a frame at the client door/)
})

test.serial('a second worker under a living name is turned away with exit code 2', async (t) => {
  const cluster = await makeCluster(t, yaml)
  await cluster.broker()
  await cluster.worker('web1')
  const error = await t.throwsAsync(
    cluster.worker('web1', '--spool', cluster.file('another-spool')),
  )
  t.regex(error?.message ?? '', /ended with 2/)
  t.regex(error?.message ?? '', /another worker called web1 is alive/)
})

test.serial('a second broker on the same data is turned away with exit code 2', async (t) => {
  const cluster = await makeCluster(t, yaml)
  await cluster.broker()
  const error = await t.throwsAsync(
    cluster.launch(['broker', '--data', cluster.file('broker'), '--bind', 'tcp://127.0.0.1:19123']),
  )
  t.regex(error?.message ?? '', /ended with 2/)
})

test.serial('bad requests get the error that says what to do, and start nothing', async (t) => {
  const cluster = await makeCluster(t, yaml)
  await cluster.broker()
  await cluster.frontend()
  const empty = await fetch(`${cluster.url}/job_start?job_name=greet`)
  t.is(empty.status, 503, 'no worker has announced anything yet')
  t.truthy(empty.headers.get('retry-after'))
  await cluster.worker()
  const cases: [string, number][] = [
    ['job_name=gret', 404],
    ['job_name=__proto__', 400],
    ['job_name=constructor', 404],
    ['job_name=../x', 400],
    [`job_name=${'x'.repeat(300)}`, 400],
    ['job_name=greet&job_name=greet', 400],
    ['job_name=greet&name[a]=1', 400],
    ['job_name=greet&__proto__=1', 400],
    ['job_name=greet&nmae=x', 400],
    ['job_name=greet&nme=x', 400],
    ['job_name=greet&name=%00', 400],
    ['job_name=greet&name=%ff', 400],
    [`job_name=greet&name=${'x'.repeat(4097)}`, 400],
    ['job_name=greet&priority=-1', 400],
    ['job_name=greet&delay=soon', 400],
    ['', 400],
  ]
  for (const [query, status] of cases) {
    const response = await fetch(`${cluster.url}/job_start?${query}`)
    t.is(response.status, status, query.slice(0, 60))
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    t.truthy(error.code && error.message, query)
  }
  t.deepEqual(await cluster.runs(''), [])
})
