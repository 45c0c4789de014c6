/** The jobs of the simulated company, from the YAML that a user would write, and what each of their commands does. */
import type { Job } from '../../common/definition/job.ts'
import type { Lanes, Semaphore } from '../../common/definition/card.ts'
import { parseDefinitions } from '../../common/definition/parse.ts'

/** Every run carries a `mark`: what it was asked for. `%` is what differs between the two editions of the file. */
const YAML = `
lanes: {tight: {limit: 2}}
defaults: {template: false}
jobs:
  plain: {command: [x], deliver: one, on_success: NEXT, on_failure: tell}
  urgent: {command: [x], deliver: one, lane: tight}
  flaky: {command: [x], deliver: one, lane: tight, on_failure: tell,
          retries: {limit: 2, backoff: 5s, max_backoff: 20s}}
  once: {command: [x], deliver: one, on_lost: fail, on_success: next, on_failure: tell}
  patient: {command: [x], deliver: one, on_lost: wait, expires: 40s, on_failure: tell}
  everywhere: {command: [x], on_each_success: next, on_each_failure: tell, on_success: other, on_failure: tell,
               retries: {limit: 1, backoff: 2s, max_backoff: 2s}}
  absent: {command: [x], offline: wait 90s, require: 2, lane: tight}
  single: {command: [x], deliver: one, params: {tenant: {default: a}},
           concurrency: {limit: 1, key: '%(tenant)s', when_full: queue}}
  newest: {command: [x], deliver: one, concurrency: {limit: 1, when_full: replace}}
  spread: {command: [x], concurrency: {limit: 1, per: worker, when_full: queue}}
  slow: {command: [x], deliver: one, timeout: 15s, kill_after: 5s, on_failure: tell}
  endless: {command: [x], deliver: one}
  killer: {command: [x], deliver: one, on_failure: tell}
  split: {command: [x], deliver: one, on_success: {job: part, each: {source: [a, b, c]}}}
  part: {command: [x], deliver: one, params: {source: {default: a}, mark: {required: true}}}
  index: {command: [x], deliver: one}
  publish: {command: [x], deliver: one}
  overdue: {command: [x], deliver: one}
  next: {command: [x], deliver: one}
  other: {command: [x], deliver: one}
  tell: {command: [x], deliver: one, on_failure: tell}
semaphores:
  ready:
    wait_for: [index, {job: part, count: 3, distinct: '%(source)s'}]
    key: '%(mark)s'
    then: publish
    timeout: 20s
    on_timeout: overdue
  thrice: {wait_for: [{job: urgent, count: 3}], key: all, then: other, repeat: true}
`

export type Site = {
  readonly jobs: ReadonlyMap<string, Job>
  readonly semaphores: ReadonlyMap<string, Semaphore>
  readonly lanes: Lanes
}

function siteOf(text: string): Site {
  const loaded = parseDefinitions([{ file: 'jobs.yaml', text }])
  if (loaded.kind === 'refused') throw new Error(JSON.stringify(loaded.problems))
  return loaded.definitions
}

/** The file as it was, and as somebody has edited it. */
export const EDITIONS: readonly Site[] = ['next', 'other'].map((next) =>
  siteOf(YAML.replace('NEXT', next)),
)
export const SITE = EDITIONS[0] as Site

/** Jobs that people start, each as likely as it stands here. `part` and `index` belong to one mark, and come together. */
export const STARTED = [
  'plain',
  'plain',
  'urgent',
  'urgent',
  'urgent',
  'flaky',
  'flaky',
  'once',
  'once',
  'patient',
  'everywhere',
  'absent',
  'single',
  'single',
  'newest',
  'spread',
  'slow',
  'endless',
  'killer',
  'split',
  'split',
  'index',
] as const

/** What a command does, if nothing comes between. */
export type Behaviour = {
  readonly least_ms: number
  readonly most_ms: number
  /** How often it fails by itself. */
  readonly fails: number
  /** It goes on when it is told to stop. */
  readonly is_deaf: boolean
  /** It takes its host with it. */
  readonly kills: boolean
}

const USUAL: Behaviour = {
  least_ms: 5,
  most_ms: 4_000,
  fails: 0.15,
  is_deaf: false,
  kills: false,
}

const SPECIAL: Readonly<Record<string, Partial<Behaviour>>> = {
  flaky: { fails: 0.5 },
  patient: { most_ms: 20_000 },
  everywhere: { fails: 0.25 },
  slow: { least_ms: 5_000, most_ms: 40_000, is_deaf: true },
  endless: { least_ms: 1e12, most_ms: 1e12 },
  killer: { least_ms: 1_000, most_ms: 1_000, kills: true },
}

export const behaviourOf = (job: string): Behaviour => ({ ...USUAL, ...SPECIAL[job] })
