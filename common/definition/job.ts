/** A checked job as its worker holds it: the card that it announces, and the part that never leaves the host. */
import type { Card, Lanes, Semaphore } from './card.ts'

/**
 * The command of a job. `text` is for the shell in `shell`, its placeholders already rewritten to environment
 * references; `argv` is run without a shell, its placeholders still to be filled in, one argument for one argument.
 */
export type Command =
  | { readonly kind: 'shell'; readonly shell: readonly string[]; readonly text: string }
  | { readonly kind: 'argv'; readonly argv: readonly string[]; readonly template: boolean }

/** What the kernel holds a command to, where it holds it to anything. */
export type CommandLimits = {
  readonly memory_bytes: number | null
  readonly tasks: number | null
  readonly files: number | null
}

export type Job = {
  readonly card: Card
  readonly command: Command
  readonly env: Readonly<Record<string, string>>
  readonly env_file: string | null
  readonly cwd: string | null
  /** Who runs it; null is whoever runs the worker. */
  readonly user: string | null
  readonly limits: CommandLimits
  /** Where it is defined, for messages: `jobs/catalog.yaml:4:3`. */
  readonly where: string
}

/** All that a jobs directory defines. */
export type Definitions = {
  readonly jobs: ReadonlyMap<string, Job>
  readonly lanes: Lanes
  readonly semaphores: ReadonlyMap<string, Semaphore>
}

/** One thing wrong (or doubtful) in a definition. Lines and columns count from 1. */
export type Problem = {
  readonly severity: 'error' | 'warning'
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
  /** What to do about it, when that is known. */
  readonly hint: string | null
}

export type Loaded =
  | {
      readonly kind: 'loaded'
      readonly definitions: Definitions
      readonly warnings: readonly Problem[]
    }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }
