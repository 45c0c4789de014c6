/**
 * One history of the simulated company, from its seed: people ask for runs, faults happen, then everything is calm and
 * must come to its end. The checkers look on all the time.
 */
import type { Store } from '../../broker/store/store.ts'
import { openMemory, memoryDisk } from '../broker/store/memory.ts'
import { type Agenda, openAgenda } from './agenda.ts'
import { Crash, openBroker } from './broker-process.ts'
import { type Chance, openChance } from './chance.ts'
import { type Checker, type Execution, hold, Violation } from './checker.ts'
import { CHECKERS } from './checkers/all.ts'
import { type Client, openClient } from './client.ts'
import { addCommit, copyCommit, type Facts, isRunOver, noFacts } from './facts.ts'
import { openNet } from './net.ts'
import { openPeople } from './people.ts'
import { openSemaphore } from './semaphore-process.ts'
import { SITE } from './site.ts'
import { openTroubles } from './troubles.ts'
import { drawWeather, FAIR } from './weather.ts'
import { openWorker, type WorkerProcess } from './worker-process.ts'

/** Once everything is calm, it must all be over within this time of the simulated world. */
export const CALM_LIMIT_MS = 900_000

/** Some twenty times what the longest history takes: more is a storm that feeds itself. */
const MOST_STEPS = 2_000_000

export type Told = {
  readonly seed: number
  readonly violation: string | null
  readonly runs: number
  readonly executions: number
  /** Faults by kind. */
  readonly faults: ReadonlyMap<string, number>
  /** Ends that runs and tasks came to, and ways in which runs were made. */
  readonly seen: ReadonlyMap<string, number>
  /** How long it took, in the simulated world, from the last fault to the end of everything. */
  readonly calm_ms: number
  readonly steps: number
  /** Two histories of one seed are the same: this tells. */
  readonly print: string
}

export type StoryOptions = {
  /** Another store than the one in memory. */
  readonly open?: () => Store
  /** Hears what happens, line by line. */
  readonly trace?: (line: string) => void
}

export type World = {
  readonly agenda: Agenda
  readonly chance: Chance
  readonly facts: Facts
  readonly broker: ReturnType<typeof openBroker>
  /** Those that are there, or will be again. */
  readonly workers: WorkerProcess[]
  readonly semaphores: readonly ReturnType<typeof openSemaphore>[]
  readonly clients: readonly Client[]
  readonly net: ReturnType<typeof openNet>
  readonly count: (fault: string) => void
}

