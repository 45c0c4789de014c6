/** What the spool has to tell of an attempt that is over. */
import type { Exit } from '../core/event.ts'
import type { Mask } from './masks.ts'
import { errorTail, readValues, sizeOf } from './outputs.ts'
import type { Spool } from './spool.ts'

/** `dropped` says which lines of its output values were left out, and why. */
export function exitOf(
  spool: Spool,
  entry: string,
  started_at_ms: number | null,
  how: Exit['how'],
  mask: Mask | null,
  /** When it ended, if that was not just now. */
  at_ms: number = Date.now(),
): { readonly exit: Exit; readonly dropped: readonly string[] } {
  const ran = how.kind === 'code' || how.kind === 'killed'
  if (!ran)
    return {
      exit: { ...NOTHING, how, started_at_ms: null, finished_at_ms: at_ms },
      dropped: [],
    }
  const stdout_bytes = sizeOf(spool.pathOf(entry, 'stdout'))
  const stderr_bytes = sizeOf(spool.pathOf(entry, 'stderr'))
  const { values, dropped } = readValues(spool.pathOf(entry, 'output'))
  const exit = {
    how,
    started_at_ms,
    finished_at_ms: at_ms,
    stdout_bytes,
    stderr_bytes,
    output: values,
    error_tail: errorTail(spool.pathOf(entry, 'stderr'), stderr_bytes, mask),
  }
  return { exit, dropped }
}

const NOTHING = { stdout_bytes: 0, stderr_bytes: 0, output: {}, error_tail: '' }
