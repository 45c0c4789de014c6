/** The key that a daemon was started with, for its way to the broker; without one it may dial on this machine only. */
import { isLoopback } from '../link/address.ts'
import { type DaemonKey, type KeyRole, readDaemonKey } from './key-file.ts'

/** Settings of every daemon that dials the broker. */
export const KEY_SETTINGS = [
  {
    flag: 'key',
    env: 'JOBZ_KEY',
    kind: 'text',
    default: '',
    help: "the file with this daemon's key, which a broker with keys wants (see `jobz keys`)",
  },
  {
    flag: 'insecure',
    env: 'JOBZ_INSECURE',
    kind: 'switch',
    default: false,
    help: 'go without what keeps strangers out, also beyond this machine',
  },
] as const

export type OwnKey =
  | { readonly kind: 'own'; readonly key: DaemonKey | null }
  | { readonly kind: 'refused'; readonly message: string; readonly exit_code: number }

export function readOwnKey(
  role: KeyRole,
  settings: { readonly key: string; readonly insecure: boolean; readonly broker: string },
): OwnKey {
  const { key: path, insecure, broker } = settings
  if (path === '' && !isLoopback(broker) && !insecure)
    return refused(
      `--broker ${broker} is not this machine, and no key was given: what is said there could be read and changed on ` +
        `its way. Name this ${role}'s key with --key FILE (see \`jobz keys\`), or say --insecure`,
    )
  if (path === '') return { kind: 'own', key: null }
  const read = readDaemonKey(path, role)
  if (read.kind === 'absent') return refused(`--key ${path}: there is no such file`)
  return read.kind === 'refused' ? refused(read.message) : { kind: 'own', key: read.key }
}

const refused = (message: string): OwnKey => ({ kind: 'refused', message, exit_code: 2 })
