/** Semaphores as they are written, with their defaults filled in. */
import { buildSteps } from './build-steps.ts'
import type { Member, Semaphore } from './card.ts'
import { parseDuration } from './durations.ts'
import type { Report } from './report.ts'
import type { SemaphoreYaml } from './schema.ts'
import type { Path } from './yaml-tree.ts'

/** Answers one semaphore; `path` is where it is written. */
export function buildSemaphore(
  name: string,
  written: SemaphoreYaml,
  path: Path,
  report: Report,
): Semaphore {
  const members = written.wait_for.map((member): Member => {
    if (typeof member === 'string') return { job: member, count: 1, distinct: null }
    return { job: member.job, count: member.count ?? 1, distinct: member.distinct ?? null }
  })
  const jobs = members.map((member) => member.job)
  for (const [place, job] of jobs.entries()) {
    if (jobs.indexOf(job) === place) continue
    report.error(
      [...path, 'wait_for', place],
      `${job} is a member twice`,
      `write {job: ${job}, count: 2}`,
    )
  }
  const on_timeout = buildSteps(written.on_timeout, [...path, 'on_timeout'], report)
  if (on_timeout.length === 0 && written.on_member_failure === 'fail') {
    const message = 'on_member_failure: fail starts the jobs of on_timeout, and there are none'
    report.warnAtKey([...path, 'on_member_failure'], message, 'add on_timeout')
  }
  if (
    on_timeout.length > 0 &&
    written.timeout === undefined &&
    written.on_member_failure !== 'fail'
  ) {
    report.warnAtKey(
      [...path, 'on_timeout'],
      'without a timeout, on_timeout is never started',
      'add timeout',
    )
  }
  return {
    name,
    wait_for: members,
    key: written.key ?? null,
    then: buildSteps(written.then, [...path, 'then'], report),
    timeout_ms: written.timeout === undefined ? null : parseDuration(written.timeout),
    on_timeout,
    on_member_failure: written.on_member_failure ?? 'wait',
    repeat: written.repeat ?? false,
  }
}
