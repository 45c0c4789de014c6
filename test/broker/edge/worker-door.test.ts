/** The worker door's log: no flood of lines by who has not come in, and nothing that is secret. */
import test from 'ava'
import { Dealer } from 'zeromq'
import { makeCounters } from '../../../broker/edge/counters.ts'
import { openIntake } from '../../../broker/edge/intake.ts'
import { openWorkerDoor, type WorkerDoorPorts } from '../../../broker/edge/worker-door.ts'
import type { Event } from '../../../broker/core/event.ts'
import { quietLog } from '../../frontend/with-frontend.ts'
import { until } from '../../worker/until.ts'

test('what is said of messages is bounded, and tells no secrets', async (t) => {
  const lines: string[] = []
  const taken: Event[] = []
  const door = await openWorkerDoor({
    bind: 'tcp://127.0.0.1:*',
    keys: null,
    state: { sessions: new Map() } as unknown as WorkerDoorPorts['state'],
    outputs: {} as WorkerDoorPorts['outputs'],
    counters: makeCounters(),
    log: quietLog(lines),
    take: (event) => void taken.push(event),
    intake: openIntake(() => 0),
    now: () => ({ mono_ms: 0, wall_ms: 0 }),
    outputGrew: () => undefined,
  })
  const socket = new Dealer({ linger: 0 })
  t.teardown(async () => {
    socket.close()
    await door.close()
  })
  socket.connect(door.address)
  const idle = { slots: 1, credit: 1, lanes: {}, held: [], reload_error: null }
  const hello = { kind: 'hello', protocol: 1, version: '1', name: 'w', instance: 'i', ...idle }
  await socket.send(JSON.stringify(Array.from({ length: 1_000 }, () => ({ ...hello, cards: [7] }))))
  await until('all were heard', () => taken.length === 1_000)
  t.true(lines.length < 20, `${lines.length} lines`)
  t.true(lines.some((line) => line.includes('left out')))

  const [event] = taken
  if (event?.kind !== 'hello') return t.fail()
  const params = { password: 'hunter2', other: 'x'.repeat(1024 * 1024) }
  const task = { kind: 'task', token: 'jobz_run_token', params, run_id: 'the run' }
  door.say(event.peer, task as unknown as Parameters<typeof door.say>[1])
  const line = await until('it is too large', () => lines.find((one) => one.includes('too large')))
  t.regex(line, /the run/)
  t.notRegex(line, /hunter2|jobz_run_token/)
})
