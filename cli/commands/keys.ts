/** `jobz keys`: who may come in, and as what: keys for the broker's doors, tokens and certificates for HTTP. */
import { printableLine } from '../../common/daemon/printable.ts'
import { nearestName } from '../../common/definition/nearest.ts'
import type { Failure } from '../api/failure.ts'
import { SHARED_FLAGS, textFlag, writeJson } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import { complain, complainUsage } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'
import { inFolder } from './keys/folder.ts'
import { FOLDER_FLAG, KEY_FLAGS, VERBS } from './keys/table.ts'
import { troubleOf } from './keys/trouble.ts'
import { wrong } from './keys/verb.ts'
import type { Outcome, Problem, Verb } from './keys/verb.ts'

export const KEYS: ClientCommand = {
  kind: 'client',
  name: 'keys',
  usage: 'keys [VERB …] [--keys DIR]',
  summary: 'who may come in: keys for daemons, tokens and certificates for HTTP',
  takes: [0, 3],
  flags: KEY_FLAGS,
  notes: VERBS.flatMap(({ usage, summary }) => [`  jobz keys ${usage}`, `      ${summary}`]),
  run: keys,
}

const DEFAULT_FOLDER = '.jobz/keys'

async function keys(cli: Cli): Promise<number> {
  const [name = 'list', ...words] = cli.words
  const verb = VERBS.find((verb) => verb.name === name)
  const problem = verb ? typingProblem(verb, words, cli) : unknown(name)
  if (!verb || problem) return show(cli, problem ?? unknown(name))
  const folder = textFlag(cli, 'keys') ?? (cli.terminal.env['JOBZ_KEYS'] || DEFAULT_FOLDER)
  return show(cli, await outcomeOf(verb, { ...cli, words }, folder))
}

async function outcomeOf(verb: Verb, cli: Cli, folder: string): Promise<Outcome> {
  try {
    return await inFolder(folder, verb.touches, () => verb.run(cli, folder))
  } catch (error) {
    const trouble = troubleOf(error)
    if (trouble === null) throw error
    return trouble
  }
}

function unknown(name: string): Problem {
  const names = VERBS.map((verb) => verb.name)
  const near = nearestName(name, names)
  const hint = near ? `did you mean: jobz keys ${near}` : `it can: ${names.join(', ')}`
  return wrong(`cannot ${JSON.stringify(name)}`, hint)
}

/** Too few words, too many, or a flag of another verb. */
function typingProblem(verb: Verb, words: readonly string[], cli: Cli): Problem | null {
  const [least, most] = verb.takes
  const hint = `jobz keys ${verb.usage}`
  if (words.length < least) return wrong(`${verb.name}: too few words`, hint)
  if (words.length > most) return wrong(`${verb.name}: too many words: ${words[most]}`, hint)
  const known = [FOLDER_FLAG, ...verb.flags, ...SHARED_FLAGS].map(({ flag }) => flag)
  const other = [...cli.flags.keys()].find((flag) => !known.includes(flag))
  return other === undefined ? null : wrong(`${verb.name} has no --${other}`, hint)
}

function show(cli: Cli, outcome: Outcome): number {
  if (outcome.kind === 'usage') return complainUsage(cli.terminal, KEYS, outcome)
  if (outcome.kind === 'refused') return complain(cli, failure(outcome))
  const { lines, notes, body, table, problems = [] } = outcome
  const { out, err } = cli.terminal
  if (cli.json) writeJson(cli, body)
  else {
    out.write(table ?? lines.map(asLine).join(''))
    err.write(notes.map(asLine).join(''))
  }
  for (const message of problems) complain(cli, failure({ message, hint: null }))
  return problems.length > 0 ? EXIT.refused : EXIT.succeeded
}

const failure = (said: Pick<Problem, 'message' | 'hint'>): Failure => ({
  kind: 'refused',
  status: 0,
  code: 'keys',
  body: null,
  message: said.message,
  hint: said.hint,
})

const asLine = (line: string): string => `${printableLine(line)}\n`
