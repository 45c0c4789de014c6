/** Everything that jobz says of its runs, read over HTTP when all is calm. */
import { setTimeout as after } from 'node:timers/promises'
import type { RunsAnswer, RunView } from '../../../common/protocol/answers.ts'
import { checkGates } from './check-gates.ts'
import { FINAL_STATES, type History } from './history.ts'
import { ask } from './http.ts'
import { indexed } from './index-of.ts'

const PAGE = 1_000
const AT_ONCE = 6
const LOOK_MS = 1_000
const TRIES = 20

/** Waits until every run is over and every gate that is complete has opened; false when that took too long. */
export async function settled(
  url: string,
  history: Omit<History, 'runs'>,
  limit_ms: number,
): Promise<boolean> {
  const until_ms = performance.now() + limit_ms
  for (;;) {
    const runs = await listRuns(url)
    const open = [...runs.values()].filter(({ state }) => !FINAL_STATES.has(state))
    const shut = [...checkGates(indexed({ ...history, runs }))].filter(
      ({ kind }) => kind === 'lost',
    )
    if (open.length === 0 && shut.length === 0) return true
    if (performance.now() > until_ms) return false
    await after(LOOK_MS)
  }
}

/** All runs, with their tasks. */
export async function collectRuns(url: string): Promise<Map<string, RunView>> {
  const runs = await listRuns(url)
  const ids = [...runs.keys()]
  const work = async (): Promise<void> => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop())
      runs.set(id, (await read(`${url}/api/runs/${id}`)) as RunView)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return runs
}

async function listRuns(url: string): Promise<Map<string, RunView>> {
  const runs = new Map<string, RunView>()
  for (let before: string | null = ''; before !== null;) {
    const from = before === '' ? '' : `&before=${encodeURIComponent(before)}`
    const page = (await read(`${url}/api/runs?limit=${PAGE}${from}`)) as RunsAnswer
    for (const run of page.runs) runs.set(run.run_id, run)
    before = page.before
  }
  return runs
}

async function read(url: string): Promise<unknown> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const told = await ask(url)
    if (told?.status === 200) return told.body
    await after(LOOK_MS)
  }
  throw new Error(`${url} gives no answer`)
}
