/** Wires a semaphore process: its definitions on one side, the broker's client door and feed on the other. */
import type { Log } from '../common/daemon/log.ts'
import type { Daemon, Refused } from '../common/daemon/run.ts'
import type { SettingsOf } from '../common/daemon/settings.ts'
import { loadDefinitions } from '../common/definition/load.ts'
import { showProblem } from '../common/definition/problem.ts'
import { brokerAddresses } from '../common/link/address.ts'
import { readOwnKey } from '../common/keys/own-key.ts'
import { openFollowing } from '../common/link/following.ts'
import { openRequests } from '../common/link/request.ts'
import { createDoor } from './door.ts'
import { openFollower } from './follower.ts'
import { SEMAPHORE } from './settings.ts'

export { SEMAPHORE }

export async function start(
  settings: SettingsOf<typeof SEMAPHORE>,
  log: Log,
  signal?: AbortSignal,
): Promise<Daemon | Refused> {
  const doors = brokerAddresses(settings.broker)
  if (!doors) return refused(`--broker ${settings.broker}: tcp://host:port`)
  const own = readOwnKey('semaphore', settings)
  if (own.kind === 'refused') return own
  const { key } = own
  const loaded = loadDefinitions([settings.jobs])
  if (loaded.kind === 'refused') return refused(loaded.problems.map(showProblem).join('\n'))
  const { semaphores } = loaded.definitions
  const requests = openRequests({ address: doors.client, key, onShut: (why) => log.error(why) })
  const follower = openFollower({
    door: createDoor(requests, log),
    log,
    semaphores,
    openSubscriber: (handlers) =>
      openFollowing({ address: doors.feed, key, requests, ...handlers }),
  })
  let stopped: Promise<void> | null = null
  const stop = (): Promise<void> => (stopped ??= follower.close().then(() => requests.close()))
  signal?.addEventListener('abort', () => void stop())
  await follower.registered
  return {
    ready: `semaphore ${semaphores.size} semaphores, broker ${settings.broker}`,
    stop,
    failed: follower.failed,
    reload: () => {
      const again = loadDefinitions([settings.jobs])
      if (again.kind === 'loaded') follower.replace(again.definitions.semaphores)
      else
        log.error('the definitions stay as they were', {
          problems: again.problems.map(showProblem),
        })
    },
  }
}

const refused = (message: string): Refused => ({ kind: 'refused', message, exit_code: 2 })
