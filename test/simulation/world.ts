/** What everything in a simulated world shares: its time, its chance, its faults, its disk, and those who watch. */
import type { Alive } from '../../broker/core/load.ts'
import type { Event } from '../../broker/core/event.ts'
import type { State } from '../../broker/core/state.ts'
import type { Store } from '../../broker/store/store.ts'
import type { ToWorker } from '../../common/protocol/worker-door.ts'
import { type MemoryDisk, memoryDisk } from '../broker/store/memory.ts'
import { type Chance, makeChance } from './chance.ts'
import { chooseFaults, type Faults } from './faults.ts'
import { type History, makeHistory } from './history.ts'
import { chooseScenario, type Scenario } from './scenario.ts'
import { makeTimeline, type Timeline } from './timeline.ts'
import { type Judge, makeJudge } from './judge.ts'

/** Every clock of a wall starts here: 2026-11-23 00:00 UTC. */
export const START_MS = Date.UTC(2026, 10, 23)

/** A defect that a test puts in, between the real code and the world; without any, the world is as it should be. */
export type Sabotage = {
  readonly store?: (store: Store, world: World) => Store
  readonly alive?: (alive: Alive) => Alive
  readonly event?: (event: Event, state: State) => Event | null
  readonly leaving?: (message: ToWorker) => ToWorker | null
  readonly state?: (state: State) => void
  /** Semaphore processes take a gate for complete when this says so. */
  readonly hasty?: (told: number) => boolean
}

export type World = {
  readonly seed: number
  readonly chance: Chance
  readonly timeline: Timeline
  readonly history: History
  readonly faults: Faults
  readonly scenario: Scenario
  readonly disk: MemoryDisk
  readonly judge: Judge
  readonly sabotage: Sabotage
  /** How far each machine's clock of the wall is off, in ms. */
  readonly skews_ms: Map<string, number>
  /** Set when a promise of a semaphore process was fulfilled: it must go on before time does. */
  promised: boolean
}

export function makeWorld(seed: number, sabotage: Sabotage): World {
  const chance = makeChance(seed)
  const timeline = makeTimeline()
  const scenario = chooseScenario(chance)
  const faults = chooseFaults(chance)
  const disk = memoryDisk()
  return {
    seed,
    chance,
    timeline,
    scenario,
    faults,
    disk,
    sabotage,
    history: makeHistory(timeline.now_ms),
    judge: makeJudge({ scenario, disk, now_ms: timeline.now_ms }),
    skews_ms: new Map(),
    promised: false,
  }
}

export const wallOf = (world: World, machine: string): number =>
  START_MS + Math.floor(world.timeline.now_ms()) + (world.skews_ms.get(machine) ?? 0)

/** The end of the broker's process, by whatever killed it. */
export class Crash extends Error {}
