/**
 * Files that hold secrets: keys, tokens, policies. One that others may read, or may have written, is refused, because
 * whoever goes on with it would only find out later that its secret is none.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import type { Stats } from 'node:fs'
import process from 'node:process'

export type ReadPrivate =
  | { readonly kind: 'read'; readonly text: string }
  | { readonly kind: 'absent' }
  /** `code` is the system's, where it is the one that refuses. */
  | { readonly kind: 'refused'; readonly message: string; readonly code?: string }

/** What others may do with a file: nothing at all, or only read it (`public`: it decides, but hides nothing). */
export type Secrecy = 'secret' | 'public'

/** More than any of these files has use for. */
const MOST_BYTES = 1024 * 1024

/** Reads a file of this user (or of root), after a look at who else may. */
export function readPrivate(path: string, secrecy: Secrecy = 'secret'): ReadPrivate {
  let file: number
  try {
    // A pipe in its place would have nobody to wait for.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { kind: 'absent' }
    return unreadable(path, codeOf(error))
  }
  try {
    // The file that was opened is looked at, and not whatever has its name by then.
    const problem = exposureOf(path, fstatSync(file), secrecy)
    if (problem !== null) return refused(problem)
    return { kind: 'read', text: readFileSync(file, 'utf8') }
  } catch (error) {
    return unreadable(path, codeOf(error))
  } finally {
    closeSync(file)
  }
}

/** Why a file cannot be trusted, and what to do about it; null when it can. */
function exposureOf(path: string, found: Stats, secrecy: Secrecy): string | null {
  const { mode, uid, size } = found
  const me = process.geteuid?.() ?? 0
  if (!found.isFile()) return `${path} is no file`
  if (size > MOST_BYTES) return `${path} has ${size} bytes, more than ${MOST_BYTES}`
  if (uid !== me && uid !== 0)
    return `${path} belongs to user ${uid}, and this process is user ${me}: chown it`
  if (secrecy === 'secret' && (mode & 0o077) !== 0)
    return `others may read ${path} (mode ${octal(mode)}): chmod 600 ${path}`
  if ((mode & 0o022) !== 0)
    return `others may write ${path} (mode ${octal(mode)}): chmod go-w ${path}`
  return null
}

/** Whoever may write to a folder may put files of others there under names that mean something. Null when only this user (or root) may. */
export function folderExposure(folder: string): string | null {
  const me = process.geteuid?.() ?? 0
  try {
    const { mode, uid } = statSync(folder)
    if (uid !== me && uid !== 0)
      return `${folder} belongs to user ${uid}, and this process is user ${me}: chown it`
    return (mode & 0o022) === 0 ? null : `others may write to ${folder}: chmod 700 ${folder}`
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? null : `${folder} cannot be read (${codeOf(error)})`
  }
}

const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(4, '0')

/**
 * Puts a file in place as a whole, and on disk, so that a reader never finds half of it, nor an empty one after a power cut.
 * Throws when it cannot be written.
 *
 * In a folder where others may write, one of them may have put something under its first name already, to have what is
 * written: so nobody can know that name, and what is there is never opened.
 * @param secrecy With `public`, others may read it.
 */
export function writePrivate(path: string, text: string, secrecy: Secrecy = 'secret'): void {
  const fresh = `${path}.new.${randomBytes(8).toString('hex')}`
  try {
    const file = openSync(fresh, 'wx', secrecy === 'secret' ? 0o600 : 0o644)
    try {
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(fresh, path)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  }
}

const refused = (message: string): ReadPrivate => ({ kind: 'refused', message })

const unreadable = (path: string, code: string): ReadPrivate => ({
  kind: 'refused',
  message: `${path} cannot be read (${code})`,
  code,
})

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error)
