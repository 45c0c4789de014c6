/**
 * What a checker sees, and how it speaks up. Checkers know the promises of the design and nothing of how the core keeps
 * them: they look at what was asked and answered, what each commit wrote, and what the commands did.
 */
import type { TriggerAccepted } from '../../common/protocol/answers.ts'
import type { Commit, Facts } from './facts.ts'
import type { World } from './story.ts'

/** A command on a host: the log outside of jobz. */
export type Execution = {
  /** `task_id#attempt`. */
  readonly key: string
  readonly task_id: string
  readonly run_id: string
  readonly attempt: number
  readonly job: string
  readonly host: string
  readonly begun_ms: number
  ended_ms: number | null
  /** null: it was killed before it came to a code. */
  exit_code: number | null
}

/** What a client asked for once, however often it had to say it. */
export type Asked = {
  readonly ask: string
  readonly job: string
  readonly mark: string
}

export type Checker = {
  readonly name: string
  /** A transaction is durable; `facts` do not have it yet. */
  readonly committed?: (commit: Commit) => void
  /** The answer to a trigger has left the broker. */
  readonly triggered?: (asked: Asked, answer: TriggerAccepted) => void
  /** `canceled` has been answered. */
  readonly canceled?: (run_id: string) => void
  /** A command begins; `slots` are its daemon's, `running` all commands of its host with this one. */
  readonly began?: (execution: Execution, slots: number, running: number) => void
  /** A new life of the broker has loaded what is on the disk. */
  readonly loaded?: () => void
  /** Who follows the feed, by name, has read this entry. */
  readonly read?: (name: string, n: number) => void
  /** Everything is calm, and has come to its end. */
  readonly over?: () => void
}

export type Witness = {
  readonly facts: Facts
  readonly executions: ReadonlyMap<string, Execution>
  /** For looks from outside at what processes hold. */
  readonly world: World
}

export type MakeChecker = (witness: Witness) => Checker

/** A promise was broken. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/** The promise of this name holds, or the history is over. */
export function hold(condition: boolean, checker: string, what: () => string): void {
  if (!condition) throw new Violation(`${checker}: ${what()}`)
}
