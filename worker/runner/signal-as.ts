/**
 * Signals for processes of another user, which this one may neither send nor aim: whose they are is in environments that it
 * cannot read. So a small fixed text does both, run as that user by the same rule as the command; all that it is told comes
 * by its standard input.
 */
import { execFile } from 'node:child_process'
import type { Log } from '../../common/daemon/log.ts'
import { whoRuns } from './as-user.ts'
import type { LaunchOptions } from './launch.ts'

/**
 * Sends the signal to these of its processes, and to all that carry the attempt's id. Answers how many took it, or null when
 * it could not be tried.
 */
export type SignalAs = (
  signal: 'TERM' | 'KILL',
  attempt_id: string,
  pids: readonly number[],
) => Promise<number | null>

/** A sudo that asks a directory that does not answer may take for ever; a stop must not. */
const LIMIT_MS = 10_000

/** A process may be in the list and carry the id too: it gets one signal, for many take a second TERM for impatience. */
const SEARCH_AND_SIGNAL =
  'read -r s; read -r i; read -r l; n=0; ' +
  'for p in $l; do kill -s "$s" "$p" 2>/dev/null && n=$((n+1)); done; ' +
  'for f in $(grep -lzxF -e "JOBZ_ATTEMPT_ID=$i" /proc/[0-9]*/environ 2>/dev/null); do ' +
  'p=${f#/proc/}; p=${p%/environ}; ' +
  'case " $l " in *" $p "*) ;; *) kill -s "$s" "$p" 2>/dev/null && n=$((n+1));; esac; ' +
  'done; echo "$n"'

/** How the processes of this user's commands are reached; null where the worker's own signals do. */
export function signalerOf(
  user: string | null,
  { own, means, environment, log }: LaunchOptions & { readonly log: Log },
): SignalAs | null {
  if (user === null || means === 'setpriv') return null
  const who = whoRuns(user, own, means, environment)
  if (who.kind === 'user')
    return (signal, attempt_id, pids) =>
      run([...who.words, SEARCH_AND_SIGNAL], environment, [
        signal,
        attempt_id,
        pids.join(' '),
      ]).then(({ failure, stdout }) => {
        if (failure !== null) log.error(`processes of ${user} cannot be signaled`, { failure })
        return /^\d+\n$/.test(stdout) ? Number(stdout) : 0
      })
  const failure = who.kind === 'self' ? `${user} is the worker's own user now` : who.message
  log.error(`processes of ${user} cannot be signaled`, { failure })
  return null
}

type Ran = { readonly failure: string | null; readonly stdout: string }

function run(
  [program = '', ...rest]: readonly string[],
  environment: Readonly<Record<string, string>>,
  lines: readonly string[],
): Promise<Ran> {
  const options = {
    env: { ...environment },
    cwd: '/',
    encoding: 'utf8',
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  } as const
  return new Promise((resolve) => {
    const child = execFile(program, rest, options, (error, stdout, stderr) => {
      resolve({ failure: error && (stderr.trim() || error.message), stdout })
    })
    // One that did not start takes nothing; that is told above.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(lines.map((line) => `${line}\n`).join(''))
  })
}
