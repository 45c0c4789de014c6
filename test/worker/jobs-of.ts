/** Jobs for tests, from the YAML that a user would write. */
import type { Job } from '../../common/definition/job.ts'
import { parseDefinitions } from '../../common/definition/parse.ts'

export function jobsOf(text: string): ReadonlyMap<string, Job> {
  const loaded = parseDefinitions([{ file: 'jobs.yaml', text }])
  if (loaded.kind === 'refused') throw new Error(JSON.stringify(loaded.problems))
  return loaded.definitions.jobs
}

/** One job by the name `job`; the rest of it as an object (JSON is YAML). */
export function jobOf(rest: Readonly<Record<string, unknown>>): Job {
  const job = jobsOf(JSON.stringify({ jobs: { job: rest } })).get('job')
  if (!job) throw new Error('no job')
  return job
}
