/** The worker daemon: runs this host's jobs when the broker says so. This file only wires. */
import type { Log } from '../common/daemon/log.ts'
import type { Daemon, Refused } from '../common/daemon/run.ts'
import { prepareWorker } from './edge/prepare.ts'
import type { WorkerSettings } from './settings.ts'

export { WORKER } from './settings.ts'

/** A broker that is not there yet is waited for so long before the worker says that it is ready all the same. */
const WELCOME_MS = 3_000

export async function start(
  settings: WorkerSettings,
  log: Log,
  signal: AbortSignal,
): Promise<Daemon | Refused> {
  const prepared = prepareWorker(settings, log)
  if (prepared.kind === 'refused') return prepared
  const { name, life, release } = prepared
  const stop = async (): Promise<void> => {
    await life.end()
    release()
  }
  const met = await life.meetBroker(WELCOME_MS, signal)
  if (met.kind === 'refused') {
    await stop()
    return met
  }
  if (met.kind === 'silent') log.warn('no broker answers yet', { broker: settings.broker })
  const ready = `worker ${name} ${settings.broker}`
  return { ready, stop, reload: () => life.reload(), finished: life.finished }
}
