/**
 * A key pair on disk. A daemon's `NAME.key` is all that it needs to come in at the broker's doors: its own pair, and the public key
 * of the broker, by which it knows that it talks to the right one.
 */
import { z } from 'zod'
import { NAME_PATTERN } from '../definition/card.ts'
import { readChecked } from './checked-yaml.ts'
import { readPrivate, writePrivate } from './private-file.ts'
import { publicKeyOf } from './proof.ts'
import { decodeKey } from './z85.ts'

/** Who may come in, and as what: each role has its messages (common/protocol/rights.ts). */
export const KEY_ROLES = ['worker', 'semaphore', 'frontend', 'client'] as const
export type KeyRole = (typeof KEY_ROLES)[number]

export const PublicKey = z
  .string()
  .refine((text) => decodeKey(text) !== null, 'must be a key of 40 characters (Z85), in quotes')

const KeyFile = z.strictObject({
  name: z.string().regex(NAME_PATTERN, 'must be a name'),
  role: z.enum([...KEY_ROLES, 'broker']),
  public_key: PublicKey,
  secret_key: PublicKey,
  /** Every key but the broker's own has it. */
  broker_key: PublicKey.optional(),
})
export type KeyFile = z.infer<typeof KeyFile>

/** The key of a daemon that dials. */
export type DaemonKey = KeyFile & { readonly role: KeyRole; readonly broker_key: string }

export type ReadKey<Key> =
  | { readonly kind: 'key'; readonly key: Key }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly message: string }

/** Reads the key of a daemon of this role. */
export function readDaemonKey(path: string, role: KeyRole): ReadKey<DaemonKey> {
  const read = readKeyFile(path)
  if (read.kind !== 'key') return read
  const { key } = read
  if (key.role !== role) return refused(`${path} is the key of a ${key.role}, not of a ${role}`)
  if (key.broker_key === undefined)
    return refused(
      `${path}: broker_key is missing: it is the public_key in the broker's broker.key`,
    )
  return { kind: 'key', key: { ...key, role, broker_key: key.broker_key } }
}

export function readKeyFile(path: string): ReadKey<KeyFile> {
  const read = readPrivate(path)
  if (read.kind !== 'read') return read
  const checked = readChecked(path, read.text, KeyFile, Object.keys(KeyFile.shape))
  if (checked.kind === 'refused') return checked
  const { value: key } = checked
  // A file that was put together by hand from two pairs would only fail far away.
  if (publicKeyOf(key.secret_key) !== key.public_key)
    return refused(`${path}: public_key and secret_key are no pair`)
  return { kind: 'key', key }
}

/** Writes a key pair that only this user may read. Throws when it cannot be written. */
export function writeKeyFile(path: string, key: KeyFile): void {
  writePrivate(path, yamlOf(key))
}

/** `name: value` lines; the values in quotes, which JSON and YAML share. */
export const yamlOf = (values: object): string =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
    .join('')

const refused = (message: string): { kind: 'refused'; message: string } => ({
  kind: 'refused',
  message,
})
