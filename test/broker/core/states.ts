/** The drawn life of a run, as a table: which state may follow which. */
import type { RunState } from '../../../common/protocol/answers.ts'

const NEXT: Readonly<Record<RunState | 'new', readonly RunState[]>> = {
  new: ['waiting', 'queued', 'failed'],
  waiting: ['queued', 'failed', 'canceled', 'expired'],
  queued: ['running', 'canceled', 'expired'],
  running: ['succeeded', 'failed', 'canceled'],
  succeeded: [],
  failed: [],
  canceled: [],
  expired: [],
}

export const allowedNext = (state: RunState | 'new'): readonly RunState[] => NEXT[state]
