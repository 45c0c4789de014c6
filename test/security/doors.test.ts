/** Who gets through the handshake at each of the broker's three sockets, and what a revoked key is worth. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { Context, curveKeyPair, Dealer, Subscriber } from 'zeromq'
import { authorisedPath, brokerKeyPath, keyPath } from '../../common/keys/folder.ts'
import type { WorkerView } from '../../common/protocol/answers.ts'
import { openRouter } from '../../common/link/router.ts'
import { launch } from '../system/launch.ts'
import { until } from '../worker/until.ts'
import { comeIn, dial, handshake, helloFor, makeKeyedCluster, strangerFor } from './keyed.ts'

const YAML = `
jobs:
  greet: {deliver: one, command: [printf, '%s', '%(name)s'], params: {name: {type: text, default: world}}}
  sleep: {deliver: one, command: [sleep, '%(s)s'], params: {s: {type: int, default: 30}}}
semaphores:
  both: {wait_for: [greet], then: sleep}
`

test.serial('a handshake comes out as the table says, on each socket', async (t) => {
  const cluster = await makeKeyedCluster(t, YAML)
  const broker = await cluster.broker()
  const { keys, broker_key, doors } = cluster
  const stranger = strangerFor(broker_key)
  const wrongServer = { ...keys.worker, broker_key: stranger.public_key }
  const TABLE: Record<keyof typeof doors, Record<string, string>> = {
    worker: { worker: 'in', semaphore: 'auth', frontend: 'auth', client: 'auth' },
    client: { worker: 'auth', semaphore: 'in', frontend: 'in', client: 'in' },
    feed: { worker: 'in', semaphore: 'in', frontend: 'in', client: 'in' },
  }
  for (const [door, address] of Object.entries(doors) as [keyof typeof doors, string][]) {
    const make = (options: object) =>
      door === 'feed' ? new Subscriber(options) : new Dealer(options)
    t.regex(await handshake(t, address, null, make), /protocol|other/, `${door}: no security`)
    t.is(await handshake(t, address, stranger, make), 'auth', `${door}: a key nobody knows`)
    t.is(await handshake(t, address, wrongServer, make), 'other', `${door}: another server key`)
    for (const [role, key] of Object.entries(keys))
      t.is(await handshake(t, address, key, make), TABLE[door][role] ?? '', `${door}: a ${role}`)
  }
  t.regex(broker.log(), /a handshake was refused.*nobody has the key/)
  t.regex(broker.log(), /a handshake was refused.*lib is a client/)
})

test('without a ZAP handler a socket with keys lets nobody in', async (t) => {
  const { publicKey: broker_key, secretKey: secret_key } = curveKeyPair()
  const router = await openRouter({
    bind: 'tcp://127.0.0.1:*',
    key: { secret_key, context: new Context() },
    door: 'worker',
    onFrame: () => undefined,
    onGarbage: () => undefined,
    onGone: () => undefined,
    onTooLarge: () => undefined,
  })
  t.teardown(() => router.close())
  t.is(await handshake(t, router.address, strangerFor(broker_key)), 'other')
})

test.serial(
  'daemons with keys work together, and a worker whose key is taken away is out until it is back',
  async (t) => {
    const cluster = await makeKeyedCluster(t, YAML)
    const broker = await cluster.broker()
    const worker = await cluster.worker()
    await cluster.semaphore()
    await cluster.frontend()
    t.is((await cluster.start('job_name=greet&wait=60s')).state, 'succeeded')
    const { run_id } = await cluster.start('job_name=sleep')
    await cluster.reached(run_id, 'running')
    const authorisation = authorisedPath(cluster.keysFolder, 'web1')
    const written = readFileSync(authorisation)
    cluster.revoke('web1')
    await until('it says why', () =>
      /the broker refused this worker \(unauthorised\)/.test(worker.log()),
    )
    t.regex(broker.log(), /the authorised keys were read again/)
    // A new daemon of it does not even get through the handshake, and says so.
    const args = [...cluster.args.worker('web1'), '--spool', cluster.file('other')]
    const again = launch([...args, '--key', keyPath(cluster.keysFolder, 'web1')], {
      cwd: cluster.folder,
    })
    await until('the new one says why', () =>
      /does not let this in: its key is not authorised/.test(again.log()),
    )
    again.kill('SIGTERM')
    await again.ended
    // What the revoked worker runs goes on without it; the semaphore and the frontend are in again by new names.
    t.is((await cluster.run(run_id)).state, 'running')
    cluster.add('web2', 'worker')
    await cluster.worker('web2')
    t.is((await cluster.start('job_name=greet&wait=60s')).state, 'succeeded')
    writeFileSync(authorisation, written)
    for (;;) {
      const { workers } = (await cluster.json('/api/workers')) as { workers: WorkerView[] }
      if (workers.find((one) => one.worker === 'web1')?.state === 'present') break
    }
    t.pass()
  },
)

test.serial(
  'a frontend whose key is taken away is heard no more, and is heard again with its key',
  async (t) => {
    const cluster = await makeKeyedCluster(t, YAML)
    await cluster.broker()
    await cluster.worker()
    const frontend = await cluster.frontend()
    t.is((await cluster.start('job_name=greet&wait=60s')).state, 'succeeded')
    const authorisation = authorisedPath(cluster.keysFolder, 'front')
    const written = readFileSync(authorisation)
    cluster.revoke('front')
    await until('it is shut out', () => /unauthorised/.test(frontend.log()))
    t.is((await fetch(`${cluster.url}/readyz`)).status, 503)
    writeFileSync(authorisation, written)
    const isReady = async (): Promise<boolean> => (await fetch(`${cluster.url}/readyz`)).ok
    while (!(await isReady()));
    t.is((await cluster.start('job_name=greet&wait=60s')).state, 'succeeded')
  },
)

test.serial('a live connection whose key is revoked has lost its session at once', async (t) => {
  const cluster = await makeKeyedCluster(t, YAML)
  const broker = await cluster.broker()
  const { keys, doors } = cluster
  const worker = dial(t, doors.worker, keys.worker)
  const { session } = await comeIn(worker, 'worker', keys.worker, 'web1')
  const client = dial(t, doors.client, keys.client)
  const { session: own } = await comeIn(client, 'client', keys.client, 'lib')
  const ask = { kind: 'query', id: 1, question: { what: 'jobs' } }
  await client.send({ kind: 'session', session: own }, ask)
  t.is((await client.hear('reply'))['ok'], true)
  cluster.revoke('web1')
  cluster.revoke('lib')
  // Both are told, and both try to go on.
  t.is((await worker.hear('hello_again'))['session'], session)
  await client.hear('hello_again')
  await worker.send({ kind: 'session', session }, { kind: 'heartbeat', credit: 5 })
  t.is((await worker.next()).kind, 'hello_again')
  await client.send({ kind: 'session', session: own }, ask)
  t.like(await client.hear('reply'), { ok: false, error: { code: 'no_session', status: 401 } })
  // Nor do they come in again over the connection that stands.
  await worker.send({ kind: 'knock', protocol: 1 })
  const { challenge } = await worker.hear('challenge')
  await worker.send(helloFor('worker', keys.worker, String(challenge), 'web1'))
  t.like(await worker.hear('refused'), { code: 'unauthorised' })
  t.is(await handshake(t, doors.worker, keys.worker), 'auth')
  t.is(await handshake(t, doors.client, keys.client), 'auth')
  t.regex(broker.log(), /nobody has the key/)
})

test.serial('a broker does not start with a key that others may read', async (t) => {
  const cluster = await makeKeyedCluster(t, YAML)
  const path = brokerKeyPath(cluster.keysFolder)
  chmodSync(path, 0o640)
  const args = [...cluster.args.broker, '--keys', cluster.keysFolder]
  const broker = launch(args, { cwd: cluster.folder })
  t.is(await broker.ended, 2)
  t.regex(broker.log(), /others may read .*chmod 600/)
  t.false(existsSync(cluster.file('broker')))
})

const REFUSED: readonly (readonly [what: string, args: readonly string[], says: RegExp])[] = [
  [
    'a broker beyond loopback without keys',
    ['broker', '--bind', 'tcp://0.0.0.0:6770'],
    /is not loopback, and there are no keys.*--insecure/,
  ],
  [
    'a worker of a broker elsewhere without a key',
    ['worker', '--broker', 'tcp://192.0.2.1:6770', '--allow-root'],
    /is not this machine, and no key was given.*--key FILE/,
  ],
  [
    'a semaphore of a broker elsewhere without a key',
    ['semaphore', '--broker', 'tcp://broker.example:6770'],
    /is not this machine, and no key was given/,
  ],
  [
    'a frontend of a broker elsewhere without a key',
    ['frontend', '--broker', 'tcp://broker.example:6770'],
    /is not this machine, and no key was given/,
  ],
  [
    'a worker whose key is not there',
    ['worker', '--key', 'none.key', '--allow-root'],
    /no such file/,
  ],
  ['a broker whose folder of keys is empty', ['broker', '--keys', '.'], /jobz keys init/],
]
for (const [what, args, says] of REFUSED)
  test(`${what} does not start`, async (t) => {
    const cluster = await makeKeyedCluster(t, YAML)
    const daemon = launch(args, { cwd: cluster.folder })
    t.is(await daemon.ended, 2)
    t.regex(daemon.log(), says)
  })
