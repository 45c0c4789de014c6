/** Answers of the API as tests need them. */
import type { FlowView, RunView, TaskView } from '../../common/protocol/answers.ts'

export const RUN_ID = '0192f0c1-7a2b-7c3d-8e4f-aaaa6f1c09ab'
export const OTHER_ID = '0192f0c1-7a2b-7c3d-8e4f-bbbb11223344'

export const runView = (differs: Partial<RunView> = {}): RunView => ({
  run_id: RUN_ID,
  flow_id: RUN_ID,
  parent_run_id: null,
  retry_of: null,
  job: 'import_category_dump',
  params: { date: '2026_11_23' },
  state: 'queued',
  reason: null,
  lane: 'main',
  priority: 512,
  deliver: 'all',
  created_at: '2026-11-23T08:15:00.000Z',
  started_at: null,
  finished_at: null,
  progress: null,
  message: null,
  context: {},
  ...differs,
})

const TIMES = { started_at: '2026-11-23T08:15:01.000Z', finished_at: '2026-11-23T08:15:03.500Z' }

export const ended = (state: RunView['state'], differs: Partial<RunView> = {}): RunView =>
  runView({ state, ...TIMES, ...differs })

export const taskView = (differs: Partial<TaskView> = {}): TaskView => ({
  task_id: `${RUN_ID}.0`,
  worker: 'web17',
  state: 'succeeded',
  attempt: 1,
  exit_code: 0,
  signal: null,
  reason: null,
  ...TIMES,
  output: {},
  stdout_bytes: 6,
  stderr_bytes: 0,
  attempts: [],
  ...differs,
})

export const flowView = (
  state: FlowView['state'],
  settled: boolean,
  ...runs: RunView[]
): FlowView => ({ flow_id: RUN_ID, state, settled, runs })

export const accepted = {
  run_id: RUN_ID,
  flow_id: RUN_ID,
  job: 'import_category_dump',
  state: 'queued',
  deliver: 'all',
  workers: 1,
  status_url: `http://127.0.0.1/api/runs/${RUN_ID}`,
} as const

/** Acts on a terminal that lets it through. */
export const HOSTILE = 'web\u001b[2J\u001b]0;owned\u0007\u009b31m17\r\u202e'
/** All that may act on a terminal: any control but the newline. */
// eslint-disable-next-line no-control-regex -- control characters are what it looks for.
export const ACTS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/
