/** The host's users, by name: what a command that runs as another one must know of that one. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import process from 'node:process'
import { findTool } from './tools.ts'

export type Account = {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

/** Who this process is; its number is its name where the host's list has none. */
export function ownAccount(): { readonly name: string; readonly uid: number } {
  const uid = process.getuid?.() ?? 0
  try {
    return { name: userInfo().username, uid }
  } catch {
    return { name: `#${uid}`, uid }
  }
}

/** Null when the host knows no such user. */
export function findAccount(
  name: string,
  environment: Readonly<Record<string, string>>,
): Account | null {
  // Most are in the file, and reading it costs no process; the rest may be in a directory service.
  return accountIn(readFileSync('/etc/passwd', 'utf8'), name) ?? askSystem(name, environment)
}

function askSystem(name: string, environment: Readonly<Record<string, string>>): Account | null {
  const getent = findTool('getent', environment)
  if (getent === null) return null
  try {
    const told = execFileSync(getent, ['passwd', name], {
      encoding: 'utf8',
      env: { ...environment },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return accountIn(told, name)
  } catch {
    // It says by its exit code that there is none.
    return null
  }
}

/** In lines such as `deploy:x:1001:1001:Deployment:/home/deploy:/bin/sh`. */
function accountIn(lines: string, name: string): Account | null {
  for (const line of lines.split('\n')) {
    const [login, , uid = '', gid = '', , home = ''] = line.split(':')
    if (login !== name || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) continue
    return { name, uid: Number(uid), gid: Number(gid), home: home || '/' }
  }
  return null
}
