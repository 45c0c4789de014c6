/** Names that a job's parameters may not have, because they already mean something. */

/** What `/job_start` reads for itself from the query string. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  'job_name',
  'request_id',
  'priority',
  'delay',
  'parent_run_id',
  'format',
  'wait',
  'of',
  'strict',
  'follow',
])

/** What every command, a gate's next step or a failure handler can use as a placeholder without declaring it. */
export const BUILT_IN_NAMES: ReadonlySet<string> = new Set([
  'job_name',
  'run_id',
  'flow_id',
  'worker',
  'attempt',
  'gate_key',
  'failed_job',
  'failed_run_id',
  'failed_workers',
  'exit_code',
  'reason',
  'error_tail',
])

/** Built-in values that are made of other people's text, and so may hold any character. */
export const BUILT_IN_TEXTS: ReadonlySet<string> = new Set(['gate_key', 'reason', 'error_tail'])