export async function tellStory(seed: number, options: StoryOptions = {}): Promise<Told> {
  const chance = openChance(seed)
  const agenda = openAgenda()
  const facts = noFacts()
  const faults = new Map<string, number>()
  const executions = new Map<string, Execution>()
  const checkers: Checker[] = []
  const trace = (line: string): void =>
    options.trace?.(`${(agenda.now() / 1000).toFixed(3)} ${line}`)
  const count = (fault: string): void => {
    faults.set(fault, (faults.get(fault) ?? 0) + 1)
    trace(`fault: ${fault}`)
  }
  let weather = drawWeather(chance)
  let unsettled = false
  const shared = {
    agenda,
    chance,
    weather: () => weather,
    count,
    trace,
    unsettled: () => {
      unsettled = true
    },
  }
  const disk = memoryDisk()
  const inner = options.open ?? (() => openMemory(disk))
  const open = (): Store => {
    const store = inner()
    return {
      ...store,
      commit: (records) => {
        if (chance.maybe(weather.failed_commit)) {
          count('commit failed')
          throw new Crash()
        }
        store.commit(records)
        const commit = copyCommit(records)
        for (const checker of checkers) checker.committed?.(commit)
        addCommit(facts, commit, records)
      },
    }
  }
  const net = openNet(shared)
  const broker = openBroker({
    ...shared,
    net,
    facts,
    open,
    loaded: () => checkers.forEach((checker) => checker.loaded?.()),
  })
  const began = (execution: Execution, slots: number, running: number): void => {
    for (const checker of checkers) checker.began?.(execution, slots, running)
    executions.set(execution.key, execution)
  }
  const workers = ['web1', 'web2', 'web3'].map((name) =>
    openWorker(name, { ...shared, net, began }),
  )
  const copies = chance.maybe(0.5) ? ['gates1', 'gates2'] : ['gates1']
  const semaphores = copies.map((name) =>
    openSemaphore(name, { ...shared, net, semaphores: SITE.semaphores }),
  )
  const clients = ['front1', 'front2'].map((name) =>
    openClient(name, {
      agenda,
      net,
      triggered: (asked, answer) => checkers.forEach((one) => one.triggered?.(asked, answer)),
      canceled: (run_id) => checkers.forEach((one) => one.canceled?.(run_id)),
      read: (name, n) => checkers.forEach((one) => one.read?.(name, n)),
    }),
  )
  const world: World = { ...shared, facts, broker, workers, semaphores, clients, net }
  for (const { process } of [broker, ...workers, ...semaphores, ...clients])
    process.onEnd(() => trace(`${process.name} ended`))
  for (const make of CHECKERS) checkers.push(make({ facts, executions, world }))
  const troubles = openTroubles(world, () => weather)
  const people = openPeople(world)

  /** Goes on until something is so, or time is up; between steps the promises of semaphores go on. */
  const goOn = async (until_ms: number, isSo: () => boolean): Promise<void> => {
    while (agenda.now() < until_ms && !isSo()) {
      if (!agenda.step()) return
      hold(agenda.steps() < MOST_STEPS, 'storm', () => `${MOST_STEPS} steps by ${agenda.now()} ms`)
      if (!unsettled) continue
      unsettled = false
      await new Promise((resolve) => void setImmediate(resolve))
    }
  }
  let violation: string | null = null
  let calm_from_ms = 0
  try {
    for (const one of [broker, ...workers, ...semaphores, ...clients]) one.start()
    const trouble_ms = chance.maybe(0.1) ? 600_000 : chance.between(40_000, 150_000)
    await goOn(trouble_ms, () => false)
    const gone = troubles.end()
    if (gone) world.workers.splice(world.workers.indexOf(gone), 1)
    weather = FAIR
    people.goHome()
    calm_from_ms = agenda.now()
    await goOn(calm_from_ms + CALM_LIMIT_MS, () => people.isOver() && isCalm(world))
    for (const checker of checkers) checker.over?.()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    violation = error instanceof Violation ? error.message : (error.stack ?? error.message)
  }
  for (const one of [broker, ...workers, ...semaphores, ...clients]) one.kill()
  return {
    seed,
    violation,
    runs: facts.runs.size,
    executions: executions.size,
    faults,
    seen: endsOf(facts),
    calm_ms: agenda.now() - calm_from_ms,
    steps: agenda.steps(),
    print: `${facts.feed.length} ${agenda.steps()} ${agenda.now()} ${chance.unit()}`,
  }
}

/** Nothing more will happen by itself. */
function isCalm({ facts, broker, workers, semaphores, clients }: World): boolean {
  const processes = [broker, ...workers, ...semaphores, ...clients]
  if (!processes.every(({ process }) => process.isUp() && !process.isStopped())) return false
  if (clients.some((client) => client.open() > 0 || client.place() < facts.feed.length))
    return false
  if (workers.some(({ host }) => host.spool.size > 0)) return false
  for (const row of facts.runs.values()) if (!isRunOver(row)) return false
  return areSemaphoresThere(broker.state(), facts)
}

/** Each semaphore has heard of every run of its members. */
function areSemaphoresThere(
  state: ReturnType<ReturnType<typeof openBroker>['state']>,
  facts: Facts,
): boolean {
  if (state.semaphores.size < SITE.semaphores.size) return false
  return [...state.semaphores.values()].every(({ place, definition }) => {
    const members = new Set(definition.wait_for.map(({ job }) => job))
    return !facts.feed
      .slice(place)
      .some(({ job = '', state: to = '' }) => members.has(job) && ENDS.has(to))
  })
}

const ENDS: ReadonlySet<string> = new Set(['succeeded', 'failed', 'expired'])

function endsOf({ runs, tasks, feed }: Facts): Map<string, number> {
  const seen = new Map<string, number>()
  const note = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1)
  for (const { state, via } of runs.values()) {
    note(`run ${state}`)
    note(`via ${via}`)
  }
  for (const { state } of tasks.values()) note(`task ${state}`)
  for (const { topic } of feed) if (topic.startsWith('gate.')) note(topic.split('.', 2).join(' '))
  return seen
}
