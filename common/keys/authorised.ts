/**
 * Who may come in at the broker's doors: a folder with one file a key, named for its holder. What is not in it is nobody.
 */
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { NAME_PATTERN } from '../definition/card.ts'
import { readChecked } from './checked-yaml.ts'
import { KEY_ROLES, PublicKey, yamlOf, type KeyRole } from './key-file.ts'
import { folderExposure, readPrivate, writePrivate } from './private-file.ts'

const patterns = z.array(z.string().min(1).max(128)).min(1).max(1_000)

const Written = z.strictObject({
  role: z.enum(KEY_ROLES),
  public_key: PublicKey,
  /** The names under which a worker with this key may appear; its own alone unless it is said. `*` stands for any characters. */
  workers: patterns.optional(),
  /** The topics that a worker with this key may serve; all, unless it is said. */
  topics: patterns.optional(),
})
export type WrittenKey = z.infer<typeof Written>

/** A key that may come in. */
export type Authorised = {
  readonly name: string
  readonly role: KeyRole
  readonly public_key: string
  readonly workers: readonly string[]
  readonly topics: readonly string[]
}

/** By public key. */
export type AuthorisedKeys = ReadonlyMap<string, Authorised>

export type ReadAuthorised = {
  readonly keys: AuthorisedKeys
  /** What is wrong with the files that were passed over, in words. */
  readonly problems: readonly string[]
  /** This process could open no more files: what is missing says nothing of who may come in. */
  readonly is_partial: boolean
}

const SHORTAGE: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE'])

/** Not `.yaml`, which belongs to jobs: the folder may lie below theirs. */
export const ENDING = '.pub'

/**
 * Reads the folder. A file that is wrong lets nobody in, and takes nothing from the others: a key that was taken away must not stay
 * because of a slip in another's file. A folder that is not there lets nobody in, nor does one that cannot be read or that others may write to: whoever
 * may put a file there, or give one another name, lets himself in.
 */
export function readAuthorised(folder: string): ReadAuthorised {
  const keys = new Map<string, Authorised>()
  const problems: string[] = []
  const found = filesIn(folder)
  if ('message' in found)
    return { keys, problems: [found.message], is_partial: SHORTAGE.has(found.code) }
  let is_partial = false
  for (const file of found) {
    const read = readOne(join(folder, file))
    const twin = read.kind === 'key' ? keys.get(read.key.public_key) : undefined
    if (read.kind === 'refused') {
      problems.push(read.message)
      is_partial ||= SHORTAGE.has(read.code ?? '')
    }
    if (twin) problems.push(`${join(folder, file)}: ${twin.name} has the same key`)
    else if (read.kind === 'key') keys.set(read.key.public_key, read.key)
  }
  return { keys, problems, is_partial }
}

/** Puts a key in, or replaces what its holder had. */
export function writeAuthorised(folder: string, name: string, key: WrittenKey): void {
  writePrivate(fileOf(folder, name), yamlOf(key), 'public')
}

export const fileOf = (folder: string, name: string): string => join(folder, `${name}${ENDING}`)

/** Files that an editor or a copy in progress leaves are passed over. */
function filesIn(folder: string): string[] | { readonly message: string; readonly code: string } {
  try {
    const exposed = folderExposure(folder)
    if (exposed !== null) return { message: exposed, code: '' }
    return readdirSync(folder)
      .filter((file) => file.endsWith(ENDING) && !file.startsWith('.'))
      .sort()
  } catch (error) {
    const code = String(error instanceof Error && 'code' in error ? error.code : error)
    return code === 'ENOENT' ? [] : { message: `${folder} cannot be read (${code})`, code }
  }
}

function readOne(
  path: string,
): { kind: 'key'; key: Authorised } | { kind: 'refused'; message: string; code?: string } {
  const name = basename(path, ENDING)
  if (!NAME_PATTERN.test(name))
    return { kind: 'refused', message: `${path}: the file is not named for anybody: NAME${ENDING}` }
  const read = readPrivate(path, 'public')
  if (read.kind === 'absent') return { kind: 'refused', message: `${path} is gone` }
  if (read.kind === 'refused') return read
  const checked = readChecked(path, read.text, Written, Object.keys(Written.shape))
  if (checked.kind === 'refused') return checked
  const { role, public_key, workers = [name], topics = ['*'] } = checked.value
  return { kind: 'key', key: { name, role, public_key, workers, topics } }
}
