/** The command of a job: its placeholders rewritten or checked, and refused where a value would be more than data. */
import { PARAM_NAME_PATTERN } from './card.ts'
import { commandProblem } from './command-rules.ts'
import type { Trust, Use, Word } from './command-uses.ts'
import type { Command } from './job.ts'
import { nearestName } from './nearest.ts'
import type { Report } from './report.ts'
import { BUILT_IN_NAMES, BUILT_IN_TEXTS, RESERVED_NAMES } from './reserved.ts'
import type { JobYaml, ParamYaml } from './schema.ts'
import { rewriteShell } from './shell-template.ts'
import { piecesOf, placeholdersOf } from './template.ts'
import type { Path } from './yaml-tree.ts'

const DEFAULT_SHELL = ['sh', '-c']
/** Shells whose quoting the rewriting is made for. */
const KNOWN_SHELLS = new Set(['sh', 'dash', 'bash', 'ash', 'busybox'])
/** Built-in values that are whole numbers, when they are there. */
const BUILT_IN_INTEGERS = new Set(['attempt', 'exit_code'])

/** Answers the checked command; what is wrong goes to the report, and what comes back then is only a stand-in. */
export function buildCommand(job: JobYaml, path: Path, report: Report): Command {
  const template = job.template ?? true
  if (template) checkNames(job, path, report)
  if (typeof job.command !== 'string')
    return buildArguments(job, job.command, template, path, report)
  const shell = job.shell ?? DEFAULT_SHELL
  if (job.command.trim() === '')
    report.error(path, 'command is empty', 'true does nothing, and succeeds')
  if (job.command.includes('\0'))
    report.error(path, 'command has a NUL character', 'no shell can read it')
  if (!template) return { kind: 'shell', shell, text: job.command }
  const base = (shell[0] ?? '').replace(/^.*\//, '')
  if (!KNOWN_SHELLS.has(base) && placeholdersOf(job.command).length > 0) {
    const hint = 'set template: false, and read the values from the environment: JOBZ_P_<name>'
    report.error(path, `placeholders are for sh, dash and bash, and the shell is ${base}`, hint)
  }
  const rewritten = rewriteShell(job.command, (name) => trustOf(name, job.params ?? {}))
  if (rewritten.kind === 'rewritten') {
    for (const { name, offset } of secretsOf(rewritten.shown, job))
      report.warnIn(path, offset, ...SHOWN_BY_PS(name))
    return { kind: 'shell', shell, text: rewritten.text }
  }
  report.errorIn(path, rewritten.offset, rewritten.message, rewritten.hint)
  return { kind: 'shell', shell, text: job.command }
}

const secretsOf = (uses: readonly Use[], { params }: JobYaml): Use[] =>
  uses.filter(({ name }) => Object.hasOwn(params ?? {}, name) && params?.[name]?.secret === true)

const SHOWN_BY_PS = (name: string): [string, string] => [
  `${name} is secret, and as an argument everybody on the host can see it`,
  `let the command read $JOBZ_P_${name}, or its standard input: printf %s %(${name})s | …`,
]

/** The names that a command has placeholders for. */
export function namesIn(job: JobYaml): Set<string> {
  if (job.template === false) return new Set()
  return new Set(
    textsOf(job).flatMap((text) => placeholdersOf(text).map((placeholder) => placeholder.name)),
  )
}

/** How far a parameter's values are known: see the types of `command-uses.ts`. */
function trustOf(name: string, params: Readonly<Record<string, ParamYaml | null>>): Trust {
  if (BUILT_IN_NAMES.has(name)) return BUILT_IN_TEXTS.has(name) ? 'text' : 'safe'
  // A value that nobody declared may be carried from another step, and then it is any text.
  if (!Object.hasOwn(params, name)) return 'text'
  const rule = params[name] ?? {}
  if (rule.type === 'enum') return (rule.values ?? []).every(isPlainWord) ? 'fixed' : 'text'
  if (rule.type === 'int' || rule.type === 'date') return 'fixed'
  return rule.type === 'text' || rule.type === 'path' ? 'text' : 'safe'
}

function isPlainWord(value: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.,:/@%+=-]*$/.test(value)
}

function buildArguments(
  job: JobYaml,
  argv: string[],
  template: boolean,
  path: Path,
  report: Report,
): Command {
  if (job.shell !== undefined)
    report.warnAtKey([...path.slice(0, -1), 'shell'], 'a list needs no shell', 'leave it out')
  if (argv[0] === '') report.error([...path, 0], 'the command has no name', null)
  const nul = argv.findIndex((argument) => argument.includes('\0'))
  if (nul !== -1)
    report.error([...path, nul], 'an argument has a NUL character', 'no command can be given one')
  if (template) {
    const words = argv.map((argument, place) => wordOf(argument, place, job.params ?? {}))
    const problem = commandProblem({ words, redirects: [], upstream: [] })
    if (problem !== null) report.error([...path, problem.use.offset], problem.message, problem.hint)
    const uses = words.flatMap((word) => word.uses)
    for (const { name, offset } of secretsOf(uses, job))
      report.warnIn([...path, offset], 0, ...SHOWN_BY_PS(name))
  }
  return { kind: 'argv', argv, template }
}

/** An argument as a word of a command; the place of its uses is its own place in the list. */
function wordOf(argument: string, place: number, params: NonNullable<JobYaml['params']>): Word {
  const pieces = [...piecesOf(argument)]
  const uses = placeholdersOf(argument).map(({ name }) => ({
    name,
    trust: trustOf(name, params),
    offset: place,
  }))
  const text = pieces.map((piece) => (piece.kind === 'text' ? piece.text : '\0')).join('')
  return { text, uses, mayVanish: false }
}

/** `%(date)` and `%( date )s`, which only look like placeholders. */
const ALMOST = /(?<!%)%\((?:\s*\w+\s*\)(?![sd])|(?:\s+\w+\s*|\w+\s+)\)[sd])/

/** Every placeholder must be able to get a value, and `%(name)d` an integer. */
function checkNames(job: JobYaml, path: Path, report: Report): void {
  const params = job.params ?? {}
  const almost = textsOf(job).flatMap((text) => ALMOST.exec(text)?.[0] ?? [])[0]
  if (almost !== undefined) {
    const hint = 'write %(name)s; or %%( for the characters themselves'
    report.warnAtKey(path, `${almost} is no placeholder, and stays as it is`, hint)
  }
  for (const { name, integer } of textsOf(job).flatMap(placeholdersOf)) {
    const isDeclared = Object.hasOwn(params, name)
    if (!PARAM_NAME_PATTERN.test(name))
      report.error(path, `%(${name})s is no name for a parameter`, null)
    else if (RESERVED_NAMES.has(name))
      report.error(path, `${name} is reserved for triggers and has no value here`, null)
    if (integer && (isDeclared ? params[name]?.type !== 'int' : !BUILT_IN_INTEGERS.has(name))) {
      report.error(
        path,
        `%(${name})d needs an integer`,
        `declare ${name} under params with type: int`,
      )
    }
    if (isDeclared || BUILT_IN_NAMES.has(name)) continue
    const near = nearestName(name, [...Object.keys(params), ...BUILT_IN_NAMES])
    if (job.params_only === true) {
      const hint = near === null ? `declare ${name} under params` : `did you mean ${near}?`
      report.error(path, `${name} is not declared, and params_only refuses it`, hint)
    } else if (near !== null) {
      report.warnAtKey(path, `${name} is not declared`, `did you mean ${near}?`)
    }
  }
}

function textsOf(job: JobYaml): string[] {
  return typeof job.command === 'string' ? [job.command] : job.command
}
