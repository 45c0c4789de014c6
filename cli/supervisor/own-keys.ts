/**
 * The keys of daemons that are started together: made at the first start, so that one who only wants to try it need not know of
 * them, and strangers on the same machine stay outside all the same.
 */
import { readAuthorised } from '../../common/keys/authorised.ts'
import {
  addKey,
  authorisedFolder,
  authorisedPath,
  isTaken,
  keyPath,
  makeBrokerKey,
  type NewKey,
} from '../../common/keys/folder.ts'
import { type KeyRole, readDaemonKey } from '../../common/keys/key-file.ts'

/** Where the keys are. */
export type OwnKeys = {
  readonly kind: 'keys'
  readonly folder: string
  readonly worker: string
  readonly semaphore: string
  readonly frontend: string
}

/** The worker may have any name: it is started by us. */
const OWN: Readonly<Record<'worker' | 'semaphore' | 'frontend', NewKey & { role: KeyRole }>> = {
  worker: { name: 'up-worker', role: 'worker', workers: ['*'] },
  semaphore: { name: 'up-semaphore', role: 'semaphore' },
  frontend: { name: 'up-frontend', role: 'frontend' },
}

/** Makes those that are missing; says why when one of them cannot be used. */
export function makeOwnKeys(
  folder: string,
): OwnKeys | { readonly kind: 'refused'; readonly message: string } {
  const broker = makeBrokerKey(folder)
  if (broker.kind === 'absent') throw new Error(`${folder} was made, and has no broker.key`)
  if (broker.kind === 'refused') return broker
  for (const own of Object.values(OWN)) {
    if (!isTaken(folder, own.name)) addKey(folder, broker.key.public_key, own)
    const problem = problemOf(folder, broker.key.public_key, own)
    if (problem !== null) return { kind: 'refused', message: problem }
  }
  return {
    kind: 'keys',
    folder,
    worker: keyPath(folder, OWN.worker.name),
    semaphore: keyPath(folder, OWN.semaphore.name),
    frontend: keyPath(folder, OWN.frontend.name),
  }
}

/** A part may have been taken away, or made anew, since: its daemon would wait at the broker's doors for ever. */
function problemOf(
  folder: string,
  broker_key: string,
  { name, role }: NewKey & { role: KeyRole },
): string | null {
  const path = keyPath(folder, name)
  const read = readDaemonKey(path, role)
  if (read.kind === 'refused') return read.message
  const { keys, problems } = readAuthorised(authorisedFolder(folder))
  const authorised = read.kind === 'key' ? keys.get(read.key.public_key) : undefined
  if (read.kind === 'key' && read.key.broker_key === broker_key && authorised?.role === role)
    return null
  const both = `${path} ${authorisedPath(folder, name)}`
  const wrong = problems.map((problem) => `\n${problem}`).join('')
  return `${name} is not whole, or of another broker.key: rm -f ${both}, and it is made anew${wrong}`
}
