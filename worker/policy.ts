/**
 * A worker's own policy: a file by which whoever looks after a host narrows what runs on it, whatever is in the jobs
 * directory, and whoever filled that. What the file does not speak of is allowed.
 */
import { realpathSync } from 'node:fs'
import { isAbsolute, sep } from 'node:path'
import { z } from 'zod'
import type { Job } from '../common/definition/job.ts'
import type { Checked } from '../common/keys/checked-yaml.ts'
import { readChecked } from '../common/keys/checked-yaml.ts'
import { readPrivate } from '../common/keys/private-file.ts'
import { matchesAny } from '../common/definition/name-patterns.ts'

/** Null allows all. */
export type Policy = {
  /** Names of jobs; `*` in one stands for any characters. */
  readonly jobs: readonly string[] | null
  /** Values of `user:`; `self` is a job without one. */
  readonly users: readonly string[] | null
  /** Where commands may begin, or below. */
  readonly directories: readonly string[] | null
}

export const ALLOW_ALL: Policy = { jobs: null, users: null, directories: null }

/** What a policy calls the worker's own user. */
const SELF = 'self'
const MOST_ENTRIES = 10_000

const entries = (entry: z.ZodString) =>
  z.array(entry, { error: 'must be a list' }).max(MOST_ENTRIES).optional()
const word = z.string({ error: 'must be text' }).min(1, 'must not be empty').max(4096)
const PolicyYaml = z.strictObject({
  jobs: entries(word),
  users: entries(word),
  directories: entries(word.refine(isAbsolute, 'must be an absolute path')),
})

/** Reads the policy; it hides nothing, but only its owner (or root) may have written it. */
export function readPolicy(path: string): Checked<Policy> {
  const read = readPrivate(path, 'public')
  if (read.kind === 'absent') return { kind: 'refused', message: `there is no policy ${path}` }
  if (read.kind === 'refused') return read
  const checked = readChecked(path, read.text, PolicyYaml, Object.keys(PolicyYaml.shape))
  if (checked.kind === 'refused') return checked
  const { jobs = null, users = null, directories = null } = checked.value
  return { kind: 'checked', value: { jobs, users, directories } }
}

/** Why a job is not for this host, by its name and its user; null when it is. */
export function objectionTo({ jobs, users }: Policy, { card, user }: Job): string | null {
  if (jobs !== null && !matchesAny(jobs, card.job)) return `job ${card.job} is not among its jobs`
  if (users === null || users.includes(user ?? SELF)) return null
  return user === null
    ? `job ${card.job} runs as the worker's own user, and ${SELF} is not among its users`
    : `job ${card.job} runs as ${user}, who is not among its users`
}

export type Place =
  | {
      readonly kind: 'place'
      readonly cwd: string
      /** Nothing may lead elsewhere from there by the time that the command begins. */
      readonly exact: boolean
    }
  | { readonly kind: 'outside'; readonly message: string }

/** Where a command may begin: with a policy, where its directory really is, whatever links lead to it. */
export function placeUnder({ directories }: Policy, cwd: string): Place {
  if (directories === null) return { kind: 'place', cwd, exact: false }
  const real = realPath(cwd)
  if (real === null) {
    const message = `directory ${cwd} cannot be resolved by this worker, so it is in none of its directories`
    return { kind: 'outside', message }
  }
  if (directories.some((directory) => isInside(realPath(directory), real)))
    return { kind: 'place', cwd: real, exact: true }
  const led = real === cwd ? '' : ` (which is ${real})`
  return { kind: 'outside', message: `directory ${cwd}${led} is in none of its directories` }
}

/** Null where no look is allowed. What is not there yet is what its name says. */
function realPath(path: string): string | null {
  try {
    return realpathSync(path)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? path : null
  }
}

const isInside = (directory: string | null, path: string): boolean =>
  directory !== null &&
  (path === directory || path.startsWith(directory === sep ? sep : directory + sep))
