/**
 * The folder of keys beside a broker: its own pair, who may come in, and the pairs that were made here for others.
 *
 *     broker.key               the broker's own pair
 *     authorised/NAME.pub      who may come in, one file a key
 *     NAME.key                 a pair for somebody else, to be moved to its host
 */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { curveKeyPair } from 'zeromq'
import { type WrittenKey, fileOf, writeAuthorised } from './authorised.ts'
import {
  type DaemonKey,
  type KeyFile,
  type KeyRole,
  type ReadKey,
  readKeyFile,
  writeKeyFile,
} from './key-file.ts'
import { folderExposure } from './private-file.ts'

export const brokerKeyPath = (folder: string): string => join(folder, 'broker.key')
export const authorisedFolder = (folder: string): string => join(folder, 'authorised')
export const keyPath = (folder: string, name: string): string => join(folder, `${name}.key`)
export const authorisedPath = (folder: string, name: string): string =>
  fileOf(authorisedFolder(folder), name)

/** The broker's own pair. */
export function readBrokerKey(folder: string): ReadKey<KeyFile> {
  const path = brokerKeyPath(folder)
  const read = readKeyFile(path)
  if (read.kind === 'key' && read.key.role !== 'broker')
    return { kind: 'refused', message: `${path} is the key of a ${read.key.role}` }
  return read
}

/** Makes what is missing of the folder and of the broker's pair. Throws when the folder cannot be made. */
export function makeBrokerKey(folder: string): ReadKey<KeyFile> & { readonly made?: boolean } {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  mkdirSync(authorisedFolder(folder), { recursive: true, mode: 0o755 })
  const exposed = folderExposure(folder) ?? folderExposure(authorisedFolder(folder))
  if (exposed !== null) return { kind: 'refused', message: exposed }
  const read = readBrokerKey(folder)
  if (read.kind !== 'absent') return read
  const key: KeyFile = { name: 'broker', role: 'broker', ...newPair() }
  writeKeyFile(brokerKeyPath(folder), key)
  return { kind: 'key', key, made: true }
}

export type NewKey = Omit<WrittenKey, 'public_key'> & { readonly name: string }

/** Makes a pair for somebody, writes it beside the broker's, and authorises it. The caller has seen that the name is free. */
export function addKey(
  folder: string,
  broker_key: string,
  { name, ...written }: NewKey,
): DaemonKey {
  const role: KeyRole = written.role
  const key = { name, role, ...newPair(), broker_key }
  writeKeyFile(keyPath(folder, name), key)
  writeAuthorised(authorisedFolder(folder), name, { ...written, public_key: key.public_key })
  return key
}

/** Whether a name stands for a key here already. */
export const isTaken = (folder: string, name: string): boolean =>
  existsSync(keyPath(folder, name)) || existsSync(authorisedPath(folder, name))

/** A new pair; it is nobody's yet. */
export function newPair(): { public_key: string; secret_key: string } {
  const { publicKey: public_key, secretKey: secret_key } = curveKeyPair()
  return { public_key, secret_key }
}
