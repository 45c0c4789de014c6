/** Requests whose broker goes away and comes back: what may be said twice is, and is answered as soon as it can be. */
import test from 'ava'
import { mayRepeat, openRequests } from '../../../common/link/request.ts'
import type { Request } from '../../../common/link/request.ts'
import { openFakeBroker } from '../../frontend/fake-broker.ts'

/** So long that no test sees its end: what is answered was said again before it. */
const PATIENCE_MS = 600_000

const trigger: Request = {
  kind: 'trigger',
  triggers: [{ job: 'load', params: {}, request_id: 'once' }],
}
const cancel: Request = { kind: 'cancel', run_id: 'some' }

test('what was on its way when the broker went is said again to the next one', async (t) => {
  const broker = await openFakeBroker(() => 'drop')
  t.teardown(() => broker.stop())
  const requests = openRequests({ key: null, address: broker.client })
  t.teardown(() => requests.close())
  const triggered = requests.request(trigger, PATIENCE_MS)
  const canceled = requests.request(cancel, PATIENCE_MS)
  await broker.request(({ kind }) => kind === 'cancel')
  await broker.stop()
  broker.seen.length = 0
  broker.script = ({ kind }) => ({ result: kind })
  await broker.start()
  t.deepEqual(await triggered, { kind: 'answered', result: 'trigger' })
  // Asked for after the others: whatever was to be said again came before it.
  t.deepEqual(await requests.request({ kind: 'report', run_id: 'r' }), {
    kind: 'answered',
    result: 'report',
  })
  t.deepEqual(
    broker.seen.map(({ kind }) => kind),
    ['trigger', 'report'],
    'a cancel may have happened: nobody repeats it',
  )
  await requests.close()
  t.like(await canceled, { kind: 'unreachable' })
})

test('what does harm when it is said twice is not', (t) => {
  const open = { kind: 'open', semaphore: 's', key: 'k' } as const
  const once: Request[] = [
    cancel,
    { kind: 'retry', run_id: 'r' },
    { kind: 'reset', semaphore: 's', key: 'k' },
    { kind: 'trigger', triggers: [{ job: 'load', params: {} }] },
    { ...open, generation: null },
    { kind: 'worker', worker: 'w', action: 'forget' },
  ]
  for (const request of once) t.false(mayRepeat(request), request.kind)
  t.true(mayRepeat(trigger))
  t.true(mayRepeat({ ...open, generation: 1 }))
  t.true(mayRepeat({ kind: 'worker', worker: 'w', action: 'drain' }))
})
