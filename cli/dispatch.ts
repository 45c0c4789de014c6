/** From words to a command: finds it, reads its flags, and says what to type when that cannot be meant. */
import { readFlags } from '../common/daemon/flags.ts'
import type { Flags } from '../common/daemon/flags.ts'
import { readSettings } from '../common/daemon/settings.ts'
import { VERSION } from '../common/daemon/version.ts'
import { nearestName } from '../common/definition/nearest.ts'
import { createApi } from './api/client.ts'
import { unreachable } from './api/failure.ts'
import { readCredentials } from './api/secure.ts'
import { SHARED_FLAGS } from './command.ts'
import type { Cli, ClientCommand } from './command.ts'
import { COMMANDS } from './commands/table.ts'
import { complain, complainUsage } from './complain.ts'
import { EXIT } from './exit-codes.ts'
import { commandHelp, generalHelp } from './help.ts'
import type { Terminal } from './terminal.ts'

/** A key of `jobz.yaml` too, at the top or under `cli`. */
export const CLI_SETTINGS = [
  {
    flag: 'url',
    env: 'JOBZ_URL',
    kind: 'text',
    default: 'http://127.0.0.1:6769',
    help: 'where the frontend is',
  },
  { flag: 'ca', env: 'JOBZ_CA', kind: 'text', default: '', help: "the frontend's authority" },
  { flag: 'cert', env: 'JOBZ_CERT', kind: 'text', default: '', help: 'our certificate' },
  { flag: 'cert-key', env: 'JOBZ_CERT_KEY', kind: 'text', default: '', help: 'its private key' },
  {
    flag: 'insecure',
    env: 'JOBZ_INSECURE',
    kind: 'switch',
    default: false,
    help: 'send a token where others can read it',
  },
] as const

/** Runs one command and answers the exit code. Never throws for what a user typed or a server said. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...words] = nameFirst(argv)
  if (name === undefined || name === 'help') return help(words[0], terminal)
  if (name === 'version') {
    terminal.out.write(`${VERSION}\n`)
    return EXIT.succeeded
  }
  const command = COMMANDS.find((command) => command.name === name)
  if (!command) return unknown(name, terminal)
  if (command.kind === 'client') return runClient(command, words, terminal)
  await command.run(words)
  return Number(process.exitCode ?? 0)
}

/** Shared flags may stand before the command's name; `--help` and `--version` may stand for one. */
function nameFirst(argv: readonly string[]): readonly string[] {
  const [first, second] = argv
  if (first === '--help' || first === '-h') return ['help']
  if (first === '--version') return ['version']
  if (first === undefined || !first.startsWith('--')) return argv
  const flag = SHARED_FLAGS.find((flag) => `--${flag.flag}` === first.split('=')[0])
  const taken = flag?.kind === 'text' && !first.includes('=') && second !== undefined ? 2 : 1
  const [name, ...words] = nameFirst(argv.slice(taken))
  return name === undefined || !flag ? argv : [name, ...argv.slice(0, taken), ...words]
}

async function runClient(
  command: ClientCommand,
  words: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const read = readFlags([...command.flags, ...SHARED_FLAGS], words)
  if (read.kind === 'usage') return complainUsage(terminal, command, read)
  if (read.values.get('help') === true) {
    terminal.out.write(commandHelp(command))
    return EXIT.succeeded
  }
  const [least, most] = command.takes
  const { positionals } = read
  if (positionals.length < least || positionals.length > most) {
    const what =
      positionals.length < least ? 'too few words' : `too many words: ${positionals[most]}`
    return complainUsage(terminal, command, { message: what, hint: `jobz ${command.usage}` })
  }
  const api = await apiFor(read, terminal)
  if (api.kind === 'usage') return complainUsage(terminal, command, api)
  return runSafely(command, {
    terminal,
    api: api.api,
    json: read.values.get('json') === true,
    utc: read.values.get('utc') === true,
    words: positionals,
    flags: read.values,
  })
}

/** An answer of another shape than the API's shows itself somewhere in the middle of a command. */
async function runSafely(command: ClientCommand, cli: Cli): Promise<number> {
  try {
    return await command.run(cli)
  } catch (error) {
    if (cli.terminal.env['JOBZ_LOG_LEVEL'] === 'debug') throw error
    const why = error instanceof Error ? error.message : String(error)
    const hint =
      'is the frontend of another version? JOBZ_LOG_LEVEL=debug shows where it went wrong'
    return complain(cli, unreachable(`cannot make sense of what ${cli.api.url} says: ${why}`, hint))
  }
}

async function apiFor(
  read: Flags & { kind: 'flags' },
  terminal: Terminal,
): Promise<ReturnType<typeof createApi>> {
  const argv = ['url', 'ca', 'cert', 'cert-key', 'config'].flatMap((name) => {
    const value = read.values.get(name)
    return value === undefined ? [] : [`--${name}=${String(value)}`]
  })
  const settings = await readSettings('cli', CLI_SETTINGS, argv, terminal.env)
  if (settings.kind === 'usage') return settings
  if (settings.kind === 'help') throw new Error('no help was asked for')
  const { url, insecure } = settings.settings
  const files = readCredentials(settings.settings)
  if (files.kind === 'usage') return files
  return createApi({
    url,
    token: terminal.env['JOBZ_TOKEN'] ?? '',
    credentials: files.credentials,
    insecure,
    interrupted: () => terminal.interrupted,
  })
}

function help(name: string | undefined, terminal: Terminal): number {
  const command = COMMANDS.find((command) => command.name === name)
  if (name !== undefined && !command) return unknown(name, terminal)
  terminal.out.write(command ? commandHelp(command) : generalHelp(COMMANDS))
  return EXIT.succeeded
}

function unknown(name: string, terminal: Terminal): number {
  const near = nearestName(
    name,
    COMMANDS.map((command) => command.name),
  )
  return complainUsage(terminal, null, {
    message: `there is no command ${JSON.stringify(name)}`,
    hint: near ? `did you mean: jobz ${near}` : 'jobz help lists the commands',
  })
}
