/** What a subscriber may do to a publisher. And: a link that is closed with something left to send drops it, and the process goes on to its end in order. */
import { setTimeout as after } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { Subscriber, XSubscriber } from 'zeromq'
import { openPublisher } from '../../../common/link/publisher.ts'

test('a publisher is closed with a message that has not left', async (t) => {
  const link = await openPublisher({
    bind: 'tcp://127.0.0.1:*',
    key: null,
    grants: null,
    onDenied: () => undefined,
    onTooLarge: () => undefined,
  })
  link.publish('run.queued.a.', { kind: 'wake' })
  link.close()
  // What fails unheard in its pump fails this file, as it would end a broker with 1.
  await after(20)
  t.pass()
})

async function opened(t: ExecutionContext, grants: ((name: string) => boolean) | null) {
  const link = await openPublisher({
    bind: 'tcp://127.0.0.1:*',
    key: null,
    grants,
    onDenied: () => undefined,
    onTooLarge: () => undefined,
  })
  t.teardown(() => link.close())
  const dialled = async <S extends Subscriber | XSubscriber>(socket: S): Promise<S> => {
    t.teardown(() => socket.close())
    const met = new Promise((resolve) => socket.events.on('handshake', resolve))
    socket.connect(link.address)
    await met
    return socket
  }
  return { link, dialled }
}

/** While this thread stands still, what was written comes in order. */
const standStill = (): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)

/** Publishes until one of these has something, and gives what it was. */
async function firstHeard(
  publish: () => void,
  sockets: readonly (Subscriber | XSubscriber)[],
): Promise<string> {
  const timer = setInterval(publish, 20)
  try {
    return await Promise.race(
      sockets.map(async (socket, n) => `${n} ${(await socket.receive()).map(String).join(' ')}`),
    )
  } finally {
    clearInterval(timer)
  }
}

test('a grant is for whoever knew the name, whatever else is written between', async (t) => {
  const { link, dialled } = await opened(t, (name) => name === 'secret' || name === 'own')
  const [writer, thief] = [
    await dialled(new XSubscriber({ linger: 0 })),
    await dialled(new XSubscriber({ linger: 0 })),
  ]
  const friend = await dialled(new Subscriber({ linger: 0 }))
  await writer.send('\x02no subscription')
  standStill()
  friend.subscribe('secret')
  standStill()
  await thief.send('\x01junk')
  standStill()
  // Whatever was granted, it was before this is.
  const heard = firstHeard(() => {
    link.publish('secret', { kind: 'secret' })
    link.publish('own', { kind: 'own' })
  }, [thief])
  const again = setInterval(() => void thief.send('\x01own').catch(() => undefined), 50)
  t.teardown(() => clearInterval(again))
  t.is(await heard, '0 own [{"kind":"own"}]')
})

test('a part that never comes ends nothing', async (t) => {
  const { link, dialled } = await opened(t, null)
  const writer = await dialled(new XSubscriber({ linger: 0 }))
  await writer.send('\x01twice')
  t.is(await firstHeard(() => link.publish('twice', {}), [writer]), '0 twice [{}]')
  // ZeroMQ leaves the second part out, for that subscription stands.
  await writer.send(['\x02more comes', '\x01twice'])
  const reader = await dialled(new Subscriber({ linger: 0 }))
  reader.subscribe('later')
  t.is(await firstHeard(() => link.publish('later', {}), [reader]), '0 later [{}]')
})
