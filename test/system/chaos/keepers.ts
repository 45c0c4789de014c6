/** A worker's keepers, found as anybody on its host could find them: the shells that it started. */
import { readdirSync, readFileSync } from 'node:fs'
import { attemptOf, readProcess } from '../../../worker/runner/process-table.ts'

export type Found = {
  readonly pid: number
  /** The attempt whose command it runs, as far as a process of it says so. */
  readonly attempt_id: string | null
}

export function keepersOf(worker_pid: number): Found[] {
  const rows = readdirSync('/proc').flatMap((name) => readProcess(Number(name)) ?? [])
  const living = rows.filter(({ zombie }) => !zombie)
  return living
    .filter(({ parent, pid }) => parent === worker_pid && isShell(pid))
    .map(({ pid }) => {
      const inGroup = living.filter((row) => row.group === pid && row.pid !== pid)
      const ids = inGroup.flatMap((row) => attemptOf(row.pid) ?? [])
      return { pid, attempt_id: ids[0] ?? null }
    })
}

function isShell(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('/bin/sh\0')
  } catch {
    return false
  }
}
