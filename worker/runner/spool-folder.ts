/** The folder of a spool: for its worker alone, and who that worker is to the broker. */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'

export type PreparedSpool =
  | { readonly kind: 'prepared'; readonly root: string }
  | { readonly kind: 'refused'; readonly message: string }

/** What others may not do there. The spool's own folder may be looked at, as one that was made beforehand often may. */
const NOT_FOR_OTHERS = [
  { name: '', rights: 0o022, chmod: 'go-w' },
  { name: 'attempts', rights: 0o077, chmod: '700' },
]

/**
 * Makes the folders, for this user alone: parameters and output may be secret. Folders that others may use, or that belong
 * to somebody else, are refused: whoever can write there decides what this worker runs.
 */
export function prepareSpool(path: string): PreparedSpool {
  const root = resolve(path)
  for (const { name, rights, chmod } of NOT_FOR_OTHERS) {
    const folder = join(root, name)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { mode, uid } = statSync(folder)
    const own = process.geteuid?.() ?? uid
    if (uid !== own) {
      const message = `the spool ${folder} belongs to user ${uid}, and this worker is user ${own}: chown it, or give this worker its own --spool`
      return { kind: 'refused', message }
    }
    if ((mode & rights) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0')
      const message = `others may use the spool ${folder} (mode ${octal}): chmod ${chmod} ${folder}`
      return { kind: 'refused', message }
    }
  }
  return { kind: 'prepared', root }
}

/** Who this worker is to the broker, for as long as the spool lives. */
export function readInstance(root: string): string {
  const path = join(root, 'instance')
  const known = existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
  if (/^[0-9a-f-]{36}$/.test(known)) return known
  const fresh = randomUUID()
  writeFileSync(path, `${fresh}\n`, { mode: 0o600 })
  return fresh
}
