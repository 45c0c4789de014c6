/** A link that is closed with something left to send drops it, and the process goes on to its end in order. */
import { setTimeout as after } from 'node:timers/promises'
import test from 'ava'
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
