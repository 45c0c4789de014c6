/** Commands of other users, as tests have them: with a sudo that may do nothing, or with rights that the test really has. */
import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import type { ExecutionContext } from 'ava'
import { findAccount, ownAccount } from '../../../worker/runner/accounts.ts'
import type { Account } from '../../../worker/runner/accounts.ts'
import { baseEnvironment, COMMAND_PATH } from '../../../worker/runner/environment.ts'
import type { LaunchOptions } from '../../../worker/runner/launch.ts'
import { findTool } from '../../../worker/runner/tools.ts'
import { temporaryFolder } from './with-runner.ts'

/** Somebody else, whom every host knows. */
export const OTHER: Account = otherThanMe()

function otherThanMe(): Account {
  const all = ['nobody', 'daemon', 'root'].map((name) => findAccount(name, baseEnvironment({})))
  const other = all.find((account) => account !== null && account.uid !== ownAccount().uid)
  if (!other) throw new Error('this host has no user but one')
  return other
}

export type FakeSudo = {
  /** For a runner: an unprivileged worker that finds this sudo. */
  readonly options: Partial<LaunchOptions>
  /** All that it was ever told, in its lists of arguments. */
  readonly told: () => string
}

/** What a sudo does whose rule allows it, but for becoming anybody: it cleans the environment and becomes the command. */
const OBEYS = `
[ "$1 $2 $3 $4" = "-n -u ${OTHER.name} --" ] || exit 1
shift 4
exec env -i PATH="$PATH" HOME=/nowhere SUDO_USER=jobz SUDO_COMMAND="$*" MAIL=x SHELL=/bin/x TERM=x "$@"`
/** What it says without a rule. */
export const REFUSES = `
echo 'sudo: a password is required' >&2
exit 1`

/** A sudo for tests that run as anybody: found before the system's own, it changes no user. */
export function fakeSudo(t: ExecutionContext, does = OBEYS): FakeSudo {
  const folder = temporaryFolder(t)
  const log = join(folder, 'told')
  writeFileSync(log, '')
  writeFileSync(join(folder, 'sudo'), `#!/bin/sh\nprintf '%s\\n' "$*" >>'${log}'${does}\n`)
  chmodSync(join(folder, 'sudo'), 0o755)
  return {
    options: {
      means: 'sudo',
      own: { name: 'jobz', uid: ownAccount().uid },
      environment: { ...baseEnvironment(process.env), PATH: `${folder}:${COMMAND_PATH}` },
    },
    told: () => readFileSync(log, 'utf8'),
  }
}

/** Root, with a setpriv that can change users: what runs then really runs as somebody else. */
export const IS_ROOT = ((): boolean => {
  if (process.getuid?.() !== 0) return false
  const setpriv = findTool('setpriv', { PATH: COMMAND_PATH })
  if (setpriv === null) return false
  try {
    execFileSync(setpriv, [`--reuid=${OTHER.uid}`, `--regid=${OTHER.gid}`, '--init-groups', 'true'])
    return true
  } catch {
    return false
  }
})()
