import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { Flow, Run } from '../../../broker/core/state.ts'
import { openOutputs } from '../../../broker/edge/outputs.ts'
import { openPace, type Pace } from '../../../broker/edge/pace.ts'
import { makeSweep, type RetentionPorts, startRetention } from '../../../broker/edge/retention.ts'
import { opened } from '../store/opened-history.ts'
import { born, ended, idOf, recordsWith, sampleRun, sampleTask } from '../store/samples.ts'

const DAY_MS = 24 * 3600 * 1000
/** The runs of the samples were made just after this moment. */
const MADE_MS = sampleRun(0).created_ms

/** Steps without rests, of which it counts the longest. */
function quickly(): Pace & { readonly steps: { count: number } } {
  const steps = { count: 0 }
  let stopped = false
  return {
    next: async () => undefined,
    timed: (step) => {
      steps.count += 1
      return step()
    },
    rest: async () => undefined,
    stop: () => (stopped = true),
    stopped: () => stopped,
    steps,
  }
}

const done = (n: number, special: Partial<Run> = {}): Run => {
  const run = ended(n, 'succeeded', special)
  return { ...run, tasks: [sampleTask(run, { state: 'succeeded', stdout_bytes: 4 })] }
}

/** A store with these runs in it, and what a broker that has been up since then would know of them. */
function world(t: ExecutionContext, runs: readonly Run[], keep: Partial<RetentionPorts['keep']>) {
  const { store, history, directory } = opened(t, born(runs))
  const outputs = openOutputs(join(directory, 'output'))
  const warnings: string[] = []
  const flows = new Map<string, Flow>()
  const clock = { wall_ms: MADE_MS + DAY_MS, mono_ms: 0 }
  const alive = runs.filter((run) => run.finished_ms === null)
  const state = { runs: new Map(alive.map((run) => [run.run_id, run])), flows }
  const ports: RetentionPorts = {
    state,
    store,
    history,
    outputs,
    log: { warn: (message) => warnings.push(message), info: () => undefined },
    now: () => clock,
    waiting: () => 0,
    keep: { days: 30, runs: 1_000_000, ...keep },
  }
  const output = (n: number): string => {
    const folder = join(directory, 'output', idOf(n).slice(-3), idOf(n))
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, '0.1.stdout'), 'said')
    return folder
  }
  const kept = (): number[] => {
    const found = store.runs(runs.map(({ run_id }) => run_id))
    return runs.filter(({ run_id }) => found.has(run_id)).map(({ sequence }) => sequence)
  }
  return { ports, store, directory, flows, clock, warnings, output, kept }
}

test('what ended longer ago than is kept goes, and nothing else', async (t) => {
  const day = (n: number) => ({
    created_ms: MADE_MS + n * DAY_MS,
    finished_ms: MADE_MS + n * DAY_MS,
  })
  const { ports, clock, kept } = world(
    t,
    [0, 1, 2, 3].map((n) => done(n, day(n))),
    { days: 2 },
  )
  clock.wall_ms = MADE_MS + 3.5 * DAY_MS
  const sweep = makeSweep(ports, quickly())
  await sweep()
  t.deepEqual(kept(), [2, 3])
  clock.wall_ms += DAY_MS
  await sweep()
  t.deepEqual(kept(), [3])
})

test('of too many, the oldest go; unfinished ones are not counted', async (t) => {
  const runs = [1, 2, 3, 4, 5].map((n) => done(n))
  const { ports, kept } = world(t, [sampleRun(0), ...runs, sampleRun(6)], { runs: 2 })
  await makeSweep(ports, quickly())()
  t.deepEqual(kept(), [0, 4, 5, 6])
})

test('what ended just now stays, whatever is to be kept', async (t) => {
  const { ports, clock, kept } = world(t, [done(1), done(2)], { days: 0, runs: 0 })
  clock.wall_ms = MADE_MS + 30_000
  await makeSweep(ports, quickly())()
  t.deepEqual(kept(), [1, 2])
  clock.wall_ms = MADE_MS + 90_000
  await makeSweep(ports, quickly())()
  t.deepEqual(kept(), [])
})

test('nothing goes of a flow that is unfinished, or whose arrivals a gate holds', async (t) => {
  const runs = [1, 2, 3, 4].map((n) => done(n))
  const { ports, flows, clock, kept } = world(t, runs, { days: 0, runs: 0 })
  flows.set(idOf(1), { runs: 1, semaphores: 0, arrivals: 0 })
  flows.set(idOf(2), { runs: 0, semaphores: 0, arrivals: 1 })
  flows.set(idOf(3), { runs: 0, semaphores: 1, arrivals: 0 })
  const sweep = makeSweep(ports, quickly())
  await sweep()
  t.deepEqual(kept(), [1, 2, 3])
  clock.wall_ms = MADE_MS + 8 * DAY_MS
  await sweep()
  t.deepEqual(kept(), [1, 2], 'a semaphore that is behind the feed holds nothing back')
  flows.clear()
  await sweep()
  t.deepEqual(kept(), [])
})

