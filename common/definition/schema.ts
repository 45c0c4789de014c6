/**
 * The keys of a jobs file: the one place that says what may be written. The check of files and the JSON Schema for
 * editors (`docs/jobs.schema.json`) are both made from it; rules that span several keys are in `build-job.ts`.
 */
import { z } from 'zod'
import { NAME_PATTERN, PARAM_NAME_PATTERN } from './card.ts'
import { parseDuration } from './durations.ts'
import { parseSize } from './sizes.ts'

/** Keys that are kept for later versions. */
export const RESERVED_KEYS: ReadonlySet<string> = new Set(['schedule', 'rollout'])

const MOST_COUNT = 0xffffffff

const name = z
  .string()
  .regex(
    NAME_PATTERN,
    'is no name: up to 128 letters, digits, _ . and -, a letter, digit or _ first',
  )
const paramName = z
  .string()
  .regex(
    PARAM_NAME_PATTERN,
    'is no name for a parameter: a letter or _, then up to 63 letters, digits or _',
  )
const text = z.string({ error: 'must be text' })
/** A value keeps the text that was written, so that an editor may accept numbers and the like. */
const value = z
  .union([z.string(), z.number(), z.boolean(), z.null()], { error: 'must be a single value' })
  .transform((written) => String(written ?? ''))
  .pipe(z.string().max(4096, 'is longer than 4096 characters'))
