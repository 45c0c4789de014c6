/** What follows from a job, as a tree: its next steps, the semaphores that it arrives at, and what those start. */
import type { Card, Semaphore, Step } from '../../common/definition/card.ts'
import type { Definitions } from '../../common/definition/job.ts'
import { fillText } from '../../common/definition/template.ts'

export type Branch = {
  /** Why it follows: `on_success`, `semaphore`, `then` …; '' at the root. */
  readonly on: string
  /** The job's or semaphore's name. */
  readonly name: string
  /** What else there is to say about it. */
  readonly notes: readonly string[]
  readonly next: readonly Branch[]
}

const STEPS = ['on_success', 'on_failure', 'on_each_success', 'on_each_failure'] as const

/** The tree of a job. What was shown once is not shown again, so that circles end and joins stay short. */
export function graphOf(
  definitions: Definitions,
  job: string,
  values: Readonly<Record<string, string>>,
): Branch {
  const shown = new Set<string>()
  const stepBranch = (on: string, step: Step): Branch => jobBranch(on, step.job, stepNotes(step))
  const gateBranch = (semaphore: Semaphore, from: string): Branch => {
    const again = seen(shown, `semaphore ${semaphore.name}`)
    const next = again ? [] : semaphore.then.map((step) => stepBranch('then', step))
    const late = again ? [] : semaphore.on_timeout.map((step) => stepBranch('on_timeout', step))
    const notes = [...gateNotes(semaphore, from, values), ...(again ? ['as above'] : [])]
    return { on: 'semaphore', name: semaphore.name, notes, next: [...next, ...late] }
  }
  const jobBranch = (on: string, name: string, notes: readonly string[]): Branch => {
    const card = definitions.jobs.get(name)?.card
    if (!card) return { on, name, notes: [...notes, 'not in these files'], next: [] }
    if (seen(shown, name)) return { on, name, notes: [...notes, 'as above'], next: [] }
    const steps = STEPS.flatMap((key) => card[key].map((step) => stepBranch(key, step)))
    const gates = [...definitions.semaphores.values()]
      .filter((semaphore) => semaphore.wait_for.some((member) => member.job === name))
      .map((semaphore) => gateBranch(semaphore, name))
    return { on, name, notes: [...jobNotes(card), ...notes], next: [...steps, ...gates] }
  }
  return jobBranch('', job, [])
}

function seen(shown: Set<string>, name: string): boolean {
  if (shown.has(name)) return true
  shown.add(name)
  return false
}

const jobNotes = (card: Card): string[] =>
  card.deliver === 'all' ? ['on every worker'] : ['on one worker']

function stepNotes(step: Step): string[] {
  const each = Object.entries(step.each)
  const runs = each.reduce((product, [, values]) => product * values.length, 1)
  const params = Object.entries(step.params).map(([name, value]) => `${name}=${value}`)
  return [
    ...(each.length > 0
      ? [`${runs} runs, one per ${each.map(([name]) => name).join(' and ')}`]
      : []),
    ...(params.length > 0 ? [params.join(' ')] : []),
    ...(step.delay_ms > 0 ? [`after ${step.delay_ms / 1000}s`] : []),
  ]
}

function gateNotes(
  semaphore: Semaphore,
  from: string,
  values: Readonly<Record<string, string>>,
): string[] {
  const key = semaphore.key === null ? null : fillText(semaphore.key, values)
  const gate =
    key === null ? 'one gate per flow' : `gate ${key.kind === 'filled' ? key.text : semaphore.key}`
  const members = semaphore.wait_for.map(({ job, count }) => (count > 1 ? `${count}× ${job}` : job))
  const alone = members.length === 1 && members[0] === from
  return [gate, ...(alone ? [] : [`waits for ${members.join(', ')}`])]
}

/** The tree drawn with lines. */
export function graphLines(branch: Branch): string[] {
  const below = branch.next.flatMap((next, index) => {
    const last = index === branch.next.length - 1
    const [head = '', ...rest] = graphLines(next)
    return [`${last ? '└─' : '├─'} ${head}`, ...rest.map((line) => `${last ? '  ' : '│ '} ${line}`)]
  })
  const on = branch.on === '' ? '' : `${branch.on}: `
  const notes = branch.notes.length === 0 ? '' : ` (${branch.notes.join('; ')})`
  return [`${on}${branch.name}${notes}`, ...below]
}
