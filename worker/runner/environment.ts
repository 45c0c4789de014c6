/**
 * The environment of commands: clean, so that a job runs the same whoever started the daemon, and from where.
 *
 * Base values first, then what jobz tells the command, then the job's `env_file`, then its `env`; later ones win. Only
 * the attempt's id cannot be replaced, since its processes are found by it.
 */
import { readFileSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import type { Job } from '../../common/definition/job.ts'
import type { AttemptTask } from '../core/state.ts'

export const COMMAND_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin'

/** What every command has, and all that a keeper itself is started with. */
export function baseEnvironment(
  daemon: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const { TZ } = daemon
  return {
    PATH: COMMAND_PATH,
    HOME: homeOf(daemon),
    LANG: 'C.UTF-8',
    ...(TZ === undefined || TZ === '' ? {} : { TZ }),
  }
}

function homeOf(daemon: Readonly<Record<string, string | undefined>>): string {
  try {
    return userInfo().homedir
  } catch {
    // A user without an entry in the system's list, as in many containers.
    return daemon['HOME'] ?? '/'
  }
}

export type Gathered =
  | { readonly kind: 'environment'; readonly variables: ReadonlyMap<string, string> }
  | { readonly kind: 'impossible'; readonly message: string }

export function gatherEnvironment(options: {
  readonly task: AttemptTask
  readonly attempt_id: string
  readonly job: Job
  readonly values: Readonly<Record<string, string>>
  readonly worker: string
  readonly url: string
  /** Where its values go; null where that is not known before it runs. */
  readonly output_path: string | null
  /** What its shell has not already. */
  readonly base: Readonly<Record<string, string>>
  readonly cwd: string
}): Gathered {
  const { task, job, values } = options
  const variables = new Map<string, string>([
    ...Object.entries(options.base),
    ['JOBZ_RUN_ID', task.run_id],
    ['JOBZ_FLOW_ID', task.flow_id],
    ['JOBZ_ATTEMPT', String(task.attempt)],
    ['JOBZ_WORKER', options.worker],
    ['JOBZ_JOB', task.job],
    ['JOBZ_URL', options.url],
  ])
  if (task.token !== undefined) variables.set('JOBZ_TOKEN', task.token)
  if (options.output_path !== null) variables.set('JOBZ_OUTPUT', options.output_path)
  for (const [name, value] of Object.entries(values)) variables.set(`JOBZ_P_${name}`, value)
  if (job.env_file !== null) {
    const read = readEnvFile(resolve(options.cwd, job.env_file))
    if (read.kind === 'impossible') return read
    for (const [name, value] of read.variables) variables.set(name, value)
  }
  for (const [name, value] of Object.entries(job.env)) {
    const problem = problemOf(name, value)
    if (problem !== null) return { kind: 'impossible', message: `env of ${task.job}: ${problem}` }
    variables.set(name, value)
  }
  variables.set('JOBZ_ATTEMPT_ID', options.attempt_id)
  return { kind: 'environment', variables }
}

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/
/** A shell gives these a meaning of its own, or does not let them be set. */
const SHELLS_OWN: ReadonlySet<string> = new Set(
  'IFS OPTIND PPID UID EUID SHELLOPTS BASHOPTS OLDPWD SHLVL'.split(' '),
)

function problemOf(name: string, value: string): string | null {
  if (!VARIABLE.test(name)) return `${JSON.stringify(name.slice(0, 64))} is no name for a variable`
  if (SHELLS_OWN.has(name)) return `${name} belongs to the shell and cannot be set`
  if (value.includes('\0')) return `${name} holds a NUL character`
  return null
}

/**
 * Reads `NAME=value` lines; blank ones and those that begin with `#` are passed over, and a value is literal, quotes
 * and all. It holds secrets, so others must not be able to read it, nor to have written it.
 */
function readEnvFile(path: string): Gathered {
  const impossible = (message: string): Gathered => ({
    kind: 'impossible',
    message: `env_file ${path}: ${message}`,
  })
  let text: string
  try {
    const { uid, mode } = statSync(path)
    if (uid !== process.getuid?.())
      return impossible('belongs to another user than the worker: chown it')
    if ((mode & 0o077) !== 0) return impossible('others may read it: chmod 600')
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return impossible(error instanceof Error ? error.message : String(error))
  }
  const variables = new Map<string, string>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue
    const at = line.indexOf('=')
    const name = line.slice(0, at).trim()
    const value = line.slice(at + 1)
    // The line itself may be a secret: only its number is told.
    if (at === -1) return impossible(`line ${index + 1} has no =`)
    const problem = problemOf(name, value)
    if (problem !== null)
      return impossible(
        `line ${index + 1}: ${VARIABLE.test(name) ? problem : 'no name for a variable before the ='}`,
      )
    variables.set(name, value)
  }
  return { kind: 'environment', variables }
}
