/** What a semaphore process says to the broker, for tests: runs that end, and their arrivals. */
import type { Semaphore } from '../../../common/definition/card.ts'
import { card, semaphore, step } from './cards.ts'
import type { World } from './world.ts'

export type ArriveAnswer = {
  readonly kind: 'counted' | 'repeated' | 'late' | 'unkeyed'
  readonly gate: { readonly generation: number; readonly arrived: readonly number[] } | null
}

export const READY = 'ready'
/** Two members; opens `publish`, and its timeout starts `tell`. */
export const ready = (more: Partial<Semaphore> = {}): Semaphore =>
  semaphore(READY, {
    wait_for: [
      { job: 'index', count: 1, distinct: null },
      { job: 'part', count: 2, distinct: '%(source)s' },
    ],
    key: '%(date)s',
    then: [step('publish')],
    on_timeout: [step('tell')],
    ...more,
  })

export const MEMBERS = ['index', 'part', 'publish', 'tell'].map((job) => card(job))

/** Runs a job to its end on web1, which comes back if it must; returns its run. */
export function ran(
  world: World,
  job: string,
  params: Record<string, string> = {},
  exit_code = 0,
): string {
  if (!world.sessions.has('web1')) world.worker('web1', { cards: MEMBERS, slots: 99 })
  const { run_id } = world.trigger(job, params)
  const task = world.tasks('web1').find((item) => item.run_id === run_id)
  if (!task) throw new Error(`web1 was not given ${job}`)
  world.end('web1', task, { exit_code })
  return run_id
}

type Arriving = { member?: number; distinct?: string | null; key?: string | null; failed?: boolean }

export const arriving = (run_id: string, more: Arriving = {}) => ({
  kind: 'arrive' as const,
  semaphore: READY,
  run_id,
  member: 0,
  distinct: null,
  key: 'k',
  failed: false,
  ...more,
})

/** Tells the broker of an arrival; how it was counted. */
export const arrive = (world: World, run_id: string, more: Arriving = {}): ArriveAnswer =>
  world.result(arriving(run_id, more)) as ArriveAnswer

/** Opens a gate; whether this was the opening. */
export const open = (world: World, generation: number | null = 1, key = 'k'): boolean =>
  (
    world.result({ kind: 'open', semaphore: READY, key, generation, reason: 'test' }) as {
      opened: boolean
    }
  ).opened

/** Says how far the process has followed the feed: to its end. */
export const passAll = (world: World): void => {
  const after = `0-${world.state().feed_head}`
  world.result({ kind: 'place', semaphores: [{ name: READY, after }] })
}