const flag = z.boolean({ error: 'must be true or false' })
const wholeNumber = (least: number, most: number) => {
  const error = `must be a whole number from ${least} to ${most}`
  return z.number({ error }).int(error).min(least, error).max(most, error)
}
const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` })

const durationError = 'must be a duration, such as 90s, 15m, 6h, 2d, or seconds'
const duration = z
  .union([z.number(), z.string()], { error: durationError })
  .refine((written) => parseDuration(written) !== null, durationError)
const sizeError = 'must be a size, such as 512 KiB, 10 MiB, or bytes'
const size = z
  .union([z.number(), z.string()], { error: sizeError })
  .refine((written) => parseSize(written) !== null, sizeError)

const LEAST_MEMORY_BYTES = 4 * 1024 ** 2
const memoryError = 'must be a size of 4 MiB or more, such as 512 MiB'
const memory = z
  .union([z.number(), z.string()], { error: memoryError })
  .refine((written) => (parseSize(written) ?? 0) >= LEAST_MEMORY_BYTES, memoryError)

/** As on Linux; numbers are no names here. `self` is what a worker's policy calls the lack of the key. */
const user = z
  .string({ error: 'must be the name of a user' })
  .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/, 'must be the name of a user, and no number')
  .refine(
    (written) => written !== 'self',
    'must be the name of a user: without it, the worker’s own',
  )

const about = <T extends z.ZodType>(schema: T, description: string) => schema.meta({ description })

export const ParamYaml = z.strictObject({
  type: about(
    oneOf(['safe', 'text', 'int', 'date', 'enum', 'path']),
    'What it may hold; safe unless it says otherwise',
  ).optional(),
  pattern: about(text.max(1024), 'An expression that the whole value must match').optional(),
  values: about(z.array(value).min(1).max(1000), 'For enum: the values').optional(),
  format: about(text.max(64), 'For date: as in strftime, %Y %y %m %d %j %F').optional(),
  zone: about(text.max(64), 'For date: the time zone of "today"').optional(),
  default: about(value, 'Filled in when no value is given').optional(),
  required: about(flag, 'Refuse a trigger without it').optional(),
  allow_dash: about(flag, 'Accept values that begin with -, @ or +').optional(),
  secret: about(flag, 'Never show its value').optional(),
  description: about(text.max(1024), 'For people').optional(),
})

export const StepYaml = z.strictObject({
  job: about(name, 'The job to start'),
  params: about(
    z.record(paramName, value),
    'Its parameters; %(name)s is filled from the values that are carried',
  ).optional(),
  priority: about(wholeNumber(0, MOST_COUNT), 'Lower goes first').optional(),
  delay: about(duration, 'How long to wait first').optional(),
  each: about(
    z.record(paramName, z.array(value).min(1).max(10_000)),
    'One run for each combination',
  ).optional(),
})

const stepsError = 'must be a job, a list of jobs, or {job, params, priority, delay, each}'
const step = z.union([name, StepYaml], { error: stepsError })
const steps = z.union([name, StepYaml, z.array(step).max(1000)], { error: stepsError })

export const RetriesYaml = z.strictObject({
  limit: about(wholeNumber(0, MOST_COUNT), 'How many tries after the first'),
  backoff: about(duration, 'Before the first retry; doubles each time').optional(),
  max_backoff: about(duration, 'The longest wait').optional(),
  exit_codes: about(z.array(wholeNumber(1, 255)).max(255), 'Retry these codes only').optional(),
})

export const ConcurrencyYaml = z.strictObject({
  limit: about(wholeNumber(1, MOST_COUNT), 'How many may run at once'),
  key: about(text.max(4096), 'One limit for each value of this text').optional(),
  per: about(oneOf(['all', 'worker']), 'Counted over all workers, or on each').optional(),
  when_full: about(oneOf(['queue', 'refuse', 'replace']), 'What happens to one more').optional(),
})

/** What the host's kernel enforces; the rest of a definition never needs it. */
export const LimitsYaml = z.strictObject({
  memory: about(memory, 'What each process of it may allocate').optional(),
  tasks: about(
    wholeNumber(1, 4_194_304),
    'Processes and threads that its user may have, those of other commands counted',
  ).optional(),
  files: about(wholeNumber(16, 1_048_576), 'What each process of it may have open').optional(),
})

const offlineError = 'must be skip, or wait and a duration, such as wait 6h'
const offline = text.refine((written) => offlineOf(written) !== null, offlineError)

/** How long `offline` waits: 0 for `skip`, null for what is neither. */
export function offlineOf(written: string): number | null {
  if (written === 'skip') return 0
  const match = /^wait +(\S+)$/.exec(written)
  return match === null ? null : parseDuration(match[1] ?? '')
}

/** The keys that `defaults` may give to every job of its file. */
export const DefaultsYaml = z.strictObject({
  shell: about(
    z.array(text).min(1).max(20),
    'What runs a command that is text; the text comes last',
  ).optional(),
  template: about(flag, 'false leaves the command as it is written').optional(),
  deliver: about(
    oneOf(['all', 'one']),
    'Every subscribed worker runs it, or exactly one',
  ).optional(),
  offline: about(offline, 'Workers that are away are missed, or waited for').optional(),
  require: about(
    z.union([z.enum(['present', 'all']), wholeNumber(1, MOST_COUNT)], {
      error: 'must be present, all, or a number of workers',
    }),
    'How many workers must succeed',
  ).optional(),
  params_only: about(flag, 'Refuse parameters that are not declared').optional(),
  on_success: about(steps, 'Started once when a run succeeds').optional(),
  on_failure: about(steps, 'Started once when a run fails or expires').optional(),
  on_each_success: about(steps, 'Started for each worker that succeeds').optional(),
  on_each_failure: about(steps, 'Started for each worker that fails').optional(),
  timeout: about(duration, 'Stop the command after this').optional(),
  kill_after: about(duration, 'From TERM to KILL').optional(),
  retries: about(
    z.union([wholeNumber(0, MOST_COUNT), RetriesYaml], {
      error: 'must be a number, or {limit, backoff, max_backoff, exit_codes}',
    }),
    'How often to try again',
  ).optional(),
  on_lost: about(
    oneOf(['retry', 'fail', 'wait']),
    'When a worker does not come back in time',
  ).optional(),
  lane: about(name, 'The queue it waits in').optional(),
  priority: about(wholeNumber(0, MOST_COUNT), 'Lower goes first').optional(),
  concurrency: about(ConcurrencyYaml, 'How many of its runs may run at once').optional(),
  env: about(z.record(z.string(), value), 'Environment variables, as they are').optional(),
  env_file: about(
    text.min(1).max(4096),
    'A file of NAME=value lines that only its owner may read',
  ).optional(),
  user: about(user, 'Who it runs as; the user of the worker unless it says otherwise').optional(),
  limits: about(LimitsYaml, 'What its processes may use').optional(),
  cwd: about(text.min(1).max(4096), 'Where the command runs; relative to this file').optional(),
  expires: about(duration, 'A run that is not started by then ends').optional(),
  output_limit: about(size, 'Kept of each stream').optional(),
})

export const JobYaml = z.strictObject({
  description: about(text.max(4096), 'For people').optional(),
  command: about(
    z.union(
      [
        z.string().min(1, 'must not be empty'),
        z.array(value).min(1, 'must not be empty').max(1000),
      ],
      {
        error: 'must be text for the shell, or a list of arguments',
      },
    ),
    'Text for the shell, or a list of arguments without one',
  ),
  topic: about(
    name,
    'What workers subscribe to; the name of the job unless it says otherwise',
  ).optional(),
  params: about(z.record(paramName, ParamYaml.nullable()), 'The parameters it knows').optional(),
  ...DefaultsYaml.shape,
})

export const MemberYaml = z.strictObject({
  job: about(name, 'The job whose successful runs arrive'),
  count: about(wholeNumber(1, 100_000), 'How many').optional(),
  distinct: about(text.max(4096), 'What tells them apart').optional(),
})

const memberError = 'must be a job, or {job, count, distinct}'
export const SemaphoreYaml = z.strictObject({
  wait_for: about(
    z
      .array(z.union([name, MemberYaml], { error: memberError }), {
        error: 'must be a list of jobs',
      })
      .min(1)
      .max(1000),
    'What must have arrived',
  ),
  key: about(
    text.max(4096),
    'One gate for each value of this text; one for each flow without it',
  ).optional(),
  then: about(steps, 'Started once when all have arrived'),
  timeout: about(duration, 'From the first arrival').optional(),
  on_timeout: about(steps, 'Started once when they have not').optional(),
  on_member_failure: about(oneOf(['wait', 'fail']), 'fail starts on_timeout at once').optional(),
  repeat: about(flag, 'Close again once it is open').optional(),
})

export const LaneYaml = z.strictObject({
  limit: about(wholeNumber(0, MOST_COUNT), 'How many may run at once').nullable().optional(),
})

export const FileYaml = z.strictObject({
  defaults: about(
    DefaultsYaml,
    'For every job of this file that does not say otherwise',
  ).optional(),
  lanes: about(z.record(name, LaneYaml.nullable()), 'Queues and their limits').optional(),
  jobs: about(z.record(name, JobYaml), 'Jobs by name').optional(),
  semaphores: about(z.record(name, SemaphoreYaml), 'Fan-ins by name').optional(),
})
export type FileYaml = z.output<typeof FileYaml>
export type JobYaml = z.output<typeof JobYaml>
export type StepsYaml = z.output<typeof steps>
export type SemaphoreYaml = z.output<typeof SemaphoreYaml>
export type ParamYaml = z.output<typeof ParamYaml>

/** The JSON Schema of a jobs file, for editors. */
export function jobsJsonSchema(): object {
  const schema = z.toJSONSchema(FileYaml, { target: 'draft-7', io: 'input', reused: 'inline' })
  return { title: 'jobz: a file of job definitions', ...schema }
}
