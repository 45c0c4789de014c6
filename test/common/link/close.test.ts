/** A link that is closed while it sends: what was on its way is dropped, and nothing is thrown at anybody. */
import test from 'ava'
import { openDealer } from '../../../common/link/dealer.ts'
import { openPublisher } from '../../../common/link/publisher.ts'

const fail = (): never => {
  throw new Error('nothing here is too large')
}

/** Long enough for whatever a close leaves behind to come to its end. */
const rounds = async (count: number): Promise<void> => {
  for (let round = 0; round < count; round++) await new Promise((resolve) => setImmediate(resolve))
}

/** Collects what nobody catches: in a daemon each of them ends the process with exit code 1. */
function uncaught(): { readonly reasons: unknown[]; readonly end: () => void } {
  const reasons: unknown[] = []
  const note = (reason: unknown): void => void reasons.push(reason)
  process.on('unhandledRejection', note)
  return { reasons, end: () => void process.off('unhandledRejection', note) }
}

test.serial('a publisher that is closed in the middle of a wake', async (t) => {
  const { reasons, end } = uncaught()
  const publisher = await openPublisher({
    bind: 'tcp://127.0.0.1:*',
    key: null,
    grants: null,
    onDenied: fail,
    onTooLarge: fail,
  })
  for (const channel of ['run.queued.a.', 'run.running.a.', 'run.succeeded.a.'])
    publisher.publish(channel, { kind: 'wake', head: '0-1' })
  publisher.close()
  await rounds(20)
  end()
  t.deepEqual(reasons, [])
})

test.serial('a dealer that is closed with several frames and nobody to send them to', async (t) => {
  const { reasons, end } = uncaught()
  const dealer = openDealer({
    address: 'tcp://127.0.0.1:9',
    key: null,
    onFrame: () => undefined,
    onTooLarge: fail,
  })
  for (let n = 0; n < 3; n++) dealer.send({ kind: 'output', data: 'x'.repeat(700_000) })
  await dealer.close()
  await rounds(20)
  end()
  t.deepEqual(reasons, [])
})
