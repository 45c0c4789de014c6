/** How an attempt came to its end, by what the spool has to tell of it. */
import type { Exit } from '../core/event.ts'
import { whyNotBegun } from './as-user.ts'
import type { LaunchOptions } from './launch.ts'
import type { Mask } from './masks.ts'
import { errorTail, readValues, sizeOf } from './outputs.ts'
import { BOOT_ID } from './process-table.ts'
import type { Spool } from './spool.ts'
import type { Tree } from './tree.ts'

/** What is looked at of a command. */
type Ended = { readonly entry: string; readonly user: string | null; readonly tree: Tree }

/** TERM would end it by now. */
export const hasBegun = (spool: Spool, { entry, user }: Pick<Ended, 'entry' | 'user'>): boolean =>
  spool.hasMark(entry) && (user === null || !spool.hasScript(entry))

/** What a code says; one that comes before the command began is of what should have begun it. */
export function howOfCode(
  spool: Spool,
  command: Pick<Ended, 'entry' | 'user'>,
  exit_code: number,
  worker: Pick<LaunchOptions, 'own' | 'means'>,
): Exit['how'] {
  const { entry, user } = command
  // That it went well says that it began, without a look at the disk.
  if ((exit_code === 0 && user === null) || hasBegun(spool, command))
    return { kind: 'code', exit_code }
  const stderr = spool.pathOf(entry, 'stderr')
  const said = errorTail(stderr, sizeOf(stderr), null)
  const message =
    user !== null && spool.hasMark(entry)
      ? whyNotBegun({ ...worker, user, exit_code, said })
      : 'the files for its output could not be made'
  return { kind: 'not_started', message }
}

/** All of it is gone, and there is no code. */
export function howWithoutCode(spool: Spool, command: Ended): Exit['how'] {
  // Its mark may be lost with the host's last seconds, so after a reboot it counts as begun.
  if (command.tree.keeper.boot_id !== BOOT_ID)
    return { kind: 'killed', message: 'the host was started anew while it ran' }
  if (!hasBegun(spool, command)) return { kind: 'never_ran' }
  return { kind: 'killed', message: 'its processes were killed, and left no exit code' }
}

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
  const { values, dropped } = spool.hasScript(entry)
    ? { values: {}, dropped: [] }
    : readValues(spool.pathOf(entry, 'output'))
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
