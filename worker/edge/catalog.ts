/** The jobs that this worker offers: those of its jobs directory whose topics it is told to take. */
import type { Lanes } from '../../common/definition/card.ts'
import type { Job } from '../../common/definition/job.ts'
import { loadDefinitions } from '../../common/definition/load.ts'
import { matchesAny } from '../../common/definition/name-patterns.ts'
import { showProblem } from '../../common/definition/problem.ts'
import { MAX_FRAME_BYTES } from '../../common/protocol/limits.ts'

export type Catalog = {
  readonly jobs: ReadonlyMap<string, Job>
  readonly lanes: Lanes
}

export type Read =
  | { readonly kind: 'read'; readonly catalog: Catalog; readonly warnings: readonly string[] }
  | { readonly kind: 'refused'; readonly message: string }

/** What `hello` needs beside the cards: the attempts that are held, and the rest. */
const HELLO_REST_BYTES = 300 * 1024

/**
 * Reads a jobs directory, all of it or nothing.
 * @param topics Names; `*` in one stands for any characters.
 */
export function readCatalog(directory: string, topics: readonly string[]): Read {
  const loaded = loadDefinitions([directory])
  if (loaded.kind === 'refused')
    return { kind: 'refused', message: loaded.problems.map(showProblem).join('\n') }
  const { jobs: all, lanes } = loaded.definitions
  const jobs = new Map([...all].filter(([, job]) => matchesAny(topics, job.card.topic)))
  const cards = [...jobs.values()].map((job) => job.card)
  const bytes = Buffer.byteLength(JSON.stringify([cards, lanes]))
  if (bytes > MAX_FRAME_BYTES - HELLO_REST_BYTES) {
    const message = `${jobs.size} jobs are more than one worker can announce (${bytes} bytes): take some of them with --topics`
    return { kind: 'refused', message }
  }
  const warnings = loaded.warnings.map(showProblem)
  if (jobs.size === 0 && all.size > 0)
    warnings.push(
      `none of the ${all.size} jobs has a topic that --topics ${topics.join(',')} takes`,
    )
  return { kind: 'read', catalog: { jobs, lanes }, warnings }
}
