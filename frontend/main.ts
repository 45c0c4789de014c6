/** Wires the frontend: the broker's client door and feed on one side, HTTP on the other. */
import type { Daemon, Refused } from '../common/daemon/run.ts'
import type { Log } from '../common/daemon/log.ts'
import type { SettingsOf } from '../common/daemon/settings.ts'
import { brokerAddresses } from '../common/link/address.ts'
import { readOwnKey } from '../common/keys/own-key.ts'
import { openFollowing } from '../common/link/following.ts'
import { openRequests } from '../common/link/request.ts'
import { openAccess } from './access/open.ts'
import { createApp } from './app.ts'
import { createBrokerLink } from './broker-link.ts'
import { createCounters } from './counters.ts'
import { openFeed } from './feed.ts'
import { listen, readListenAddress } from './server.ts'
import { FRONTEND } from './settings.ts'
import { createStanding } from './standing.ts'

export { FRONTEND }

export async function start(
  settings: SettingsOf<typeof FRONTEND>,
  log: Log,
): Promise<Daemon | Refused> {
  const address = readListenAddress(settings.listen)
  if (!address) return refused(`--listen ${settings.listen}: host:port, such as 127.0.0.1:6769`)
  const doors = brokerAddresses(settings.broker)
  if (!doors) return refused(`--broker ${settings.broker}: tcp://host:port`)
  const own = readOwnKey('frontend', settings)
  if (own.kind === 'refused') return own
  const { key } = own
  const requests = openRequests({ address: doors.client, key, onShut: (why) => log.error(why) })
  const broker = createBrokerLink(requests)
  const opened = await openAccess(settings, address.host, broker, log)
  if ('kind' in opened) return requests.close().then(() => refused(opened.message))
  const feed = openFeed(broker, (handlers) =>
    openFollowing({ address: doors.feed, key, requests, ...handlers }),
  )
  const standing = createStanding()
  const app = createApp({ broker, feed, standing, counters: createCounters(), log }, opened.doors)
  const close = async (): Promise<void> => {
    opened.close()
    feed.close()
    await requests.close()
  }
  try {
    const server = await listen(app, address, standing, { tls: opened.tls })
    const stop = (): Promise<void> => server.stop().then(close)
    return { ready: `frontend ${server.url}`, stop, reload: () => opened.reload() }
  } catch (error) {
    await close()
    return refused(`cannot listen on ${settings.listen}: ${(error as Error).message}`, 1)
  }
}

const refused = (message: string, exit_code = 2): Refused => ({
  kind: 'refused',
  message,
  exit_code,
})
