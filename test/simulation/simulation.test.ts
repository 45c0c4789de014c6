/**
 * The promises of the design in a simulated world: real core, turn, worker core and gate, under faults of every kind. Many more
 * histories: `npm run simulate -- --seeds 10000`; one of them again: `npm run simulate -- --seed N --trace`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { openSqlite } from '../../broker/store/sqlite.ts'
import type { Store } from '../../broker/store/store.ts'
import { tellStory } from './story.ts'
import { addStory, emptyTally, tallyText } from './tally.ts'

const SEEDS = 120
/** Histories in which a promise was broken once. */
const FOUND = [39, 1587, 20_293, 30_064, 30_151]

/** What a set of histories must have seen, so that it shows anything. */
const SEEN = [
  ...['succeeded', 'failed', 'canceled', 'expired'].map((state) => `run ${state}`),
  ...['succeeded', 'failed', 'timed_out', 'canceled', 'lost', 'missed'].map((s) => `task ${s}`),
  ...['trigger', 'success', 'failure', 'each_success', 'each_failure'].map((via) => `via ${via}`),
  ...['semaphore', 'timeout', 'retry'].map((via) => `via ${via}`),
  'gate open',
]
const FAULTS: readonly string[] =
  `frame lost, frame doubled, frame overtaken, frame late, publication missed,
  link cut, link frozen, process stopped, clock set, commit failed,
  broker killed, broker ended between effects, worker ended between effects, worker killed, worker restarted,
  host went down, host set up anew, host gone for good, host taken down by its command, keeper killed,
  keeper died before the command, spool could not be written, semaphore killed, frontend killed`.split(
    /,\s+/,
  )

test('every promise holds in the fixed histories, and they have seen everything', async (t) => {
  t.timeout(300_000)
  const tally = emptyTally()
  const begun = performance.now()
  for (let seed = 1; seed <= SEEDS; seed++) addStory(tally, await tellStory(seed))
  t.log(tallyText(tally, (performance.now() - begun) / 1000))
  t.deepEqual(tally.violations, [])
  for (const what of SEEN) t.true((tally.seen.get(what) ?? 0) > 0, `no ${what} was seen`)
  for (const what of FAULTS) t.true((tally.faults.get(what) ?? 0) > 0, `no ${what} was tried`)
})

test('every promise holds in the histories in which one was broken before', async (t) => {
  for (const seed of FOUND) t.is((await tellStory(seed)).violation, null, `seed ${seed}`)
})

test('a seed is one history: told again, it is the same', async (t) => {
  const first = await tellStory(4711)
  const again = await tellStory(4711)
  t.is(first.violation, null)
  t.is(first.print, again.print)
  t.not(first.print, (await tellStory(4712)).print)
})

test('every promise holds on the store that ships, too', async (t) => {
  t.timeout(120_000)
  for (let seed = 1; seed <= 5; seed++) {
    const folder = mkdtempSync(join(tmpdir(), 'jobz-simulated-'))
    const open = (): Store => {
      const store = openSqlite(folder)
      if ('kind' in store) throw new Error(store.message)
      return store
    }
    try {
      const told = await tellStory(seed, { open })
      t.is(told.violation, null, `seed ${seed}`)
      t.true(told.runs > 0)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
})
