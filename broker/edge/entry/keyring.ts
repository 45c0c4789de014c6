/**
 * The keys of a broker: its own pair, and who may come in. The folder is looked at every second, so that a key that is put
 * there may come in, and one that is taken away has lost its session, without a restart.
 */
import type { Log } from '../../../common/daemon/log.ts'
import { matchesAny } from '../../../common/definition/name-patterns.ts'
import {
  type Authorised,
  type AuthorisedKeys,
  type ReadAuthorised,
  readAuthorised,
} from '../../../common/keys/authorised.ts'
import { authorisedFolder, readBrokerKey } from '../../../common/keys/folder.ts'
import { folderExposure } from '../../../common/keys/private-file.ts'
import { watchFiles } from '../../../common/keys/watched.ts'

export type Keyring = {
  readonly kind: 'keyring'
  /** Of the broker itself, Z85. */
  readonly public_key: string
  readonly secret_key: string
  /** Whose key this is; undefined for one that may not come in (any more). */
  find(public_key: string): Authorised | undefined
  /** Whether a key may serve a topic now; one that may not come in serves none. */
  serves(public_key: string | undefined, topic: string): boolean
  /** Calls with the public keys that were taken away, or may do something else from now on. */
  onChange(told: (changed: ReadonlySet<string>) => void): void
  stop(): void
}

/** What could not be read for want of descriptors is read again after so long. */
const AGAIN_MS = 1_000

type Ports = { readonly log: Log; readonly look_ms?: number }

/** Opens the folder; says why when it has no key for the broker, or cannot be trusted. */
export function openKeyring(
  folder: string,
  { log, look_ms }: Ports,
): Keyring | { readonly kind: 'refused'; readonly message: string } {
  const own = readBrokerKey(folder)
  const place = authorisedFolder(folder)
  const exposed = folderExposure(folder) ?? folderExposure(place)
  if (exposed !== null) return { kind: 'refused', message: exposed }
  if (own.kind === 'absent')
    return {
      kind: 'refused',
      message: `there is no broker.key in ${folder}: make one with \`jobz keys init --keys ${folder}\``,
    }
  if (own.kind === 'refused') return own
  let keys: AuthorisedKeys = new Map()
  const listeners: ((changed: ReadonlySet<string>) => void)[] = []
  let again: NodeJS.Timeout | null = null
  const reread = (): void => {
    if (again) clearTimeout(again)
    again = null
    const fresh = readAndTell(place, log)
    // Nobody is put out because this process can open no more files.
    if (fresh.is_partial) return void (again = setTimeout(reread, AGAIN_MS).unref())
    const changed = changedIn(keys, fresh.keys)
    keys = fresh.keys
    log.info('the authorised keys were read again', { keys: keys.size, changed: changed.size })
    if (changed.size > 0) for (const told of listeners) told(changed)
  }
  const watched = watchFiles([place], reread, look_ms)
  // Looked at before it is read, so that no change falls between the two.
  keys = readAndTell(place, log).keys
  const { public_key, secret_key } = own.key
  return {
    kind: 'keyring',
    public_key,
    secret_key,
    find: (key) => keys.get(key),
    serves: (key = '', topic) => matchesAny(keys.get(key)?.topics ?? [], topic),
    onChange: (told) => void listeners.push(told),
    stop: () => {
      watched.stop()
      if (again) clearTimeout(again)
    },
  }
}

function readAndTell(folder: string, log: Log): ReadAuthorised {
  const read = readAuthorised(folder)
  for (const problem of read.problems)
    log.error('a key may not come in: its file is wrong', { problem })
  return read
}

/** Keys that were there and are not any more, or not as they were. New ones change nothing for the others. */
function changedIn(before: AuthorisedKeys, after: AuthorisedKeys): Set<string> {
  const changed = [...before].filter(([key, one]) => !isSame(one, after.get(key)))
  return new Set(changed.map(([key]) => key))
}

const isSame = (one: Authorised, other: Authorised | undefined): boolean =>
  JSON.stringify(one) === JSON.stringify(other)
