/** From a job and its values to the text that a keeper sources; what cannot be is said before anything starts. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Effect } from '../core/event.ts'
import type { Policy } from '../policy.ts'
import { objectionTo, placeUnder } from '../policy.ts'
import type { Means } from './as-user.ts'
import { commandAsUser, scriptOf, whoRuns } from './as-user.ts'
import type { CommandHeader } from './command-file.ts'
import { commandBody, commandFile, commandLines } from './command-file.ts'
import { gatherEnvironment } from './environment.ts'
import { limitWords } from './limits.ts'

export type Launch =
  | {
      readonly kind: 'launch'
      /** Who runs it, where that is not the worker's own user. */
      readonly user: string | null
      /** What that user's shell reads; null where the keeper's own does it all. */
      readonly script: string | null
      fileFor(header: CommandHeader): string
    }
  | { readonly kind: 'impossible'; readonly message: string }

export type LaunchOptions = {
  readonly worker: string
  /** Where commands reach the frontend: `JOBZ_URL`. */
  readonly url: string
  /** What every command has in its environment. */
  readonly environment: Readonly<Record<string, string>>
  /** The worker's own user. */
  readonly own: { readonly name: string; readonly uid: number }
  readonly means: Means
  /** What this host allows, as it was read last. */
  readonly policy: () => Policy
}

export function prepareLaunch(
  { key, task, job, values }: Extract<Effect, { kind: 'start' }>,
  output_path: string,
  { worker, url, environment, own, means, policy }: LaunchOptions,
): Launch {
  const objection = objectionTo(policy(), job)
  if (objection !== null) return impossible(`the policy of this worker: ${objection}`)
  const who = whoRuns(job.user, own, means, environment)
  if (who.kind === 'impossible') return who
  const base = who.kind === 'self' ? {} : baseOf(environment, who.account)
  const cwd = directoryOf(job.cwd, base['HOME'] ?? environment['HOME'] ?? '/')
  if (isMissing(cwd)) return impossible(`cwd of ${task.job}: there is no directory ${cwd}`)
  const place = placeUnder(policy(), cwd)
  if (place.kind === 'outside') return impossible(`the policy of this worker: ${place.message}`)
  const limits = limitWords(job.limits, own.uid, environment)
  if (limits.kind === 'impossible') return limits
  const body = commandBody(job.command, values, limits.words)
  if (body.kind === 'impossible') return body
  const gathered = gatherEnvironment({
    task,
    job,
    values,
    cwd,
    worker,
    url,
    base,
    output_path: who.kind === 'self' ? output_path : null,
    attempt_id: key,
  })
  if (gathered.kind === 'impossible') return gathered
  const { variables } = gathered
  const lines = commandLines({ environment: variables, ...place, body: body.text })
  if (who.kind === 'self')
    return {
      kind: 'launch',
      user: null,
      script: null,
      fileFor: (header) => commandFile(header, lines),
    }
  const leading = commandAsUser(who.words, key, output_path)
  return {
    kind: 'launch',
    user: who.account.name,
    script: scriptOf(lines),
    fileFor: (header) => commandFile(header, leading),
  }
}

/** A shell that another user begins has nothing of the keeper's. */
const baseOf = (
  environment: Readonly<Record<string, string>>,
  { name, home }: { readonly name: string; readonly home: string },
): Record<string, string> => ({ ...environment, HOME: home, USER: name, LOGNAME: name })

/** A user may have no home; a job that names a directory gets that one or none. */
export function directoryOf(cwd: string | null, home: string): string {
  if (cwd !== null) return resolve(home, cwd)
  return isMissing(home) ? '/' : home
}

/** What the worker may not look into, another user may: then its shell says what there is not. */
function isMissing(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'EACCES')
  }
}

const impossible = (message: string): { kind: 'impossible'; message: string } => ({
  kind: 'impossible',
  message,
})
