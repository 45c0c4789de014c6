/**
 * All processes of one attempt: those of its keeper's group, and those elsewhere whose environment has its id.
 *
 * A command may leave processes behind when it ends, as under cron, and they stay in the keeper's group. They belong to
 * nobody then: when a later command of the same keeper is stopped, they are spared. They carry another attempt's id, or
 * began before the later command did.
 */
import type { ProcessIdentity, ProcessRow } from './process-table.ts'
import { attemptOf, isAlive, listProcesses } from './process-table.ts'
import type { SignalAs } from './signal-as.ts'

export type Tree = {
  readonly attempt_id: string
  readonly keeper: ProcessIdentity
  /** When the command's first process began, in ticks; null until it was seen. */
  since_ticks: number | null
  /** Where its processes are another user's, and only that user's to signal. */
  readonly signalAs: SignalAs | null
}

/** Sends TERM to all. False when there was nothing to send it to: it is not there yet, or over. */
export async function terminateTree(tree: Tree): Promise<boolean> {
  const { own, spared } = findTree(tree)
  const inGroup = own.filter((row) => row.group === tree.keeper.pid)
  // One call reaches all of the group in one instant, even what it forks right now.
  if (inGroup.length > 0 && spared.length === 0) signal(-tree.keeper.pid, 'SIGTERM')
  else for (const row of inGroup) signal(row.pid, 'SIGTERM')
  for (const row of own) if (row.group !== tree.keeper.pid) signal(row.pid, 'SIGTERM')
  if (tree.signalAs === null) return own.length > 0
  return Boolean(await tree.signalAs('TERM', tree.attempt_id, pidsOf(own)))
}

const KILL_ROUNDS = 20
const KILL_PAUSE_MS = 5

/** Kills all, and the keeper too, until nothing is left (or a process hangs in the kernel). */
export async function killTree(tree: Tree): Promise<void> {
  let { signalAs } = tree
  for (let round = 0; round < KILL_ROUNDS; round += 1) {
    const { own, spared } = findTree(tree)
    const keeperLives = isAlive(tree.keeper)
    if (keeperLives && spared.length === 0) signal(-tree.keeper.pid, 'SIGKILL')
    else if (keeperLives) signal(tree.keeper.pid, 'SIGKILL')
    for (const row of own) signal(row.pid, 'SIGKILL')
    // What left the group is seen by its own user alone, so that nothing is left is for that one to say.
    const elsewhere = signalAs && (await signalAs('KILL', tree.attempt_id, pidsOf(own)))
    if (elsewhere === null) signalAs = null
    if (own.length === 0 && !keeperLives && !elsewhere) return
    await new Promise((resolve) => setTimeout(resolve, KILL_PAUSE_MS))
  }
}

function findTree(tree: Tree): { own: ProcessRow[]; spared: ProcessRow[] } {
  const own: ProcessRow[] = []
  const spared: ProcessRow[] = []
  const { keeper, attempt_id } = tree
  const rows = listProcesses().filter((row) => !row.zombie)
  // A group outlives its leader, but a pid that another process has now says nothing about a group.
  const leader = rows.find((row) => row.pid === keeper.pid)
  const groupIsOurs = leader === undefined || leader.start_ticks === keeper.start_ticks
  const first = rows.filter((row) => row.parent === keeper.pid && leader && groupIsOurs)
  for (const row of first) tree.since_ticks ??= row.start_ticks
  // Without its keeper a group gets no new commands, so what is in it and has no other's id is this one's.
  const since = tree.since_ticks ?? (leader ? Infinity : 0)
  for (const row of rows) {
    if (row.pid === keeper.pid || row.pid === process.pid) continue
    const inGroup = groupIsOurs && row.group === keeper.pid
    const id = attemptOf(row.pid)
    if (id === attempt_id || (inGroup && id === null && row.start_ticks >= since)) own.push(row)
    else if (inGroup) spared.push(row)
  }
  return { own, spared }
}

const pidsOf = (rows: readonly ProcessRow[]): number[] => rows.map(({ pid }) => pid)

/** What is gone already needs no signal, and what belongs to another user gets none. */
function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name)
  } catch {
    // ESRCH or EPERM.
  }
}
