/** The users' side of a simulated world: which jobs, lanes and semaphores there are, and which workers run them. */
import type { Card, Lanes, Semaphore, Step } from '../../common/definition/card.ts'
import type { Job } from '../../common/definition/job.ts'
import { card as plainCard, semaphore, step } from '../broker/core/cards.ts'
import type { Chance } from './chance.ts'

export type WorkerPlan = {
  readonly name: string
  readonly slots: number
  readonly jobs: ReadonlyMap<string, Job>
}

export type Scenario = {
  readonly cards: ReadonlyMap<string, Card>
  readonly lanes: Lanes
  readonly semaphores: ReadonlyMap<string, Semaphore>
  readonly workers: readonly WorkerPlan[]
  /** Jobs that are triggered from outside. */
  readonly triggered: readonly string[]
  readonly triggers: number
  /** How long faults and triggers go on, in ms. */
  readonly busy_ms: number
  /** How many copies of the semaphore process run. */
  readonly copies: number
}

/** A job that starts itself for ever, and one whose command takes its host with it, spool and all. */
export const LOOP = 'loop'
export const KILLER = 'killer'
const SINK = 'sink'
const HANDLER = 'handler'
export const KEYS = ['a', 'b', 'c'] as const

const SAFE = {
  type: 'safe',
  pattern: null,
  values: null,
  format: null,
  zone: null,
  default: null,
  required: false,
  allow_dash: false,
  secret: false,
  description: null,
} as const

export function chooseScenario(chance: Chance): Scenario {
  const names = Array.from({ length: chance.between(3, 7) }, (_, n) => `job${n}`)
  const cards = new Map<string, Card>()
  for (const [n, name] of names.entries())
    cards.set(name, chooseCard(chance, name, [...names.slice(n + 1), SINK]))
  cards.set(SINK, chooseCard(chance, SINK, []))
  cards.set(HANDLER, { ...chooseCard(chance, HANDLER, []), deliver: 'one' })
  const triggered = [...names]
  if (chance.happens(0.06)) {
    const steps = { on_success: [step(LOOP)] }
    cards.set(LOOP, plainCard(LOOP, { ...steps, lane: 'loops', on_lost: chance.pick(ON_LOST) }))
    triggered.push(LOOP)
  }
  if (chance.happens(0.12)) {
    const on_failure = chance.some([step(HANDLER)], 0.5)
    cards.set(KILLER, plainCard(KILLER, { on_failure, on_lost: 'retry' }))
    triggered.push(KILLER)
  }
  const semaphores = chance.happens(0.6) ? chooseSemaphores(chance, names) : []
  return {
    cards,
    lanes: {
      main: { limit: null },
      narrow: { limit: chance.between(1, 2) },
      wide: { limit: chance.between(2, 5) },
    },
    semaphores: new Map(semaphores.map((item) => [item.name, item])),
    workers: chooseWorkers(chance, cards),
    triggered,
    triggers: chance.between(4, 24),
    busy_ms: chance.between(60_000, 300_000),
    copies: semaphores.length === 0 ? 0 : chance.between(1, 2),
  }
}

const ON_LOST = ['retry', 'retry', 'fail', 'wait'] as const

function chooseCard(chance: Chance, job: string, later: readonly string[]): Card {
  const steps = (most: number): Step[] =>
    later.length === 0
      ? []
      : Array.from({ length: chance.between(0, most) }, () => chooseStep(chance, later))
  const sometimes = <T>(probability: number, item: () => T): T | null =>
    chance.happens(probability) ? item() : null
  const limit = chance.happens(0.5) ? 0 : chance.between(1, 3)
  return plainCard(job, {
    deliver: chance.happens(0.7) ? 'one' : 'all',
    offline_wait_ms: chance.pick([0, 0, 60_000]),
    require: chance.pick(['present', 'present', 'all', 1]),
    params: { k: SAFE, part: SAFE },
    on_success: steps(chance.pick([0, 1, 1, 2])),
    on_failure: job === SINK || job === HANDLER ? [] : chance.some([step(HANDLER)], 0.4),
    on_each_success: later.length > 0 && chance.happens(0.1) ? [step(SINK)] : [],
    on_each_failure: later.length > 0 && chance.happens(0.1) ? [step(HANDLER)] : [],
    timeout_ms: sometimes(0.15, () => chance.between(1_000, 20_000)),
    kill_after_ms: 2_000,
    retries: {
      limit,
      backoff_ms: chance.between(500, 10_000),
      max_backoff_ms: 20_000,
      exit_codes: sometimes(0.2, () => [75]),
    },
    on_lost: chance.pick(ON_LOST),
    lane: chance.pick(['main', 'narrow', 'wide']),
    priority: chance.pick([0, 10, 512, 512]),
    concurrency: sometimes(0.35, () => ({
      limit: chance.between(1, 2),
      key: chance.pick([null, '%(k)s']),
      per: chance.pick(['all', 'all', 'worker']),
      when_full: chance.pick(['queue', 'queue', 'refuse', 'replace']),
    })),
    expires_ms: sometimes(0.15, () => chance.between(20_000, 200_000)),
    output_limit_bytes: chance.pick([100, 1_000_000]),
  })
}

const chooseStep = (chance: Chance, later: readonly string[]): Step =>
  step(chance.pick(later), {
    params: chance.happens(0.2) ? { k: chance.pick(KEYS) } : {},
    priority: chance.pick([null, null, 5]),
    delay_ms: chance.pick([0, 0, 0, chance.between(100, 30_000)]),
    each: chance.happens(0.15) ? { part: ['shop', 'stock'] } : {},
  })

function chooseSemaphores(chance: Chance, names: readonly string[]): Semaphore[] {
  return Array.from({ length: chance.between(1, 2) }, (_, n) => {
    const members = chance.some(names, 0.4)
    const key = chance.pick([null, '%(k)s', '%(k)s'])
    const wait_for = (members.length > 0 ? members : names.slice(0, 1)).map((job) => ({
      job,
      count: chance.between(1, 2),
      distinct: chance.happens(0.2) ? (key === null ? '%(k)s' : '%(part)s') : null,
    }))
    return semaphore(`gate${n}`, {
      wait_for,
      key,
      // oxlint-disable-next-line unicorn/no-thenable -- the word of the definitions; nobody awaits one
      then: [step(SINK)],
      timeout_ms: chance.pick([null, 60_000]),
      on_timeout: chance.some([step(HANDLER)], 0.7),
      on_member_failure: chance.pick(['wait', 'fail']),
      repeat: chance.happens(0.35),
    })
  })
}

/** The first worker runs every job, so that none waits for ever; the others run some. */
function chooseWorkers(chance: Chance, cards: ReadonlyMap<string, Card>): WorkerPlan[] {
  return Array.from({ length: chance.between(1, 4) }, (_, n) => {
    const own = n === 0 ? [...cards.values()] : chance.some([...cards.values()], 0.7)
    return {
      name: `web${n}`,
      slots: chance.between(1, 4),
      jobs: new Map(own.map((card) => [card.job, jobOf(card)])),
    }
  })
}

const jobOf = (card: Card): Job => ({
  card,
  command: { kind: 'argv', argv: [card.job], template: true },
  env: {},
  env_file: null,
  cwd: null,
  where: `${card.job}.yaml:1:1`,
})
