/** Everything a worker must have before it may dial: a user, a name, its spool for itself, and good jobs. */
import { hostname } from 'node:os'
import type { Log } from '../../common/daemon/log.ts'
import type { Refused } from '../../common/daemon/run.ts'
import { VERSION } from '../../common/daemon/version.ts'
import type { DaemonKey } from '../../common/keys/key-file.ts'
import { readOwnKey } from '../../common/keys/own-key.ts'
import { NAME_PATTERN } from '../../common/definition/card.ts'
import { brokerAddresses } from '../../common/link/address.ts'
import type { Event } from '../core/event.ts'
import { newWorker } from '../core/state.ts'
import { baseEnvironment } from '../runner/environment.ts'
import { lockSpool } from '../runner/lock.ts'
import { Runner } from '../runner/runner.ts'
import { openSpool, prepareSpool, readInstance } from '../runner/spool.ts'
import { readCatalog } from './catalog.ts'
import type { WorkerSettings } from '../settings.ts'
import { openDoor } from './door.ts'
import { Life } from './life.ts'

export type PreparedWorker =
  { readonly kind: 'prepared'; readonly life: Life; readonly release: () => void } | Refused

export function prepareWorker(settings: WorkerSettings, log: Log): PreparedWorker {
  const own = readOwnKey('worker', settings)
  if (own.kind === 'refused') return own
  const problem = problemOf(settings)
  if (problem !== null) return refused(problem, 2)
  const read = (): ReturnType<typeof readCatalog> => readCatalog(settings.jobs, settings.topics)
  const first = read()
  if (first.kind === 'refused') return refused(first.message, 2)
  for (const warning of first.warnings) log.warn(warning)

  const root = prepareSpool(settings.spool)
  const lock = lockSpool(root)
  if (lock.kind === 'held')
    return refused(
      `the spool ${root} is in use by process ${lock.pid}: give this worker its own --spool`,
      2,
    )
  const { spool, stored } = openSpool(root)
  const { slots, url } = settings
  const name = nameOf(settings, own.key)
  const { catalog } = first
  const life = new Life({
    worker: newWorker({ name, slots, jobs: catalog.jobs }),
    instance: readInstance(root),
    version: VERSION,
    spool,
    log,
    read,
    catalog,
  })
  const onEvent = (event: Event): void => life.take(event)
  const environment = baseEnvironment(process.env)
  const runner = new Runner({ spool, worker: name, url, environment, onEvent, log })
  life.begin(runner, () => openDoor({ address: settings.broker, key: own.key, onEvent, log }))
  if (stored.length > 0) log.info('the spool holds attempts', { attempts: stored.length })
  life.take({ kind: 'restored', attempts: runner.adopt(stored) })
  return { kind: 'prepared', life, release: lock.release }
}

/** A worker that was not told its name has that of its key, where it has one. */
const nameOf = ({ name }: WorkerSettings, key: DaemonKey | null): string =>
  key !== null && name === hostname() ? key.name : name

/** Why a worker will not start like this; null when it will. */
function problemOf(settings: WorkerSettings): string | null {
  if (process.getuid?.() === 0 && !settings.allow_root)
    return 'a worker does not run as root: start it as a user of its own, or say --allow-root (JOBZ_ALLOW_ROOT=1)'
  if (!NAME_PATTERN.test(settings.name))
    return `${JSON.stringify(settings.name)} is no name for a worker: up to 128 letters, digits, _ . and - (set --name)`
  if (settings.slots > 100_000) return `${settings.slots} slots are more than 100000`
  if (brokerAddresses(settings.broker) === null)
    return `--broker ${JSON.stringify(settings.broker)} is no address: tcp://host:port`
  return null
}

const refused = (message: string, exit_code: number): Refused => ({
  kind: 'refused',
  message,
  exit_code,
})
