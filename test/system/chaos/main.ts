/**
 * `npm run chaos`: a real cluster under a steady load is hurt at random for some minutes; then an independent checker
 * compares what its commands wrote with what jobz says. Ends with 0 when nothing was lost, doubled, hanging or wrong.
 */
import { rm } from 'node:fs/promises'
import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { check } from './check.ts'
import { collectRuns, settled } from './collect.ts'
import { hurtSomebody, type Tally } from './faults.ts'
import type { Daemon } from './daemon.ts'
import { beginLoad } from './load.ts'
import { followLog } from './outside-log.ts'
import { seededRandom } from './random.ts'
import { watchRecoveries } from './recovery.ts'
import { report } from './report.ts'
import { buildRig } from './rig.ts'

/** Within so long after the last fault everything must have settled: a lease, a dialling anew, and retries. */
const SETTLE_MS = 120_000
/** After everything has settled, something that should not come gets the time to come. */
const CALM_MS = 3_000

const { values: given } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    kills: { type: 'string', default: 'Infinity' },
    keep: { type: 'boolean', default: false },
  },
})
const [minutes, seed, kills] = [Number(given.minutes), Number(given.seed), Number(given.kills)]
if (![minutes, seed, kills].every((number) => number >= 0)) {
  console.error('usage: npm run chaos -- [--minutes 5] [--seed 1] [--kills 500] [--keep]')
  process.exit(2)
}

const recoveries = watchRecoveries()
const crashes: string[] = []
const rig = await buildRig({
  onReady: (name) => recoveries.seen({ kind: 'ready', name }),
  onCrash: (name, how) => {
    crashes.push(name)
    console.error(`${name} ${how}`)
  },
})
console.error(`seed ${seed}, in ${rig.folder}`)
const log = await followLog(rig.log, ({ what, run_id, worker }) => {
  if (what === 'begin') recoveries.seen({ kind: 'begin', worker }, createdAt(run_id))
})
const load = beginLoad({
  random: seededRandom(seed),
  urls: [...rig.urls.values()],
  seed,
  onAnswer: (url, asked_ms) => recoveries.seen({ kind: 'answer', url }, asked_ms),
})

const { tally, took_ms } = await hurt()
const calm_ms = performance.now()
await load.end(SETTLE_MS)
const url = [...rig.urls.values()][0] ?? ''
const known = { ...load, keepers_killed: tally.keepers_killed }
const isSettled = await settled(url, { ...known, lines: await log.read() }, SETTLE_MS)
const settle_s = (performance.now() - calm_ms) / 1000
await after(CALM_MS)
const history = { ...known, runs: await collectRuns(url), lines: await log.read() }
await log.close()
await rig.stop()

const violations = check(history)
const minutesOfFaults = took_ms / 60_000
console.log(
  report({
    seed,
    minutes: minutesOfFaults,
    tally,
    history,
    violations,
    recoveries,
    settle_s,
    crashes,
  }),
)
for (const { kind, message } of violations.slice(0, 50)) console.error(`${kind}: ${message}`)
const isGood = violations.length === 0 && crashes.length === 0 && isSettled
if (isGood && !given.keep) await rm(rig.folder, { recursive: true, force: true, maxRetries: 5 })
else console.error(`what is left of it is in ${rig.folder}`)
process.exit(isGood ? 0 : 1)

/** Faults until the time is over, or the kills are done; then until all victims are left alone. */
async function hurt(): Promise<{ tally: Tally; took_ms: number }> {
  // Chance of its own, so that the order in which answers come changes nothing about the faults.
  const random = seededRandom(seed + 1)
  const ground = { ...rig, random, recoveries }
  const counted: Tally = {
    faults: new Map(),
    kills: 0,
    keepers_killed: 0,
    killed_ms: new Map(),
    silences: [],
  }
  const underWay = new Map<Daemon, Promise<void>>()
  const begin_ms = performance.now()
  const until_ms = begin_ms + minutes * 60_000
  while (performance.now() < until_ms && counted.kills < kills) {
    await after(random.between(300, 1_500))
    hurtSomebody(ground, counted, underWay)
  }
  await Promise.all(underWay.values())
  return { tally: counted, took_ms: performance.now() - begin_ms }
}

/** The first 48 bits of a run's id are the time. */
function createdAt(run_id: string): number {
  return Number.parseInt(run_id.replaceAll('-', '').slice(0, 12), 16)
}
