/**
 * Limits of a job, as words before its command: `prlimit` sets them for itself and becomes the command, so that all of its
 * processes have them from the start.
 *
 * Memory is what a process allocates for itself (RLIMIT_DATA). Its address space would be the stricter measure, but
 * programs such as Node, Java and Go reserve far more of that than they use, and would not even start.
 */
import { readFileSync } from 'node:fs'
import type { CommandLimits } from '../../common/definition/job.ts'
import { findTool } from './tools.ts'

export type LimitWords =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'impossible'; readonly message: string }

/** The key, its option, and its name in `/proc/self/limits`. */
const LIMITS = [
  ['memory_bytes', 'memory', '--data', 'Max data size'],
  ['tasks', 'tasks', '--nproc', 'Max processes'],
  ['files', 'files', '--nofile', 'Max open files'],
] as const

/** @param uid Root may raise what it was given itself, others only lower it. */
export function limitWords(
  limits: CommandLimits,
  uid: number,
  environment: Readonly<Record<string, string>>,
): LimitWords {
  const wanted = LIMITS.flatMap(([field, key, option, title]) => {
    const most = limits[field]
    return most === null ? [] : [{ most, key, option, title }]
  })
  if (wanted.length === 0) return { kind: 'words', words: [] }
  const program = findTool('prlimit', environment)
  if (program === null) {
    const message = 'its limits need prlimit, and the worker finds none: install util-linux'
    return { kind: 'impossible', message }
  }
  const own = readFileSync('/proc/self/limits', 'utf8')
  for (const { most, key, title } of wanted) {
    const hard = hardLimit(own, title)
    if (uid === 0 || most <= hard) continue
    const message = `limits: ${key}: ${most} is more than the worker itself may have (${hard}): lower it, or start the worker with more`
    return { kind: 'impossible', message }
  }
  const options = wanted.map(({ option, most }) => `${option}=${most}`)
  return { kind: 'words', words: [program, ...options, '--'] }
}

/** From a line such as `Max open files            1024                 4096                 files`. */
function hardLimit(text: string, title: string): number {
  const line = text.split('\n').find((line) => line.startsWith(title)) ?? ''
  const [, hard = 'unlimited'] = line.slice(title.length).trim().split(/\s+/)
  return hard === 'unlimited' ? Infinity : Number(hard)
}
