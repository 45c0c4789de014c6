/** Made-up histories: a whole one, which tests then break in one place. */
import type { RunView, TaskView } from '../../../common/protocol/answers.ts'
import { type History, type Line, parseLine } from './history.ts'
import { PARTS } from './jobs.ts'

export type Made = { -readonly [K in keyof History]: History[K] } & {
  runs: Map<string, RunView>
  lines: Line[]
}

export const task = (run_id: string, more: Partial<TaskView> = {}): TaskView => {
  const { worker = 'web1', state = 'succeeded', attempt = 1, exit_code = 0, reason = null } = more
  const times = { started_at: null, finished_at: null, signal: null }
  return {
    task_id: `${run_id}.0`,
    worker,
    state,
    attempt,
    exit_code,
    reason,
    ...times,
    output: {},
    stdout_bytes: 0,
    stderr_bytes: 0,
    attempts: Array.from({ length: attempt }, (_, n) => ({
      attempt: n + 1,
      worker: worker ?? '',
      state,
      exit_code,
      reason,
      ...times,
    })),
    ...more,
  }
}

/** A run on one worker, which succeeded unless it says otherwise. */
export const run = (run_id: string, job: string, more: Partial<RunView> = {}): RunView => ({
  run_id,
  flow_id: run_id,
  parent_run_id: null,
  retry_of: null,
  job,
  state: 'succeeded',
  reason: null,
  lane: 'main',
  priority: 512,
  deliver: 'one',
  created_at: '',
  context: {},
  started_at: null,
  finished_at: null,
  progress: null,
  message: null,
  next: [],
  tasks: [task(run_id)],
  ...more,
  params: { key: 'k', ...more.params },
})

export const lines = (...texts: string[]): Line[] => texts.flatMap((text) => parseLine(text) ?? [])
export const ran = (run_id: string, code = 0, attempt = 1): Line[] =>
  lines(`begin ${run_id} ${attempt} web1`, `end ${run_id} ${attempt} web1 ${code}`)

const member = (source: string): RunView =>
  run(`part${source}`, 'part', { params: { source }, parent_run_id: 's' })

/** Everything as it should be: a chain, a failure with its handler and its retry, a cancel, a fan-in. */
export function whole(): Made {
  const failed = { state: 'failed' as const, tasks: [task('b', { state: 'failed', exit_code: 3 })] }
  const again = { state: 'failed' as const, tasks: [task('b2', { state: 'failed', exit_code: 3 })] }
  const runs = [
    run('f', 'first', { params: { tag: 'r1' } }),
    run('g', 'second', { parent_run_id: 'f', params: { tag: 'r1' } }),
    run('h', 'third', { parent_run_id: 'g', params: { tag: 'r1' } }),
    run('b', 'broken', { ...failed, params: { tag: 'r2' } }),
    run('t', 'tell', { parent_run_id: 'b', params: { tag: 'r2' } }),
    run('b2', 'broken', { ...again, parent_run_id: 'b', retry_of: 'b', params: { tag: 'r2' } }),
    run('t2', 'tell', { parent_run_id: 'b2', params: { tag: 'r2' } }),
    run('o', 'once', { params: { tag: 'r3' } }),
    run('c', 'slow', { state: 'canceled', tasks: [], params: { tag: 'r4' } }),
    run('s', 'split', { params: { tag: 'r5' } }),
    ...PARTS.map(member),
    run('j', 'join', { parent_run_id: 'part5', context: { gate_key: 'k' } }),
  ]
  const accepted = { status: 202, final_state: null }
  return {
    requests: [
      ['r1', 'first', 'f'],
      ['r2', 'broken', 'b'],
      ['r3', 'once', 'o'],
      ['r4', 'slow', 'c'],
      ['r5', 'split', 's'],
    ].map(([request_id = '', job = '', run_id = '']) => ({
      request_id,
      job,
      answers: [{ ...accepted, run_id }],
    })),
    acts: [
      { kind: 'cancel', run_id: 'c', tries: 1, answers: [{ ...accepted, run_id: 'c' }] },
      { kind: 'retry', run_id: 'b', tries: 1, answers: [{ ...accepted, run_id: 'b2' }] },
    ],
    lines: [
      ...['f', 'g', 'h'].flatMap((id) => ran(id)),
      ...ran('b', 3),
      ...ran('t'),
      ...ran('b2', 3),
      ...['t2', 'o', 's', ...PARTS.map((source) => `part${source}`), 'j'].flatMap((id) => ran(id)),
    ],
    runs: new Map(runs.map((one) => [one.run_id, one])),
    keepers_killed: 0,
  }
}
