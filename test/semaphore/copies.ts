/** Semaphore processes without a process: a follower on its own connection, before gates that a test can look at. */
import type { ExecutionContext } from 'ava'
import type { Member, Semaphore } from '../../common/definition/card.ts'
import { openRequests } from '../../common/link/request.ts'
import { openSubscriber } from '../../common/link/subscriber.ts'
import { createDoor } from '../../semaphore/door.ts'
import { openFollower } from '../../semaphore/follower.ts'
import type { Follower } from '../../semaphore/follower.ts'
import { quietLog } from '../frontend/with-frontend.ts'
import { openFakeGates } from './fake-gates.ts'
import type { FakeGates } from './fake-gates.ts'
import { member, semaphoreOf } from './semaphores.ts'

export const semaphore = (
  name: string,
  wait_for: Member[],
  key: string | null = '%(date)s',
): Semaphore => semaphoreOf({ name, wait_for, key })
export const BOTH = semaphore('both', [member('a'), member('b')])
/** The definitions that a process has read. */
export const setOf = (...semaphores: Semaphore[]) =>
  new Map(semaphores.map((each) => [each.name, each]))

export async function setUp(
  t: ExecutionContext,
  how: { repeat?: boolean } = {},
): Promise<FakeGates> {
  const fake = await openFakeGates(how)
  t.teardown(() => fake.broker.stop())
  return fake
}

/** One process's worth of semaphore. */
export function startCopy(
  t: ExecutionContext,
  { broker }: FakeGates,
  semaphores = setOf(BOTH),
  log: string[] = [],
  how: { place_ms?: number } = {},
): Follower {
  const requests = openRequests({ address: broker.client, key: null })
  const door = createDoor(requests, quietLog(log), { patience_ms: 300, pause_ms: 50 })
  const follower = openFollower({
    door,
    log: quietLog(log),
    semaphores,
    ...how,
    openSubscriber: (handlers) => openSubscriber({ address: broker.feed, key: null, ...handlers }),
  })
  let closed: Promise<void> | null = null
  const close = (): Promise<void> => (closed ??= follower.close().then(() => requests.close()))
  t.teardown(close)
  return { ...follower, close }
}

export const day = (date: string): Record<string, string> => ({ date })
