/** From a job and its values to the text that a keeper sources; what cannot be is said before anything starts. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Effect } from '../core/event.ts'
import type { CommandHeader } from './command-file.ts'
import { commandBody, commandFile } from './command-file.ts'
import { gatherEnvironment } from './environment.ts'

export type Launch =
  | { readonly kind: 'launch'; fileFor(header: CommandHeader): string }
  | { readonly kind: 'impossible'; readonly message: string }

export type LaunchOptions = {
  readonly worker: string
  /** Where commands reach the frontend: `JOBZ_URL`. */
  readonly url: string
  /** What every command has in its environment. */
  readonly environment: Readonly<Record<string, string>>
}

export function prepareLaunch(
  { key, task, job, values }: Extract<Effect, { kind: 'start' }>,
  output_path: string,
  { worker, url, environment }: LaunchOptions,
): Launch {
  const cwd = directoryOf(job.cwd, environment['HOME'] ?? '/')
  if (!isDirectory(cwd))
    return { kind: 'impossible', message: `cwd of ${task.job}: there is no directory ${cwd}` }
  const body = commandBody(job.command, values)
  if (body.kind === 'impossible') return body
  const gathered = gatherEnvironment({
    task,
    job,
    values,
    cwd,
    worker,
    url,
    output_path,
    attempt_id: key,
  })
  if (gathered.kind === 'impossible') return gathered
  const { variables } = gathered
  return {
    kind: 'launch',
    fileFor: (header) => commandFile({ header, environment: variables, cwd, body: body.text }),
  }
}

/** A worker's user may have no home; a job that names a directory gets that one or none. */
function directoryOf(cwd: string | null, home: string): string {
  if (cwd !== null) return resolve(home, cwd)
  return isDirectory(home) ? home : '/'
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
