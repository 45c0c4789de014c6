/** The client door when more comes than it can hold: whoever is too many is told to come later, and nobody waits in vain. */
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { makeCounters } from '../../../broker/edge/counters.ts'
import { openClientDoor } from '../../../broker/edge/client-door.ts'
import type { ClientDoor, ClientDoorPorts } from '../../../broker/edge/client-door.ts'
import { openIntake } from '../../../broker/edge/intake.ts'
import type { Event } from '../../../broker/core/event.ts'
import type { History } from '../../../broker/store/store.ts'
import { openRequests } from '../../../common/link/request.ts'
import type { Request, RequestLink } from '../../../common/link/request.ts'
import { quietLog } from '../../frontend/with-frontend.ts'
import { until } from '../../worker/until.ts'

/** A door whose turn never comes, and whose questions are answered when the test says so. */
async function openStalled(t: ExecutionContext, more: Partial<ClientDoorPorts> = {}) {
  const taken: Event[] = []
  const release = Promise.withResolvers<{ result: string }>()
  const door: ClientDoor = await openClientDoor({
    bind: 'tcp://127.0.0.1:*',
    keys: null,
    nameChannel: (channel) => channel,
    history: { find: () => new Promise(() => undefined) } as unknown as History,
    counters: makeCounters(),
    log: quietLog(),
    take: (event) => void taken.push(event),
    intake: openIntake(() => taken.length),
    answer: () => release.promise,
    ...more,
  })
  const requests: RequestLink = openRequests({ address: door.address, key: null })
  t.teardown(async () => {
    await requests.close()
    await door.close()
  })
  return { taken, release, requests, door }
}

const LONG_MS = 60_000
const trigger = (bytes = 0): Request => ({
  kind: 'trigger',
  triggers: [{ job: 'noop', params: { x: 'x'.repeat(bytes) } }],
})

test('past 2,000 commands that wait for their turn, one more is told to come later', async (t) => {
  const { taken, requests, door } = await openStalled(t)
  const first = Array.from({ length: 2_000 }, () => requests.request(trigger(), LONG_MS))
  t.like(await requests.request(trigger(), LONG_MS), {
    kind: 'refused',
    error: { status: 503, code: 'busy', retry_after_s: 1 },
  })
  t.is(taken.length, 2_000)
  for (const event of taken.splice(0))
    if (event.kind === 'command')
      door.reply(event.peer, { kind: 'reply', id: event.command.id, ok: true, result: 1 })
  t.true((await Promise.all(first)).every(({ kind }) => kind === 'answered'))
  void requests.request(trigger(), LONG_MS)
  await until('there is room again', () => (taken.length === 1 ? true : undefined))
})

test('past 8 MiB of commands too', async (t) => {
  const { taken, requests } = await openStalled(t)
  for (let n = 0; n < 17; n++) void requests.request(trigger(512 * 1024), LONG_MS)
  t.like(await requests.request(trigger(), LONG_MS), { kind: 'refused', error: { code: 'busy' } })
  t.true(taken.length < 18)
})

test('past 1,000 questions, shortened ids among them, too', async (t) => {
  const { requests, release } = await openStalled(t)
  const question = { kind: 'query', question: { what: 'health' } } as const
  const first = Array.from({ length: 999 }, () => requests.request(question, LONG_MS))
  void requests.request({ kind: 'cancel', run_id: '12345678' }, LONG_MS)
  const short = await requests.request({ kind: 'cancel', run_id: '12345678' }, LONG_MS)
  t.like(short, { kind: 'refused', error: { status: 503, code: 'busy' } })
  t.like(await requests.request(question, LONG_MS), { kind: 'refused', error: { code: 'busy' } })
  release.resolve({ result: 'well' })
  t.true((await Promise.all(first)).every(({ kind }) => kind === 'answered'))
  t.is((await requests.request(question, LONG_MS)).kind, 'answered')
})
