/** How many arrivals are told at once: as many as the gate still misses, and never more. */
import test from 'ava'
import type { Semaphore } from '../../common/definition/card.ts'
import type { FeedEntry } from '../../common/protocol/answers.ts'
import { openRequests } from '../../common/link/request.ts'
import { createDoor } from '../../semaphore/door.ts'
import type { Door } from '../../semaphore/door.ts'
import { noticesOf } from '../../semaphore/gate.ts'
import type { Notice } from '../../semaphore/gate.ts'
import { tellGate } from '../../semaphore/reader.ts'
import type { Reader } from '../../semaphore/reader.ts'
import { openFakeBroker, refusal } from '../frontend/fake-broker.ts'
import { quietLog } from '../frontend/with-frontend.ts'
import { member, semaphoreOf } from './semaphores.ts'

/** A broker's gate that answers only when the test lets it, and counts each run once. */
function heldGate(semaphore: Semaphore) {
  const told: string[] = []
  const opened: number[] = []
  let held: (() => void)[] = []
  let arrived = 0
  let generation = 1
  const door: Pick<Door, 'arrive' | 'open'> = {
    arrive: ({ run_id }) =>
      new Promise((resolve) => {
        told.push(run_id)
        held.push(() => {
          arrived += 1
          const gate = { generation, arrived: [arrived] }
          resolve({ kind: 'told', result: { kind: 'counted', gate } })
        })
      }),
    open: async () => {
      opened.push(generation)
      generation += 1
      arrived = 0
      return { kind: 'told', result: { opened: true } }
    },
  }
  const reader = {
    door,
    log: quietLog(),
    semaphores: new Map([[semaphore.name, semaphore]]),
  } as unknown as Reader
  /** Answers what was asked, and gives whoever asked the time to go on. */
  const answer = async (): Promise<void> => {
    const answers = held
    held = []
    for (const one of answers) one()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { reader, told, opened, answer }
}

const arrivals = (semaphore: Semaphore, runs: number): Notice[] =>
  Array.from({ length: runs }, (_, n): FeedEntry => ({
    cursor: `0-${n + 1}`,
    at: '',
    topic: 'run.succeeded.part.',
    job: 'part',
    run_id: `r${n}`,
    flow_id: 'f',
    state: 'succeeded',
    params: { date: 'mon' },
  })).flatMap((entry) => noticesOf(semaphore, entry))

test('what a gate still misses is told at once, and the gate is opened before more is told', async (t) => {
  const semaphore = semaphoreOf({ wait_for: [member('part', { count: 100 })], repeat: true })
  const { reader, told, opened, answer } = heldGate(semaphore)
  const telling = tellGate(reader, arrivals(semaphore, 250))
  const steps: [told: number, opened: number][] = []
  while (told.length < 250) {
    steps.push([told.length, opened.length])
    await answer()
  }
  await answer()
  t.is(await telling, 'told')
  t.deepEqual(steps, [
    [1, 0],
    [100, 0],
    [101, 1],
    [200, 1],
    [201, 2],
  ])
  t.deepEqual(opened, [1, 2])
  t.deepEqual(told.slice(0, 3), ['r0', 'r1', 'r2'], 'in the order of the feed')
})

test('a door has no more than 250 arrivals on their way', async (t) => {
  const held: (() => void)[] = []
  let answering = false
  const result = { kind: 'counted', gate: { generation: 1, arrived: [1] } }
  const broker = await openFakeBroker(
    () =>
      new Promise((resolve) =>
        answering ? resolve({ result }) : held.push(() => resolve({ result })),
      ),
  )
  const requests = openRequests({ address: broker.client, key: null })
  t.teardown(async () => {
    await requests.close()
    await broker.stop()
  })
  const door = createDoor(requests, quietLog())
  const notices = arrivals(semaphoreOf({ wait_for: [member('part', { count: 600 })] }), 600)
  const all = Promise.all(notices.map((notice) => door.arrive(notice)))
  await broker.request((request) => request.kind === 'arrive' && request.run_id === 'r249')
  t.is(broker.seen.length, 250)
  answering = true
  for (const release of held) release()
  t.true((await all).every(({ kind }) => kind === 'told'))
  t.is(broker.seen.length, 600)
})

test('an answer that fits no frame is not asked for again', async (t) => {
  const broker = await openFakeBroker(() => refusal(500, 'too_large'))
  const requests = openRequests({ address: broker.client, key: null })
  t.teardown(async () => {
    await requests.close()
    await broker.stop()
  })
  const told = await createDoor(requests, quietLog()).semaphores()
  t.is(told.kind, 'refused')
})
