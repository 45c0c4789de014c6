/**
 * The jobs that this worker offers: those of its jobs directory whose topics it is told to take, and that its policy
 * allows.
 */
import type { Lanes } from '../../common/definition/card.ts'
import type { Job } from '../../common/definition/job.ts'
import { loadDefinitions } from '../../common/definition/load.ts'
import { matchesAny } from '../../common/definition/name-patterns.ts'
import { showProblem } from '../../common/definition/problem.ts'
import { MAX_FRAME_BYTES } from '../../common/protocol/limits.ts'
import type { Policy } from '../policy.ts'
import { ALLOW_ALL, objectionTo, placeUnder, readPolicy } from '../policy.ts'
import { findAccount } from '../runner/accounts.ts'
import { directoryOf } from '../runner/launch.ts'

export type Catalog = {
  readonly jobs: ReadonlyMap<string, Job>
  readonly lanes: Lanes
  readonly policy: Policy
  /** Which jobs the policy leaves out, and why; null when none. */
  readonly left_out: string | null
}

export type Read =
  | { readonly kind: 'read'; readonly catalog: Catalog; readonly warnings: readonly string[] }
  | { readonly kind: 'refused'; readonly message: string }

/** What `hello` needs beside the cards: the attempts that are held, and the rest. */
const HELLO_REST_BYTES = 300 * 1024

/** The broker keeps no more of it. */
const MOST_TOLD = 4096

/**
 * Reads a jobs directory, all of it or nothing, and with it the policy.
 * @param topics Names; `*` in one stands for any characters.
 * @param policy_path Empty: there is no policy.
 * @param environment What commands have.
 */
export function readCatalog(
  directory: string,
  topics: readonly string[],
  policy_path = '',
  environment: Readonly<Record<string, string>> = {},
): Read {
  const read = policy_path === '' ? NO_POLICY : readPolicy(policy_path)
  if (read.kind === 'refused') return read
  const policy = read.value
  const loaded = loadDefinitions([directory])
  if (loaded.kind === 'refused')
    return { kind: 'refused', message: loaded.problems.map(showProblem).join('\n') }
  const { jobs: all, lanes } = loaded.definitions
  const taken = [...all].filter(([, job]) => matchesAny(topics, job.card.topic))
  const judged = taken.map(([name, job]) => ({
    name,
    job,
    objection: objectionTo(policy, job) ?? objectionToPlace(policy, job, environment),
  }))
  const jobs = new Map(
    judged.flatMap(({ name, job, objection }) => (objection === null ? [[name, job]] : [])),
  )
  const cards = [...jobs.values()].map((job) => job.card)
  const bytes = Buffer.byteLength(JSON.stringify([cards, lanes]))
  if (bytes > MAX_FRAME_BYTES - HELLO_REST_BYTES) {
    const message = `${jobs.size} jobs are more than one worker can announce (${bytes} bytes): take some of them with --topics`
    return { kind: 'refused', message }
  }
  const objections = judged.flatMap(({ objection }) => objection ?? [])
  const left_out =
    objections.length === 0
      ? null
      : `the policy ${policy_path} leaves out: ${objections.join('; ')}`.slice(0, MOST_TOLD)
  const warnings = [...loaded.warnings.map(showProblem), ...(left_out === null ? [] : [left_out])]
  if (taken.length === 0 && all.size > 0)
    warnings.push(
      `none of the ${all.size} jobs has a topic that --topics ${topics.join(',')} takes`,
    )
  return { kind: 'read', catalog: { jobs, lanes, policy, left_out }, warnings }
}

const NO_POLICY = { kind: 'checked', value: ALLOW_ALL } as const

/** Why a job may not begin where it would, as far as can be seen before it does. */
function objectionToPlace(
  policy: Policy,
  { card, cwd, user }: Job,
  environment: Readonly<Record<string, string>>,
): string | null {
  if (policy.directories === null) return null
  const account = user === null || cwd !== null ? null : findAccount(user, environment)
  const home = account?.home ?? environment['HOME'] ?? '/'
  const place = placeUnder(policy, directoryOf(cwd, home))
  return place.kind === 'outside' ? `job ${card.job}: ${place.message}` : null
}
