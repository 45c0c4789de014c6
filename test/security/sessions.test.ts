/** Proofs and sessions at the doors: what was made for somebody else, or used before, is good for nothing. */
import test from 'ava'
import { until } from '../worker/until.ts'
import { comeIn, dial, helloFor, makeKeyedCluster, type Message, strangerFor } from './keyed.ts'

const YAML = `
jobs:
  greet: {deliver: one, command: [printf, hello]}
`

test.serial(
  'a hello is let in only with a proof of its own key, for its own challenge, once',
  async (t) => {
    const cluster = await makeKeyedCluster(t, YAML)
    const other = cluster.add('web2', 'worker')
    const group = cluster.add('group', 'worker', { workers: ['auto-*'] })
    const broker = await cluster.broker()
    const { keys, doors, broker_key } = cluster
    const peer = dial(t, doors.worker, keys.worker)
    const challenged = async (): Promise<string> => {
      await peer.send({ kind: 'knock', protocol: 1 })
      return String((await peer.hear('challenge'))['challenge'])
    }
    const good = (challenge: string): Message => helloFor('worker', keys.worker, challenge, 'web1')
    const changed = (challenge: string, change: object): Message => {
      const hello = good(challenge)
      return { ...hello, proof: { ...(hello['proof'] as object), ...change } }
    }
    const stranger = strangerFor(broker_key)
    const CASES: Record<string, (challenge: string) => Message> = {
      'no proof': (challenge) => ({ ...good(challenge), proof: undefined }),
      'a MAC of something else': (challenge) => changed(challenge, { mac: '0'.repeat(64) }),
      'a MAC that is cut': (challenge) => changed(challenge, { mac: '' }),
      'another challenge': () => good('f'.repeat(48)),
      'a challenge that the MAC is not for': (challenge) => ({
        ...good('f'.repeat(48)),
        proof: { ...(good('f'.repeat(48))['proof'] as object), challenge },
      }),
      'the key of another worker, which it does not hold': (challenge) =>
        changed(challenge, { key: other.public_key }),
      'the key of a client': (challenge) => helloFor('worker', keys.client, challenge, 'web1'),
      'a key that nobody knows': (challenge) => helloFor('worker', stranger, challenge, 'web1'),
      'a name that is not of its key': (challenge) =>
        helloFor('worker', keys.worker, challenge, 'web2'),
      'a name that the proof is not for': (challenge) => ({ ...good(challenge), name: 'web2' }),
      'a proof made for the other door': (challenge) => ({
        ...good(challenge),
        proof: helloFor('client', keys.worker, challenge, 'web1')['proof'],
      }),
    }
    for (const [what, hello] of Object.entries(CASES)) {
      await peer.send(hello(await challenged()))
      t.like(await peer.next(), { kind: 'refused', code: 'unauthorised' }, what)
    }
    // The same hello, that was let in once, again: here, and from elsewhere.
    const hello = good(await challenged())
    await peer.send(hello)
    await peer.hear('welcome')
    await peer.send(hello)
    t.like(await peer.hear('refused'), { code: 'unauthorised' })
    const elsewhere = dial(t, doors.worker, keys.worker)
    await elsewhere.send(hello)
    t.like(await elsewhere.hear('refused'), { code: 'unauthorised' })
    // A challenge that was made for another connection.
    const mine = await challenged()
    await elsewhere.send(good(mine))
    t.like(await elsewhere.hear('refused'), { code: 'unauthorised' })
    // Whoever knocks twice, because the first answer was slow to come, may answer it.
    await peer.send({ kind: 'knock', protocol: 1 }, { kind: 'knock', protocol: 1 })
    const first = String((await peer.hear('challenge'))['challenge'])
    await peer.hear('challenge')
    await peer.send(good(first))
    await peer.hear('welcome')
    // A key for several names.
    const auto = dial(t, doors.worker, group)
    await comeIn(auto, 'worker', group, 'auto-17')
    await auto.send({ kind: 'knock', protocol: 1 })
    const { challenge } = await auto.hear('challenge')
    await auto.send(helloFor('worker', group, String(challenge), 'web1'))
    t.regex(String((await auto.hear('refused'))['message']), /for auto-\*, and not for .* web1/)
    t.regex(broker.log(), /dropped a frame at the worker door.*it does not hold the key of web1/)
  },
)

