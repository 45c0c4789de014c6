/** Which job leads to which: steps to jobs that nobody defined, and circles. Both may be meant, so both are warnings. */
import type { Semaphore, Step } from './card.ts'
import type { Job } from './job.ts'
import { nearestName } from './nearest.ts'

/** One arrow of the graph. `key` says by what it is drawn: `on_success`, `then` … */
export type Edge = { readonly from: string; readonly to: string; readonly key: string }

export type Unknown = {
  readonly owner: string
  readonly key: string
  readonly job: string
  readonly near: string | null
}

const STEP_KEYS = ['on_success', 'on_failure', 'on_each_success', 'on_each_failure'] as const

/** The steps of a job that lead to jobs outside of `jobs`. */
export function unknownSteps(job: Job, jobs: ReadonlyMap<string, Job>): Unknown[] {
  return STEP_KEYS.flatMap((key) => unknownIn(job.card.job, key, job.card[key], jobs))
}

/** The members and steps of a semaphore that are outside of `jobs`. */
export function unknownMembers(semaphore: Semaphore, jobs: ReadonlyMap<string, Job>): Unknown[] {
  const keys = ['wait_for', 'then', 'on_timeout'] as const
  return keys.flatMap((key) => unknownIn(semaphore.name, key, semaphore[key], jobs))
}

function unknownIn(
  owner: string,
  key: string,
  named: readonly Pick<Step, 'job'>[],
  jobs: ReadonlyMap<string, Job>,
): Unknown[] {
  const names = new Set(named.map((one) => one.job).filter((job) => !jobs.has(job)))
  return [...names].map((job) => ({ owner, key, job, near: nearestName(job, jobs.keys()) }))
}

/** Every arrow between jobs; a semaphore draws one from each member to each of its next steps. */
export function edgesOf(
  jobs: ReadonlyMap<string, Job>,
  semaphores: ReadonlyMap<string, Semaphore>,
): Edge[] {
  const edges: Edge[] = []
  for (const { card } of jobs.values()) {
    for (const key of STEP_KEYS) {
      for (const step of card[key]) edges.push({ from: card.job, to: step.job, key })
    }
  }
  for (const semaphore of semaphores.values()) {
    for (const member of semaphore.wait_for) {
      const key = `semaphore ${semaphore.name}`
      for (const step of [...semaphore.then, ...semaphore.on_timeout]) {
        edges.push({ from: member.job, to: step.job, key })
      }
    }
  }
  return edges
}

/** The circles of the graph, as the jobs on it in order. Walks without calling itself: chains may be long. */
export function circlesOf(edges: readonly Edge[]): string[][] {
  const arrows = new Map<string, Set<string>>()
  for (const { from, to } of edges) arrows.set(from, (arrows.get(from) ?? new Set()).add(to))
  const following = new Map([...arrows].map(([from, targets]) => [from, [...targets]]))
  const done = new Set<string>()
  const circles: string[][] = []
  for (const start of following.keys()) {
    const path: string[] = []
    const waiting: { readonly job: string; next: number }[] = []
    const enter = (job: string): void => {
      path.push(job)
      waiting.push({ job, next: 0 })
    }
    if (!done.has(start)) enter(start)
    for (let top = waiting.at(-1); top !== undefined; top = waiting.at(-1)) {
      const to = following.get(top.job)?.[top.next]
      top.next += 1
      if (to === undefined) {
        done.add(top.job)
        path.pop()
        waiting.pop()
      } else if (path.includes(to)) circles.push(path.slice(path.indexOf(to)))
      else if (!done.has(to)) enter(to)
    }
  }
  return circles
}
