/**
 * The folder that the verbs work in: whether it may be trusted, and one `jobz keys` at a time in it, so that no change of
 * tokens or certificates undoes another one that was made meanwhile.
 */
import { closeSync, existsSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from './trouble.ts'
import { refused } from './verb.ts'
import type { Outcome, Problem, Verb } from './verb.ts'
import { typed } from './words.ts'

export const tokensPath = (folder: string): string => join(folder, 'tokens.yaml')
export const authorityFolder = (folder: string): string => join(folder, 'ca')

/** Runs a verb in its folder, when that may be trusted. */
export async function inFolder(
  folder: string,
  touches: Verb['touches'],
  work: () => Promise<Outcome>,
): Promise<Outcome> {
  if (touches === 'nothing') return work()
  if (touches === 'makes') mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (touches === 'changes' && !existsSync(folder))
    return refused(`there is no folder ${folder}`, 'jobz keys init makes it; --keys names another')
  const problem = placesIn(folder).map(exposure).find(Boolean) ?? null
  if (problem !== null) return problem
  return touches === 'reads' ? work() : alone(folder, work)
}

const placesIn = (folder: string): string[] => [
  folder,
  join(folder, 'authorised'),
  authorityFolder(folder),
]

/** Who may write there may let himself in; and what another user writes there, the daemons refuse to read. */
function exposure(place: string): Problem | null {
  const found = statSync(place, { throwIfNoEntry: false })
  if (found === undefined) return null
  if (!found.isDirectory()) return refused(`${place} is no folder`)
  const me = process.geteuid?.() ?? found.uid
  if (found.uid !== me)
    return refused(
      `${place} belongs to user ${found.uid}, and you are user ${me}`,
      `as its user: sudo -u '#${found.uid}' jobz keys …`,
    )
  if ((found.mode & 0o022) === 0) return null
  return refused(`others may write to ${place}`, `chmod 700 ${typed(place)}`)
}

const LOOK_AGAIN_MS = 50
const PATIENCE_MS = 5_000

async function alone(folder: string, work: () => Promise<Outcome>): Promise<Outcome> {
  const lock = join(folder, '.lock')
  const patience_ends = Date.now() + PATIENCE_MS
  while (!take(lock)) {
    if (Date.now() > patience_ends)
      return refused(
        `another jobz keys works in ${folder}, or one was cut short`,
        `if none does: rm ${typed(lock)}`,
      )
    await sleep(LOOK_AGAIN_MS)
  }
  try {
    return await work()
  } finally {
    rmSync(lock)
  }
}

function take(lock: string): boolean {
  try {
    closeSync(openSync(lock, 'wx', 0o600))
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}