test.serial('a session is good for nobody but whom it was made for', async (t) => {
  const cluster = await makeKeyedCluster(t, YAML)
  const other = cluster.add('web2', 'worker')
  await cluster.broker()
  await cluster.worker()
  await cluster.frontend()
  const { keys, doors } = cluster
  const [one, two] = [dial(t, doors.worker, other), dial(t, doors.worker, other)]
  const { session } = await comeIn(one, 'worker', other, 'web2')
  await two.send({ kind: 'session', session }, { kind: 'bye' })
  t.like(await two.hear('hello_again'), { session })
  await one.send({ kind: 'session', session }, { kind: 'heartbeat', credit: 1 })
  t.is((await one.next()).kind, 'heartbeat')

  const ask = { kind: 'query', id: 1, question: { what: 'health' } }
  const client = dial(t, doors.client, keys.client)
  await client.send(ask)
  t.like(await client.hear('reply'), { ok: false, error: { code: 'no_session' } })
  await client.send({ kind: 'session', session: '' }, ask)
  t.like(await client.hear('reply'), { ok: false, error: { code: 'no_session' } })
  const { session: own } = await comeIn(client, 'client', keys.client, 'lib')
  const thief = dial(t, doors.client, keys.client)
  await thief.send({ kind: 'session', session: own }, ask)
  t.like(await thief.hear('reply'), { ok: false, error: { code: 'no_session' } })
  await client.send({ kind: 'session', session: own }, ask)
  t.like(await client.hear('reply'), { ok: true })
  t.is((await cluster.start('job_name=greet&wait=60s')).state, 'succeeded')
})

test.serial('more than one part, and parts without end, are dropped', async (t) => {
  const cluster = await makeKeyedCluster(t, YAML)
  const broker = await cluster.broker()
  const { keys, doors } = cluster
  const { Dealer } = await import('zeromq')
  const { public_key, secret_key, broker_key } = keys.client
  const curve = {
    curvePublicKey: public_key,
    curveSecretKey: secret_key,
    curveServerKey: broker_key,
  }
  const socket = new Dealer({ linger: 1_000, receiveTimeout: 20_000, ...curve })
  t.teardown(() => socket.close())
  socket.connect(doors.client)
  await socket.send(Array.from({ length: 10_000 }, () => 'a part'))
  await socket.send('[{"kind":"knock","protocol":1}]')
  const [frame] = await socket.receive()
  t.regex(String(frame), /challenge/)
  t.regex(broker.log(), /10000 parts instead of one/)
})

test.serial('who knocks again before the answer came is let in all the same', async (t) => {
  const cluster = await makeKeyedCluster(t, YAML)
  const broker = await cluster.broker()
  const worker = await cluster.worker()
  await cluster.frontend()
  const { keys, doors } = cluster
  const peer = dial(t, doors.client, keys.client)
  const knock = { kind: 'knock', protocol: 1 }
  await peer.send(knock, knock)
  for (const { challenge } of [await peer.hear('challenge'), await peer.hear('challenge')]) {
    await peer.send(helloFor('client', keys.client, String(challenge), 'lib'))
    await peer.hear('welcome')
  }
  // A broker that does not come to it for a while finds a knock for every hello.
  broker.kill('SIGSTOP')
  for (const times of [1, 2, 3]) {
    worker.kill('SIGHUP')
    await until(
      `it was reloaded ${times} times`,
      () => worker.log().split('the jobs were reloaded').length > times,
    )
  }
  broker.kill('SIGCONT')
  t.is((await cluster.start('job_name=greet&wait=60s')).state, 'succeeded')
  t.notRegex(worker.log(), /refused/)
})
