/** All that is known of a chaos run from the outside: what was asked, what was answered, what ran, what jobz says. */
import type { RunView } from '../../../common/protocol/answers.ts'

/** An answer over HTTP; no answer at all is none of these. */
export type Answer = {
  readonly status: number
  readonly run_id: string | null
  /** The run's state, as far as the answer names one that is final. */
  readonly final_state: string | null
}

/** One trigger, repeated under its `request_id` until somebody answered. */
export type Request = {
  /** Also the run's `tag` parameter, which its flow carries on. */
  readonly request_id: string
  readonly job: string
  readonly answers: Answer[]
}

/** A cancel or a retry by hand. One without an answer may have happened or not. */
export type Act = {
  readonly kind: 'cancel' | 'retry'
  readonly run_id: string
  tries: number
  readonly answers: Answer[]
}

/** A line of the outside log: a command began, or ended. */
export type Line = {
  readonly what: 'begin' | 'end'
  readonly run_id: string
  readonly attempt: number
  readonly worker: string
  /** Of an end. */
  readonly code: number | null
}

export type History = {
  readonly requests: readonly Request[]
  readonly acts: readonly Act[]
  /** In the order in which they were written. */
  readonly lines: readonly Line[]
  readonly runs: ReadonlyMap<string, RunView>
  /** Keepers that the rig killed. */
  readonly keepers_killed: number
}

export type Violation = {
  readonly kind: 'lost' | 'doubled' | 'hanging' | 'wrong'
  readonly message: string
}

export const FINAL_STATES: ReadonlySet<string> = new Set([
  'succeeded',
  'failed',
  'canceled',
  'expired',
])

/** Half a line, the last one of a command that was killed while it wrote, is none. */
export function parseLine(text: string): Line | null {
  const [what, run_id, attempt, worker, code, ...more] = text.split(' ')
  if ((what !== 'begin' && what !== 'end') || !run_id || !attempt || !worker) return null
  if (more.length > 0 || (what === 'end') !== (code !== undefined)) return null
  return {
    what,
    run_id,
    attempt: Number(attempt),
    worker,
    code: code === undefined ? null : Number(code),
  }
}
