/** A door among peers that do not read, and one that has no room: on real sockets. */
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { Dealer } from 'zeromq'
import { openRouter } from '../../../common/link/router.ts'
import type { RouterLink, RouterOptions } from '../../../common/link/router.ts'

/** More than the sockets of both ends and the system between them hold. */
const MORE_THAN_FITS = 10_000
const LARGE = 'x'.repeat(16 * 1024)

async function listen(
  t: ExecutionContext,
  options: Partial<RouterOptions> = {},
): Promise<RouterLink> {
  const router = await openRouter({
    bind: 'tcp://127.0.0.1:*',
    key: null,
    door: 'worker',
    onFrame: () => undefined,
    onGarbage: () => undefined,
    onGone: () => undefined,
    onTooLarge: () => undefined,
    ...options,
  })
  t.teardown(() => router.close())
  return router
}

function dial(t: ExecutionContext, address: string, name: string): Dealer {
  const socket = new Dealer({ routingId: name, linger: 0, receiveHighWaterMark: 1 })
  t.teardown(() => socket.close())
  socket.connect(address)
  return socket
}

test('a peer that does not read is ended at its bound, and the others are served', async (t) => {
  const gone: string[] = []
  const heard = Promise.withResolvers<void>()
  let peers = 0
  const router = await listen(t, {
    onGone: (peer) => void gone.push(peer),
    onFrame: () => (++peers === 2 ? heard.resolve() : undefined),
    limits: { peer_bytes: 1024 * 1024, all_bytes: 1024 ** 3 },
  })
  const [deaf, quick] = [dial(t, router.address, 'deaf'), dial(t, router.address, 'quick')]
  await Promise.all([deaf.send('[]'), quick.send('[]')])
  await heard.promise
  for (let n = 0; n < MORE_THAN_FITS && gone.length === 0; n++) {
    router.send('deaf', LARGE)
    // Each in a round of its own, as what one turn after another says.
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.deepEqual(gone, ['deaf'])
  router.send('quick', 'hello')
  const [frame] = await quick.receive()
  t.is(frame?.toString(), '["hello"]')
})

test('a peer that reads late gets everything, in order', async (t) => {
  const heard = Promise.withResolvers<void>()
  const router = await listen(t, { onFrame: () => heard.resolve() })
  const late = dial(t, router.address, 'late')
  await late.send('[]')
  await heard.promise
  const count = 1_000
  for (let n = 0; n < count; n++) {
    router.send('late', `${n} ${LARGE}`)
    if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  const got: number[] = []
  while (got.length < count) {
    const [frame] = await late.receive()
    for (const message of JSON.parse(frame?.toString() ?? '[]') as string[])
      got.push(Number(message.split(' ')[0]))
  }
  t.deepEqual(
    got,
    Array.from({ length: count }, (_, n) => n),
  )
})

test('without room nothing more is read, and what was sent meanwhile comes when there is', async (t) => {
  let room = true
  const frames: string[] = []
  const all = Promise.withResolvers<void>()
  const first = Promise.withResolvers<void>()
  const router = await listen(t, {
    hasRoom: () => room,
    onFrame: (_, frame) => {
      frames.push(frame.toString())
      if (frames.length === 1) {
        room = false
        first.resolve()
      }
      if (frames.length === 3) all.resolve()
    },
  })
  const peer = dial(t, router.address, 'peer')
  await peer.send('1')
  await first.promise
  await peer.send('2')
  await peer.send('3')
  // Rounds enough for the socket to have read them.
  for (let round = 0; round < 200; round++) await new Promise((resolve) => setImmediate(resolve))
  t.deepEqual(frames, ['1'])
  room = true
  await all.promise
  t.deepEqual(frames, ['1', '2', '3'])
})
