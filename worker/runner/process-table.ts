/** The host's processes as /proc shows them: who lives, since when, in which group, and for which attempt. */
import { readdirSync, readFileSync } from 'node:fs'
import { z } from 'zod'

/** What tells a process from a later one with the same pid: when it started (in ticks), and in which boot. */
export const ProcessIdentity = z.object({
  pid: z.number().int().min(1),
  start_ticks: z.number().int().min(0),
  boot_id: z.string().max(64),
})
export type ProcessIdentity = z.infer<typeof ProcessIdentity>

export type ProcessRow = {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly start_ticks: number
  /** It is over, and only its parent has not looked yet. */
  readonly zombie: boolean
}

export const BOOT_ID: string = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

/** Null when there is no such process. */
export function readProcess(pid: number): ProcessRow | null {
  const stat = readProc(`/proc/${pid}/stat`)
  if (stat === null) return null
  // The name stands in parentheses and may hold anything, spaces and parentheses too.
  const fields = stat
    .toString('latin1')
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
  return {
    pid,
    parent: Number(fields[1]),
    group: Number(fields[2]),
    start_ticks: Number(fields[19]),
    zombie: fields[0] === 'Z' || fields[0] === 'X',
  }
}

export function listProcesses(): ProcessRow[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((row) => row !== null)
}

export function identify(pid: number): ProcessIdentity | null {
  const row = readProcess(pid)
  return row && { pid, start_ticks: row.start_ticks, boot_id: BOOT_ID }
}

export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.boot_id !== BOOT_ID) return false
  const row = readProcess(identity.pid)
  return row !== null && !row.zombie && row.start_ticks === identity.start_ticks
}

const MARK = Buffer.from('JOBZ_ATTEMPT_ID=')

/** The attempt that a process was started for, by its environment; null when it says nothing or may not be read. */
export function attemptOf(pid: number): string | null {
  const environment = readProc(`/proc/${pid}/environ`)
  if (environment === null) return null
  let at = environment.indexOf(MARK)
  while (at > 0 && environment[at - 1] !== 0) at = environment.indexOf(MARK, at + 1)
  if (at === -1) return null
  const end = environment.indexOf(0, at)
  return environment.toString('utf8', at + MARK.length, end === -1 ? undefined : end)
}

/** A process may end between any two looks at it. */
function readProc(path: string): Buffer | null {
  try {
    return readFileSync(path)
  } catch {
    return null
  }
}
