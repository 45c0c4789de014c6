/**
 * Those who watch a simulated world. They know what is on the disk, what left the broker and which commands ran, and
 * nothing of how the core came to it; each has one promise to look after.
 */
import type { Records } from '../../broker/core/records.ts'
import type { Run, State, Task } from '../../broker/core/state.ts'
import type { Reply } from '../../common/protocol/client-door.ts'
import type { Ended, ToWorker } from '../../common/protocol/worker-door.ts'
import type { MemoryDisk } from '../broker/store/memory.ts'
import type { Scenario } from './scenario.ts'
import { watchCommands } from './checkers/commands.ts'
import { watchFeed } from './checkers/feed.ts'
import { watchGates } from './checkers/gates.ts'
import { watchLimits } from './checkers/limits.ts'
import { watchOrder } from './checkers/order.ts'
import { watchReplies } from './checkers/replies.ts'
import { watchRuns } from './checkers/runs.ts'
import { watchSteps } from './checkers/steps.ts'
import { watchTasks } from './checkers/tasks.ts'

/** One transaction, with what was on the disk before it. */
export type Commit = {
  readonly records: Records
  /** Of runs and tasks that it changed; undefined for new ones. */
  readonly runBefore: (run_id: string) => Run | undefined
  readonly taskBefore: (task_id: string) => Task | undefined
}

/** A command as the outside log has it, whatever any daemon says of it. */
export type LoggedCommand = {
  readonly task_id: string
  readonly attempt: number
  readonly job: string
  readonly worker: string
  readonly started_ms: number
  ended_ms: number | null
  /** null while it runs, and when it was killed. */
  exit_code: number | null
}

/** What a watcher may be told of. */
export type Watcher = {
  committed?(commit: Commit): void
  /** A report that the broker is about to decide on. */
  heard?(worker: string, report: Ended): void
  said?(worker: string, message: ToWorker): void
  replied?(reply: Reply): void
  commandStarted?(command: LoggedCommand, runningOnWorker: number, slots: number): void
  /** A starting broker has taken up what is on the disk. */
  loaded?(state: State): void
  /** Faults have stopped, and everything that can happen has happened. */
  ended?(): void
}

export type Grounds = {
  readonly scenario: Scenario
  readonly disk: MemoryDisk
  readonly now_ms: () => number
  readonly accuse: (rule: string, what: string) => void
  /** The outside log. */
  readonly commands: readonly LoggedCommand[]
}

export type Judge = {
  readonly violations: readonly string[]
  accuse(rule: string, what: string): void
  readonly commands: LoggedCommand[]
  readonly tell: Required<Watcher>
}

const WATCHERS = [
  watchReplies,
  watchRuns,
  watchTasks,
  watchSteps,
  watchGates,
  watchFeed,
  watchLimits,
  watchOrder,
  watchCommands,
]

export function makeJudge(ground: Pick<Grounds, 'scenario' | 'disk' | 'now_ms'>): Judge {
  const violations: string[] = []
  const commands: LoggedCommand[] = []
  const accuse = (rule: string, what: string): void => void violations.push(`${rule}: ${what}`)
  const watchers: Watcher[] = WATCHERS.map((watch) => watch({ ...ground, accuse, commands }))
  const each = <K extends keyof Watcher>(kind: K): Required<Watcher>[K] => {
    const told = watchers.flatMap((watcher) => watcher[kind]?.bind(watcher) ?? [])
    return ((...facts: unknown[]) => {
      for (const tell of told) (tell as (...facts: unknown[]) => void)(...facts)
    }) as Required<Watcher>[K]
  }
  return {
    violations,
    accuse,
    commands,
    tell: {
      committed: each('committed'),
      heard: each('heard'),
      said: each('said'),
      replied: each('replied'),
      commandStarted: each('commandStarted'),
      loaded: each('loaded'),
      ended: each('ended'),
    },
  }
}