test('a flow that goes on while it is being swept is let alone from then on', async (t) => {
  const runs = Array.from({ length: 500 }, (_, n) => done(n, { flow_id: idOf(0) }))
  const { ports, flows, kept } = world(t, runs, { days: 0 })
  const pace = quickly()
  const next = async (): Promise<void> => {
    if (pace.steps.count > 0) flows.set(idOf(0), { runs: 1, semaphores: 0, arrivals: 0 })
  }
  await makeSweep(ports, { ...pace, next })()
  const left = kept().length
  t.true(left > 0 && left < 500, `${left} are left`)
})

test('many go in many steps, and each step is short', async (t) => {
  const runs = Array.from({ length: 3_000 }, (_, n) => done(n))
  const { ports, kept } = world(t, runs, { runs: 100 })
  const sizes: number[] = []
  const forgetRuns: RetentionPorts['store']['forgetRuns'] = (run_ids, patience_ms) => {
    sizes.push(run_ids.length)
    t.true(patience_ms <= 5)
    return ports.store.forgetRuns(run_ids, patience_ms)
  }
  await makeSweep({ ...ports, store: { ...ports.store, forgetRuns } }, quickly())()
  t.is(kept().length, 100)
  t.is(kept()[0], 2_900)
  t.true(Math.max(...sizes) <= 200)
})

test('output files go after their runs, and only theirs', async (t) => {
  const { ports, output } = world(t, [done(1), done(2)], { runs: 1 })
  const [mine, other] = [output(1), output(2)]
  await makeSweep(ports, quickly())()
  t.false(existsSync(mine))
  t.true(existsSync(other))
  t.deepEqual(ports.store.outputsToRemove('', 10), [])
})

test('files that could not be removed are said, passed over, and removed by a later sweep', async (t) => {
  const { ports, output, warnings } = world(
    t,
    [1, 2, 3].map((n) => done(n)),
    { runs: 0 },
  )
  const folders = [1, 2, 3].map(output)
  const remove = async (run_id: string): Promise<void> => {
    if (run_id === idOf(1)) throw new Error('it is busy')
    await ports.outputs.remove(run_id)
  }
  await makeSweep({ ...ports, outputs: { remove } }, quickly())()
  t.deepEqual(folders.map(existsSync), [true, false, false])
  t.deepEqual(warnings, ['output was not removed'])
  await makeSweep(ports, quickly())()
  t.deepEqual(folders.map(existsSync), [false, false, false])
})

test('a sweep that is stopped between runs and files is made up for by the next start', async (t) => {
  const { ports, output, kept } = world(t, [done(1)], { runs: 0 })
  const folder = output(1)
  const pace = quickly()
  const timed: Pace['timed'] = (step) => {
    pace.stop()
    return step()
  }
  await makeSweep(ports, { ...pace, timed })()
  t.deepEqual(kept(), [])
  t.true(existsSync(folder))
  await makeSweep(ports, quickly())()
  t.false(existsSync(folder))
})

test('a request goes 30 days after it came, and never before its run', async (t) => {
  const { ports, store, clock } = world(t, [done(1), done(2)], { days: 31, runs: 1 })
  const request = (n: number) => ({
    job: 'import',
    request_id: `r${n}`,
    run_id: idOf(n),
    at_ms: MADE_MS,
  })
  store.commit(recordsWith({ requests: [request(1), request(2)] }))
  const known = () => [...store.requests([request(1), request(2)]).keys()]
  const sweep = makeSweep(ports, quickly())
  await sweep()
  t.is(store.runs([idOf(1), idOf(2)]).size, 1)
  t.deepEqual(known(), ['import\0r1', 'import\0r2'])
  clock.wall_ms = MADE_MS + 30.5 * DAY_MS
  await sweep()
  t.deepEqual(known(), ['import\0r2'])
  clock.wall_ms = MADE_MS + 31.5 * DAY_MS
  await sweep()
  t.deepEqual(known(), [])
})

const forgetRuns = (): number => {
  throw new Error('the disk is full')
}

test('a store that cannot forget is said, and ends nothing', async (t) => {
  const { ports, kept } = world(t, [done(1)], { runs: 0 })
  const { promise: warned, resolve: warn } = Promise.withResolvers<string>()
  const log = { ...ports.log, warn }
  const retention = startRetention({ ...ports, log, store: { ...ports.store, forgetRuns } })
  t.is(await warned, 'old runs were not forgotten')
  await retention.stop()
  t.deepEqual(kept(), [1])
})

test('after a stop nothing more is asked of the store, however long a rest was meant to be', async (t) => {
  const { ports } = world(t, [done(1)], { runs: 0 })
  let stopped = false
  const watched = { ...ports.store }
  for (const name of ['forgetRuns', 'forgetRequests', 'outputsToRemove', 'outputsRemoved'] as const)
    watched[name] = (...args: unknown[]) => {
      if (stopped) t.fail(`${name} was called after the stop`)
      return (ports.store[name] as (...args: unknown[]) => never)(...args)
    }
  const retention = startRetention({ ...ports, store: watched })
  await retention.stop()
  stopped = true
  await retention.stop()
  t.pass()
})

test('a pace that is stopped holds nobody up', async (t) => {
  const pace = openPace(() => 1)
  const long = pace.rest(3_600_000)
  pace.stop()
  await long
  await pace.next()
  t.true(pace.stopped())
})
