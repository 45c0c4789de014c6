/**
 * The shapes of answers as schemas. The types in common/protocol/answers.ts are what programs here are checked by; each
 * schema is held to its type by `satisfies`, so the document cannot drift from what is sent.
 */
import { z } from 'zod'
import type * as Answers from '../../common/protocol/answers.ts'

const time = z.string().meta({ format: 'date-time' })
const count = z.number().int().min(0)
const texts = z.record(z.string(), z.string())

const RunState = z.enum([
  'waiting',
  'queued',
  'running',
  'succeeded',
  'failed',
  'canceled',
  'expired',
]) satisfies z.ZodType<Answers.RunState>
const TaskState = z.enum([
  'ready',
  'leased',
  'running',
  'delayed',
  'succeeded',
  'failed',
  'timed_out',
  'canceled',
  'lost',
  'missed',
]) satisfies z.ZodType<Answers.TaskState>

/** What happened to an execution, of a task or of one of its attempts. */
const execution = {
  state: TaskState,
  attempt: count,
  exit_code: z.number().int().nullable(),
  signal: z.string().nullable(),
  reason: z.string().nullable(),
  started_at: time.nullable(),
  finished_at: time.nullable(),
}
const Attempt = z.object({
  ...execution,
  worker: z.string(),
}) satisfies z.ZodType<Answers.AttemptView>
const Task = z.object({
  ...execution,
  task_id: z.string(),
  worker: z.string().nullable(),
  output: texts,
  stdout_bytes: count,
  stderr_bytes: count,
  attempts: z.array(Attempt),
}) satisfies z.ZodType<Answers.TaskView>
const Next = z.union([
  z.object({ on: z.string(), job: z.string(), run_id: z.string(), state: RunState }),
  z.object({
    semaphore: z.string(),
    key: z.string().nullable(),
    generation: z.number().int(),
    late: z.boolean(),
  }),
]) satisfies z.ZodType<Answers.NextView>

const Run = z.object({
  run_id: z.string(),
  flow_id: z.string(),
  parent_run_id: z.string().nullable(),
  retry_of: z.string().nullable(),
  job: z.string(),
  params: texts,
  state: RunState,
  reason: z.string().nullable(),
  lane: z.string(),
  priority: count,
  deliver: z.enum(['all', 'one']),
  created_at: time,
  started_at: time.nullable(),
  finished_at: time.nullable(),
  progress: z.number().nullable(),
  message: z.string().nullable(),
  context: texts,
  tasks: z.array(Task).exactOptional(),
  next: z.array(Next).exactOptional(),
}) satisfies z.ZodType<Answers.RunView>
const Runs = z.object({
  runs: z.array(Run),
  before: z.string().nullable(),
}) satisfies z.ZodType<Answers.RunsAnswer>
const Flow = z.object({
  flow_id: z.string(),
  state: z.enum(['running', 'succeeded', 'failed', 'canceled']),
  settled: z.boolean(),
  runs: z.array(Run),
}) satisfies z.ZodType<Answers.FlowView>
const Explanation = z.object({
  run_id: z.string().nullable(),
  job: z.string(),
  state: RunState.nullable(),
  summary: z.string(),
  details: z.array(z.string()),
  hints: z.array(z.string()),
}) satisfies z.ZodType<Answers.ExplainView>

const accepted = z.object({
  run_id: z.string(),
  flow_id: z.string(),
  job: z.string(),
  state: RunState,
  deliver: z.enum(['all', 'one']),
  workers: count,
  sanitized: z.array(z.string()).exactOptional(),
  undeclared: z.array(z.string()).exactOptional(),
  duplicate: z.literal(true).exactOptional(),
}) satisfies z.ZodType<Answers.TriggerAccepted>
const Started = accepted.extend({
  status_url: z.string(),
  reason: z.string().nullable().exactOptional(),
  finished_at: time.nullable().exactOptional(),
  flow_state: Flow.shape.state.exactOptional(),
  flow_settled: z.boolean().exactOptional(),
})
const Failed = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }),
})

