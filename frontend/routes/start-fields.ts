/** The names that `/job_start` keeps for itself, as the OpenAPI document tells of them. */
import type { Field } from './route.ts'

const text = { type: 'string' }
const flag = { type: 'string', enum: ['1', '0'] }
const DURATION = { type: 'string', pattern: '^\\d', examples: ['30s', '15m', '90'] }
const PRIORITY = { type: 'integer', minimum: 0, maximum: 0xffffffff }

export const START_FIELDS: readonly Field[] = [
  { name: 'job_name', description: 'which job', schema: text, required: true },
  {
    name: 'request_id',
    description: 'the same id with the same parameters starts one run, however often it is sent',
    schema: { type: 'string', maxLength: 256 },
  },
  { name: 'priority', description: 'lower goes first', schema: PRIORITY },
  { name: 'delay', description: 'start it so much later', schema: DURATION },
  { name: 'parent_run_id', description: "join that run's flow", schema: text },
  {
    name: 'format',
    description: '`id` answers with the bare run_id and a newline',
    schema: { type: 'string', enum: ['json', 'id'] },
  },
  {
    name: 'wait',
    description: 'answer when it is over, or after so long: 1h at most',
    schema: DURATION,
  },
  {
    name: 'of',
    description: 'with `wait`: until the whole flow is settled',
    schema: { type: 'string', enum: ['run', 'flow'] },
  },
  { name: 'strict', description: 'with `wait`: still going on is 424, not 202', schema: flag },
  {
    name: 'follow',
    description:
      'answer with the output as it comes, as text; a run that fails cuts the body short after a line that says so',
    schema: flag,
  },
]
