/** How a command says that something went wrong, always with what to do, and with the exit code that goes with it. */
import { printableLine } from '../common/daemon/printable.ts'
import type { Failure } from './api/failure.ts'
import type { Cli, Command } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { paint } from './terminal.ts'
import type { Terminal } from './terminal.ts'

const EXIT_BY_KIND = {
  unreachable: EXIT.unreachable,
  refused: EXIT.refused,
  interrupted: EXIT.interrupted,
} as const

/** Tells of an answer that was none. */
export function complain(cli: Cli, failure: Failure): number {
  if (cli.json && failure.body !== null) cli.terminal.out.write(`${JSON.stringify(failure.body)}\n`)
  if (failure.kind !== 'interrupted') write(cli.terminal, failure.message, failure.hint)
  return EXIT_BY_KIND[failure.kind]
}

/** Tells that what was typed cannot be meant. */
export function complainUsage(
  terminal: Terminal,
  command: Command | null,
  problem: { readonly message: string; readonly hint: string | null },
): number {
  const where = command ? `${command.name}: ` : ''
  const hint = problem.hint ?? (command ? `see: jobz ${command.name} --help` : null)
  write(terminal, `${where}${problem.message}`, hint)
  return EXIT.usage
}

function write(terminal: Terminal, message: string, hint: string | null): void {
  terminal.err.write(`${paint(terminal.err, 'red', 'jobz:')} ${printableLine(message)}\n`)
  if (hint) terminal.err.write(`  ${printableLine(hint)}\n`)
}
