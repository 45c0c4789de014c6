/**
 * A host's spool and the commands that run on it. Both outlive the daemon, as keepers and files do; a command dies with
 * its host, and then it has no code.
 */
import type { Exit } from '../../worker/core/event.ts'
import type { AttemptTask, Limits, StopReason } from '../../worker/core/state.ts'
import type { Agenda } from './agenda.ts'
import type { Chance } from './chance.ts'
import type { Execution } from './checker.ts'
import { START_MS } from './process.ts'
import { behaviourOf } from './site.ts'

/** An attempt as the spool has it. */
export type Kept = {
  readonly task: AttemptTask
  stop: StopReason | null
  command: Command | null
}

export type Command = {
  readonly execution: Execution
  readonly limits: Limits
  readonly is_deaf: boolean
  readonly output: Readonly<Record<string, string>>
  readonly stdout_bytes: number
  /** Set at its end. */
  how: Exit['how'] | null
}

export type Host = {
  readonly name: string
  readonly spool: Map<string, Kept>
  /** Commands without an end. */
  running(): Command[]
  begin(kept: Kept, limits: Limits): Command
  finish(command: Command, how: Exit['how']): void
  /** TERM, and KILL. */
  terminate(command: Command): void
  kill(command: Command): void
  /** A keeper is killed, and its command with it. */
  killKeeper(command: Command): void
}

export type HostPorts = {
  readonly agenda: Agenda
  readonly chance: Chance
  readonly began: (execution: Execution, running: number) => void
  /** A command came to its end: whoever is alive may look. */
  readonly ended: (key: string) => void
  /** A command takes the whole host with it. */
  readonly crashed: () => void
}

export function openHost(name: string, ports: HostPorts): Host {
  const { agenda, chance } = ports
  const spool = new Map<string, Kept>()
  const commands = new Set<Command>()

  const finish = (command: Command, how: Exit['how']): void => {
    if (command.how !== null) return
    command.how = how
    command.execution.ended_ms = agenda.now()
    command.execution.exit_code = how.kind === 'code' ? how.exit_code : null
    commands.delete(command)
    ports.ended(command.execution.key)
  }
  const begin = (kept: Kept, limits: Limits): Command => {
    const { task } = kept
    const { least_ms, most_ms, fails, is_deaf, kills } = behaviourOf(task.job)
    const execution: Execution = {
      key: `${task.task_id}#${task.attempt}`,
      task_id: task.task_id,
      run_id: task.run_id,
      attempt: task.attempt,
      job: task.job,
      host: name,
      begun_ms: agenda.now(),
      ended_ms: null,
      exit_code: null,
    }
    const command: Command = {
      execution,
      limits,
      is_deaf: is_deaf && chance.maybe(0.5),
      output: { on: name, attempt_no: String(task.attempt) },
      stdout_bytes: chance.maybe(0.3) ? chance.integer(1, 200_000) : 0,
      how: null,
    }
    kept.command = command
    commands.add(command)
    ports.began(execution, commands.size)
    // Most commands are short; some take their time.
    const ms = chance.maybe(0.6) ? least_ms : chance.between(least_ms, most_ms)
    const code = chance.maybe(fails) ? chance.integer(1, 99) : 0
    agenda.after(ms, () => {
      if (kills && command.how === null) ports.crashed()
      else finish(command, { kind: 'code', exit_code: code })
    })
    return command
  }
  return {
    name,
    spool,
    running: () => [...commands],
    begin,
    finish,
    terminate: (command) => {
      if (!command.is_deaf)
        agenda.after(chance.between(1, 500), () =>
          finish(command, { kind: 'code', exit_code: 128 + 15 }),
        )
    },
    kill: (command) =>
      void agenda.after(chance.between(1, 20), () =>
        finish(command, { kind: 'killed', message: 'its processes are gone' }),
      ),
    killKeeper: (command) => finish(command, { kind: 'killed', message: 'its keeper was killed' }),
  }
}

/** What a daemon finds of a command that has ended. */
export function exitOf({ execution, how, output, stdout_bytes }: Command): Exit {
  if (how === null) throw new Error(`${execution.key} has not ended`)
  const at = (ms: number): number => Math.floor(START_MS + ms)
  return {
    how,
    started_at_ms: at(execution.begun_ms),
    finished_at_ms: at(execution.ended_ms ?? execution.begun_ms),
    stdout_bytes,
    stderr_bytes: 0,
    output: how.kind === 'code' && how.exit_code === 0 ? output : {},
    error_tail: '',
  }
}
