/**
 * What a worker announces of a job: everything but command, environment, directory and user.
 *
 * A card is a job definition with its defaults filled in and its units made plain (milliseconds, bytes). The same
 * schemas check the YAML's result and what comes over the wire, so a card means one thing everywhere.
 */
import { z } from 'zod'

/** The name of a job, topic, lane or semaphore: up to 128 letters, digits, `_`, `.` and `-`; no leading `__`, `.` or `-`. */
export const NAME_PATTERN = /^(?!__)[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
/** The name of a parameter, of an output value or of a placeholder. */
export const PARAM_NAME_PATTERN = /^(?!__)[A-Za-z_][A-Za-z0-9_]{0,63}$/

const name = z.string().regex(NAME_PATTERN)
const paramName = z.string().regex(PARAM_NAME_PATTERN)
const milliseconds = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const count = z.number().int().min(0).max(0xffffffff)

/** `each` may not make more runs than this of one outcome, and all steps of it together … */
export const MOST_COMBINATIONS = 10_000
/** … no more than this. */
const MOST_RUNS = 100_000

/** The rule of one parameter. `pattern` is the source of an expression that matches whole values in linear time. */
export const ParamRule = z.object({
  type: z.enum(['safe', 'text', 'int', 'date', 'enum', 'path']),
  pattern: z.string().max(1024).nullable(),
  values: z.array(z.string()).max(1000).nullable(),
  format: z.string().max(64).nullable(),
  zone: z.string().max(64).nullable(),
  default: z.string().max(4096).nullable(),
  required: z.boolean(),
  allow_dash: z.boolean(),
  secret: z.boolean(),
  description: z.string().max(1024).nullable(),
})
export type ParamRule = z.infer<typeof ParamRule>

/** A next step. Values of `params` and `each` may hold `%(name)s`, filled from the values that are carried. */
export const Step = z.object({
  job: name,
  params: z.record(paramName, z.string().max(4096)),
  priority: count.nullable(),
  delay_ms: milliseconds,
  each: z.record(paramName, z.array(z.string().max(4096)).min(1).max(10_000)),
})
export type Step = z.infer<typeof Step>

/** How many runs a step makes. */
export const combinationsOf = ({ each }: Pick<Step, 'each'>): number =>
  Object.values(each).reduce((product, values) => product * values.length, 1)

/** A list that is nearly always short; bounded so that one card cannot fill a broker. */
const Steps = z
  .array(Step.refine((step) => combinationsOf(step) <= MOST_COMBINATIONS, 'too many combinations'))
  .max(1000)
  .refine(
    (steps) => steps.reduce((sum, step) => sum + combinationsOf(step), 0) <= MOST_RUNS,
    'too many next runs',
  )

export const Retries = z.object({
  limit: count,
  backoff_ms: milliseconds,
  max_backoff_ms: milliseconds,
  exit_codes: z.array(z.number().int().min(1).max(255)).nullable(),
})
export type Retries = z.infer<typeof Retries>

export const Concurrency = z.object({
  limit: z.number().int().min(1).max(0xffffffff),
  key: z.string().max(4096).nullable(),
  per: z.enum(['all', 'worker']),
  when_full: z.enum(['queue', 'refuse', 'replace']),
})
export type Concurrency = z.infer<typeof Concurrency>

export const Card = z.object({
  job: name,
  description: z.string().max(4096).nullable(),
  topic: name,
  deliver: z.enum(['all', 'one']),
  /** How long workers that are away are waited for; 0 is `skip`. */
  offline_wait_ms: milliseconds,
  require: z.union([z.literal('present'), z.literal('all'), z.number().int().min(1)]),
  params: z.record(paramName, ParamRule),
  params_only: z.boolean(),
  on_success: Steps,
  on_failure: Steps,
  on_each_success: Steps,
  on_each_failure: Steps,
  timeout_ms: milliseconds.nullable(),
  kill_after_ms: milliseconds,
  retries: Retries,
  on_lost: z.enum(['retry', 'fail', 'wait']),
  lane: name,
  priority: count,
  concurrency: Concurrency.nullable(),
  expires_ms: milliseconds.nullable(),
  output_limit_bytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
})
export type Card = z.infer<typeof Card>

/** A lane that a definition speaks of; `limit` counts leased and running runs, null is no limit. */
export const LaneLimit = z.object({ limit: count.nullable() })
export const Lanes = z.record(name, LaneLimit)
export type Lanes = z.infer<typeof Lanes>

/** One member of a semaphore: `count` distinct arrivals of a job, told apart by the filled-in text of `distinct`. */
export const Member = z.object({
  job: name,
  count: z.number().int().min(1).max(100_000),
  distinct: z.string().max(4096).nullable(),
})
export type Member = z.infer<typeof Member>

export const Semaphore = z.object({
  name,
  wait_for: z.array(Member).min(1).max(1000),
  /** Text with `%(name)s` placeholders; null is one gate per flow. */
  key: z.string().max(4096).nullable(),
  then: Steps,
  timeout_ms: milliseconds.nullable(),
  on_timeout: Steps,
  on_member_failure: z.enum(['wait', 'fail']),
  repeat: z.boolean(),
})
export type Semaphore = z.infer<typeof Semaphore>
