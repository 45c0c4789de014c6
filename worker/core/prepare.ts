/**
 * From a task to a command that may start: this worker's own definition decides, and the values are checked again,
 * because a broker that was broken into must not be able to do more than start jobs by their rules.
 */
import type { Job } from '../../common/definition/job.ts'
import { BUILT_IN_NAMES } from '../../common/definition/reserved.ts'
import { placeholdersOf } from '../../common/definition/template.ts'
import { checkParams } from '../../common/definition/values.ts'
import type { AttemptTask } from './state.ts'

export type Prepared =
  | {
      readonly kind: 'ready'
      readonly job: Job
      readonly values: Readonly<Record<string, string>>
    }
  | {
      readonly kind: 'refused'
      readonly reason: 'unknown_job' | 'bad_parameter'
      readonly message: string
    }

export function prepare(
  jobs: ReadonlyMap<string, Job>,
  worker: string,
  task: AttemptTask,
  wall_ms: number,
): Prepared {
  const job = jobs.get(task.job)
  if (!job) {
    const message = `worker ${worker} offers no job ${task.job}: its jobs directory has none, or its topics or its policy leave it out`
    return { kind: 'refused', reason: 'unknown_job', message }
  }
  const secret_names = new Set(task.secret)
  const how = { now_ms: wall_ms, source: 'carried', secret_names } as const
  const checked = checkParams(job.card, task.params, how)
  if (checked.kind === 'bad')
    return { kind: 'refused', reason: 'bad_parameter', message: checked.message }
  const values = gather(checked.params, task, worker)
  for (const name of namesUsed(job)) {
    if (Object.hasOwn(values, name)) continue
    // A parameter that was left out, or a built-in that this kind of run has not, is empty.
    if (Object.hasOwn(job.card.params, name) || BUILT_IN_NAMES.has(name)) values[name] = ''
    else {
      const message = `the command of ${task.job} uses %(${name})s, and the run has no value of that name`
      return { kind: 'refused', reason: 'bad_parameter', message }
    }
  }
  return { kind: 'ready', job, values }
}

/** Later ones win: what the broker knows of the run wins over a parameter of that name, and what we know over that. */
function gather(
  params: Readonly<Record<string, string>>,
  task: AttemptTask,
  worker: string,
): Record<string, string> {
  const values: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(params)) values[name] = value
  for (const [name, value] of Object.entries(task.context)) {
    // These are made of other programs' words (`error_tail`), and no environment can hold a NUL.
    if (BUILT_IN_NAMES.has(name)) values[name] = value.replaceAll('\0', '\uFFFD')
  }
  values['job_name'] = task.job
  values['run_id'] = task.run_id
  values['flow_id'] = task.flow_id
  values['worker'] = worker
  values['attempt'] = String(task.attempt)
  return values
}

const REFERENCE = /\$\{JOBZ_P_([A-Za-z_][A-Za-z0-9_]{0,63})\}/g

function namesUsed(job: Job): string[] {
  const { command } = job
  if (command.kind === 'shell')
    return [...command.text.matchAll(REFERENCE)].map((match) => match[1] ?? '')
  if (!command.template) return []
  return command.argv.flatMap((argument) => placeholdersOf(argument).map(({ name }) => name))
}
