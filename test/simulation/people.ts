/** People at the company: they start runs, cancel and retry them, drain and resume workers, and edit the jobs. */
import { isRunOver, type RunRow } from './facts.ts'
import { STARTED } from './site.ts'
import type { World } from './story.ts'

export type People = {
  /** From here on they only see to it that what never ends by itself is ended. */
  goHome(): void
  /** They have nothing left to ask for. */
  isOver(): boolean
}

/** A command without an end; and a job that waits for its worker, however long that is away. */
const ENDED_BY_HAND: ReadonlySet<string> = new Set(['endless', 'patient'])

export function openPeople(world: World): People {
  const { agenda, chance, facts, clients, workers, broker } = world
  const between_ms = chance.between(800, 5_000)
  let asks = 0
  let is_home = false
  const canceled = new Set<string>()

  const client = (): World['clients'][number] => chance.pick(clients)
  const ask = (job: string, mark: string): void => {
    asks += 1
    client().trigger(
      { ask: `ask${asks}`, job, mark },
      { again: chance.maybe(0.3), delay_ms: chance.maybe(0.1) ? chance.integer(1, 8_000) : 0 },
    )
  }
  /** Some run of the latest. */
  const someRun = (): RunRow | undefined => {
    const rows = [...facts.runs.values()].slice(-30)
    return rows.length === 0 ? undefined : chance.pick(rows)
  }
  const cancel = (run_id: string): void => {
    if (canceled.has(run_id)) return
    canceled.add(run_id)
    client().cancel(run_id)
  }
  const retry = (): void => {
    const failed = [...facts.runs.values()].filter(({ state }) => state === 'failed')
    const run = failed.at(-chance.integer(1, 5))
    if (run) client().say({ kind: 'retry', run_id: run.run_id })
  }
  const acts: readonly (readonly [weight: number, act: () => void])[] = [
    [20, () => ask(chance.pick(STARTED), `m${chance.integer(1, 6)}`)],
    [4, () => ask('split', `m${chance.integer(1, 6)}`)],
    [3, () => Array.from({ length: 5 }, () => ask(chance.pick(STARTED), 'burst'))],
    [2, () => cancel(someRun()?.run_id ?? '')],
    [2, retry],
    [
      1,
      () =>
        client().say({
          kind: 'worker',
          worker: chance.pick(workers).process.name,
          action: 'drain',
        }),
    ],
    [
      2,
      () =>
        client().say({
          kind: 'worker',
          worker: chance.pick(workers).process.name,
          action: 'resume',
        }),
    ],
    [
      1,
      () =>
        client().say({
          kind: 'worker',
          worker: chance.pick(workers).process.name,
          action: 'forget',
        }),
    ],
    [1, () => chance.pick(workers).reload(chance.integer(0, 1))],
    [1, () => client().say({ kind: 'report', run_id: someRun()?.run_id ?? '', message: 'well' })],
  ]
  const weights = acts.flatMap(([weight, act]) => Array.from({ length: weight }, () => act))
  const act = (): void => {
    if (is_home) return
    chance.pick(weights)()
    agenda.after(chance.between(0, 2 * between_ms), act)
  }
  /** At home: what is drained is resumed, and what would run for ever is canceled. */
  const tidy = (): void => {
    for (const { name, draining } of broker.process.isUp() ? broker.state().workers.values() : [])
      if (draining) client().say({ kind: 'worker', worker: name, action: 'resume' })
    for (const row of facts.runs.values())
      if (ENDED_BY_HAND.has(row.job) && !isRunOver(row)) cancel(row.run_id)
    agenda.after(5_000, tidy)
  }
  agenda.after(chance.between(0, 3_000), act)
  return {
    goHome: () => {
      is_home = true
      tidy()
    },
    isOver: () => is_home,
  }
}
