/**
 * Commands that run as another user than the worker.
 *
 * The way there is a program that may do it: `sudo`, by a rule of the host, or `setpriv`, when the worker is root. It is
 * told a fixed text and nothing else, so that no value and no secret is in a list of arguments or in sudo's log. What is to
 * be done, the *script*, is in the attempt's output file, which the program gets as its standard input: open for reading
 * and writing, since that user could never open it in the spool. Once the script is read, the file is emptied, and has what
 * it is named for: the values that the command writes to `$JOBZ_OUTPUT`, which is a way to this open file that only
 * processes of that user can go.
 */
import type { Account } from './accounts.ts'
import { findAccount } from './accounts.ts'
import { quoteWord } from './quote.ts'
import { findTool } from './tools.ts'

/** How this worker becomes another user. */
export type Means = 'sudo' | 'setpriv'

export const meansOf = (uid: number): Means => (uid === 0 ? 'setpriv' : 'sudo')

/** The first line of a script. A file that begins with it was not read: its command never began. */
export const SCRIPT_MARK = '# jobz: a script that is not read yet'
/**
 * Others may write it, were they to reach it; but the folder that it is in is closed to them. Its group may too: that user
 * may be one of it.
 */
export const SCRIPT_MODE = 0o666

/**
 * The subshell empties the file, so that whoever finds it empty knows that TERM ends the command; the shell around it
 * outlives TERM, for the way to the file goes through it.
 */
const READ_AND_RUN =
  'trap : TERM; exec 3<&0 </dev/null; s=$(cat <&3); JOBZ_OUTPUT=/proc/$$/fd/3; export JOBZ_OUTPUT; ' +
  '(: >"$JOBZ_OUTPUT"; eval "unset s; $s") 3<&-; exit "$?"'

/** What sudo adds to an environment, and no command of the worker's own user has. */
const SUDOS =
  'SUDO_COMMAND SUDO_GID SUDO_HOME SUDO_PROMPT SUDO_TTY SUDO_UID SUDO_USER MAIL SHELL TERM'

export type Who =
  | { readonly kind: 'self' }
  | {
      readonly kind: 'user'
      readonly account: Account
      /** What becomes that user, up to the shell's text. */
      readonly words: readonly string[]
    }
  | { readonly kind: 'impossible'; readonly message: string }

/** Who is to run a job of this `user`, and how to become that. */
export function whoRuns(
  user: string | null,
  own: { readonly uid: number },
  means: Means,
  environment: Readonly<Record<string, string>>,
): Who {
  if (user === null) return { kind: 'self' }
  const account = findAccount(user, environment)
  if (!account)
    return impossible(`this host has no user ${user}: make it, or correct the job's user`)
  if (account.uid === own.uid) return { kind: 'self' }
  const program = findTool(means, environment)
  if (program !== null) return { kind: 'user', account, words: wordsOf(program, means, account) }
  const package_name = means === 'sudo' ? 'sudo' : 'util-linux'
  return impossible(
    `to run it as ${user} the worker needs ${means}, and finds none: install ${package_name}`,
  )
}

function wordsOf(program: string, means: Means, { name, uid, gid }: Account): string[] {
  if (means === 'sudo') return [program, '-n', '-u', name, '--', '/bin/sh', '-c']
  const ids = [`--reuid=${uid}`, `--regid=${gid}`, '--init-groups']
  return [program, ...ids, '--inh-caps=-all', '--no-new-privs', '--', '/bin/sh', '-c']
}

/** What the keeper's subshell does: it becomes the program, whose input is the attempt's output file. */
export function commandAsUser(
  words: readonly string[],
  attempt_id: string,
  output: string,
): string {
  return [
    // Where the program keeps its environment, the processes are found by it.
    `export JOBZ_ATTEMPT_ID=${quoteWord(attempt_id)}`,
    `exec <>${quoteWord(output)}`,
    // The spool is closed to that user, and shells do not like to begin where they cannot look.
    'cd /',
    `exec ${[...words, READ_AND_RUN].map(quoteWord).join(' ')}`,
  ].join('\n')
}

/** @param lines What the worker's own user would have sourced. */
export const scriptOf = (lines: string): string => `${SCRIPT_MARK}\nunset ${SUDOS}\n${lines}`

/** Why a script was not read, from what the program wrote to standard error. */
export function whyNotBegun(options: {
  readonly user: string
  readonly own: { readonly name: string }
  readonly means: Means
  readonly exit_code: number
  readonly said: string
}): string {
  const { user, own, means, exit_code, said } = options
  const words = said.trim().split('\n').slice(0, 3).join('; ').slice(0, 500)
  const told = `${means} did not run it as ${user} (exit code ${exit_code}${words === '' ? '' : `: ${words}`})`
  return means === 'sudo'
    ? `${told}: a rule for sudo must allow it: ${own.name} ALL=(${user}) NOPASSWD: /bin/sh`
    : told
}

const impossible = (message: string): { kind: 'impossible'; message: string } => ({
  kind: 'impossible',
  message,
})
