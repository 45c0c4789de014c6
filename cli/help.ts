/** What the command line says about itself. */
import type { Flag } from '../common/daemon/flags.ts'
import { SHARED_FLAGS } from './command.ts'
import type { Command } from './command.ts'

/** All commands, one line each. */
export function generalHelp(commands: readonly Command[]): string {
  const rows = commands.map((command) => [command.name, command.summary] as const)
  return [
    'usage: jobz COMMAND …',
    '',
    ...aligned([
      ...rows,
      ['help', 'this; jobz help COMMAND says more'],
      ['--version', 'which jobz'],
    ]),
    '',
    'Exit codes: 0 succeeded, 1 the job failed, 2 usage, 3 unreachable, 4 refused, 5 still running,',
    '130 Ctrl-C while waiting (the run goes on).',
    '',
  ].join('\n')
}

/** One command, its flags and notes. */
export function commandHelp(command: Command): string {
  const head = [`usage: jobz ${command.usage}`, '', command.summary, '']
  if (command.kind === 'daemon')
    return [...head, `jobz ${command.name} --help lists its flags`, ''].join('\n')
  const notes = command.notes ? [...command.notes, ''] : []
  const flags = [...command.flags, ...SHARED_FLAGS].map((flag) => [typed(flag), flag.help] as const)
  return [...head, ...notes, ...aligned(flags), ''].join('\n')
}

const VALUES = { text: ' TEXT', count: ' N', list: ' A,B', switch: '', optional: '[=VALUE]' }

const typed = (flag: Flag): string =>
  `${flag.short ? `-${flag.short}, ` : ''}--${flag.flag}${VALUES[flag.kind]}`

function aligned(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)
}
