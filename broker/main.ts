/** The broker: wires the store, the decisions and the doors together. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Log } from '../common/daemon/log.ts'
import type { Daemon, Refused } from '../common/daemon/run.ts'
import { brokerAddresses } from '../common/link/address.ts'
import { seedIds } from './core/ids.ts'
import { loadState } from './core/load.ts'
import { readClock } from './edge/clock.ts'
import { openKeyring } from './edge/entry/keyring.ts'
import { openRunTokens } from './edge/run-tokens.ts'
import { serve } from './edge/serve.ts'
import { type BrokerSettings, unfitSetting } from './settings.ts'
import { readAlive } from './store/read-alive.ts'
import { openSqlite } from './store/sqlite.ts'
import { makeRoom } from './store/write-ahead.ts'

export { BROKER } from './settings.ts'

export async function start(settings: BrokerSettings, log: Log): Promise<Daemon | Refused> {
  const { data, bind } = settings
  const addresses = brokerAddresses(bind)
  if (!addresses) return refused(`--bind ${bind} is not of the form tcp://127.0.0.1:6770`)
  const unfit = unfitSetting(settings)
  if (unfit) return refused(unfit)
  const keyring = settings.keys === '' ? null : openKeyring(settings.keys, { log })
  if (keyring?.kind === 'refused') return refused(keyring.message)
  const store = openSqlite(data)
  if ('kind' in store) return refused(store.message)
  makeRoom(join(data, 'jobz.db-wal'))
  const alive = readAlive(data, store)
  if ('kind' in alive) return refused(alive.message)
  const seed = seedIds(randomBytes(4).readUInt32LE(), randomBytes(4).readUInt32LE())
  const state = loadState(alive, seed, readClock(), settings)
  const keep = { days: settings.keep_days, runs: settings.keep_runs }
  const runTokens = openRunTokens(data)
  if ('kind' in runTokens) return refused(runTokens.message)
  const serving = await serve({ data, addresses, store, state, log, keep, keyring, runTokens })
  return {
    ready: `broker ${addresses.worker}`,
    failed: serving.failed,
    stop: async () => {
      await serving.stop()
      store.close()
    },
  }
}

const refused = (message: string): Refused => ({ kind: 'refused', message, exit_code: 2 })
