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
import { ownAccount } from '../runner/accounts.ts'
import { meansOf } from '../runner/as-user.ts'
import { baseEnvironment } from '../runner/environment.ts'
import { lockSpool } from '../runner/lock.ts'
import { Runner } from '../runner/runner.ts'
import { prepareSpool, readInstance } from '../runner/spool-folder.ts'
import { openSpool } from '../runner/spool.ts'
import type { Catalog, Read } from './catalog.ts'
import { readCatalog } from './catalog.ts'
import type { WorkerSettings } from '../settings.ts'
import { openDoor } from './door.ts'
import { Life } from './life.ts'

export type PreparedWorker =
  | {
      readonly kind: 'prepared'
      readonly name: string
      readonly life: Life
      readonly release: () => void
    }
  | Refused

export function prepareWorker(settings: WorkerSettings, log: Log): PreparedWorker {
  const read_key = readOwnKey('worker', settings)
  if (read_key.kind === 'refused') return read_key
  const { key } = read_key
  const problem = problemOf(settings)
  if (problem !== null) return refused(problem, 2)
  const environment = baseEnvironment(process.env)
  const { jobs, topics, policy } = settings
  const read = (): Read => readCatalog(jobs, topics, policy, environment)
  const first = read()
  if (first.kind === 'refused') return refused(first.message, 2)
  for (const warning of first.warnings) log.warn(warning)
  const own = ownAccount()
  warnOfRoot(own, first.catalog, log)

  const prepared = prepareSpool(settings.spool)
  if (prepared.kind === 'refused') return refused(prepared.message, 2)
  const { root } = prepared
  const lock = lockSpool(root)
  if (lock.kind === 'held')
    return refused(
      `the spool ${root} is in use by process ${lock.pid}: give this worker its own --spool`,
      2,
    )
  const { spool, stored } = openSpool(root)
  const { slots, url } = settings
  const name = nameOf(settings, key)
  const { catalog } = first
  const life = new Life({
    worker: newWorker({ name, slots, jobs: catalog.jobs, reload_error: catalog.left_out }),
    instance: readInstance(root),
    version: VERSION,
    spool,
    log,
    read,
    catalog,
  })
  const onEvent = (event: Event): void => life.take(event)
  const runner = new Runner({
    spool,
    worker: name,
    url,
    environment,
    own,
    means: meansOf(own.uid),
    policy: () => life.catalog.policy,
    onEvent,
    log,
  })
  life.begin(runner, () => openDoor({ address: settings.broker, key, onEvent, log }))
  if (stored.length > 0) log.info('the spool holds attempts', { attempts: stored.length })
  life.take({ kind: 'restored', attempts: runner.adopt(stored) })
  return { kind: 'prepared', name, life, release: lock.release }
}

/** A worker that was not told its name has that of its key, where it has one. */
const nameOf = ({ name }: WorkerSettings, key: DaemonKey | null): string =>
  key !== null && name === hostname() ? key.name : name

/** Root was allowed for jobs that name their user; the others are told of, once. */
function warnOfRoot({ uid }: { readonly uid: number }, { jobs }: Catalog, log: Log): void {
  if (uid !== 0) return
  const as_root = [...jobs.values()].filter(({ user }) => user === null)
  if (as_root.length === 0) return
  const names = as_root.map(({ card }) => card.job)
  log.warn('this worker is root, and so are the commands of jobs without `user:`', { jobs: names })
}

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