const Job = z.object({
  job: z.string(),
  description: z.string().nullable(),
  topic: z.string(),
  deliver: z.enum(['all', 'one']),
  lane: z.string(),
  priority: count,
  params: z.record(z.string(), z.unknown()),
  on_success: z.array(z.string()),
  on_failure: z.array(z.string()),
  workers: z.array(z.string()),
  drift: z.array(z.string()),
  waiting: count,
  queued: count,
  running: count,
}) satisfies z.ZodType<Answers.JobView>
const Worker = z.object({
  worker: z.string(),
  instance: z.string(),
  version: z.string(),
  state: z.enum(['present', 'draining', 'handing_over', 'away']),
  slots: count,
  running: count,
  credit: count,
  last_heard_at: time,
  jobs: z.array(z.string()),
  reload_error: z.string().nullable(),
  holds: z.array(z.string()),
}) satisfies z.ZodType<Answers.WorkerView>
const members = z.array(z.object({ job: z.string(), count }))
const Gate = z.object({
  key: z.string(),
  generation: count,
  state: z.enum(['gathering', 'open']),
  since: time,
  opened_at: time.nullable(),
  arrived_count: count,
  arrived: z.array(
    z.object({ job: z.string(), distinct: z.string().nullable(), run_id: z.string(), at: time }),
  ),
  missing: members,
  late: count,
}) satisfies z.ZodType<Answers.GateView>
const Semaphore = z.object({
  semaphore: z.string(),
  state: z.enum(['present', 'away']),
  wait_for: members,
  place: z.string().nullable(),
  gates: z.array(Gate),
  unkeyed: z.array(z.object({ run_id: z.string(), missing: z.string().nullable(), at: time })),
}) satisfies z.ZodType<Answers.SemaphoreView>
const Lane = z.object({
  lane: z.string(),
  limit: count.nullable(),
  running: count,
  queued: count,
}) satisfies z.ZodType<Answers.LaneView>
const Refusal = z.object({
  at: time,
  job: z.string(),
  from: z.string().nullable(),
  code: z.string(),
  message: z.string(),
}) satisfies z.ZodType<Answers.RefusalView>
const Event = z.object({
  cursor: z.string(),
  at: time,
  topic: z.string(),
  run_id: z.string().exactOptional(),
  flow_id: z.string().exactOptional(),
  job: z.string().exactOptional(),
  state: RunState.exactOptional(),
  reason: z.string().exactOptional(),
  worker: z.string().exactOptional(),
  semaphore: z.string().exactOptional(),
  key: z.string().exactOptional(),
  generation: count.exactOptional(),
}) satisfies z.ZodType<Omit<Answers.FeedEntry, 'params' | 'output'>>

const Retried = z.object({
  run_id: z.string(),
  flow_id: z.string(),
  retry_of: z.string(),
  state: RunState,
}) satisfies z.ZodType<Answers.RetryAccepted>

/** The document's components, by name; what stands in several places is named, so that it is written once. */
const SCHEMAS = {
  Started,
  StartedMany: z.union([Started, z.array(z.union([Started, Failed]))]),
  RetriedMany: z.array(z.union([Retried, Failed])),
  Run,
  Task,
  Runs,
  Flow,
  Explanation,
  Jobs: z.object({ jobs: z.array(Job) }),
  Workers: z.object({ workers: z.array(Worker) }),
  Semaphores: z.object({ semaphores: z.array(Semaphore) }),
  Lanes: z.object({ lanes: z.array(Lane) }),
  Refusals: z.object({ refusals: z.array(Refusal) }),
  Event,
  Done: z.record(z.string(), z.unknown()),
  Health: z.object({ ok: z.boolean() }),
  Error: Failed,
} as const

/** As parts of a document that already says which dialect it is in. Answers may be given more fields later. */
export function schemaComponents(): Record<string, object> {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(SCHEMAS)) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, {
    io: 'input',
    uri: (id) => `#/components/schemas/${id}`,
  })
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _dialect, $id: _id, ...rest }]) => [id, rest]),
  )
}
