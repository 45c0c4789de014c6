/** `jobz validate PATH…`: checks definitions without asking anybody. 0 good, 1 bad. */
import type { Loaded, Problem } from '../../common/definition/job.ts'
import { printableLine } from '../../common/daemon/printable.ts'
import { switchFlag, writeJson } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { paint } from '../terminal.ts'

export const VALIDATE: ClientCommand = {
  kind: 'client',
  name: 'validate',
  usage: 'validate PATH… [--strict]',
  summary: 'check definitions (files or folders), offline',
  takes: [1, Number.POSITIVE_INFINITY],
  flags: [{ flag: 'strict', kind: 'switch', help: 'warnings are errors' }],
  run: validate,
}

async function validate(cli: Cli): Promise<number> {
  const { loadDefinitions } = await import('../../common/definition/load.ts')
  const loaded = loadDefinitions(cli.words)
  const strict = switchFlag(cli, 'strict')
  const problems = problemsOf(loaded).map((problem) =>
    strict ? { ...problem, severity: 'error' as const } : problem,
  )
  const errors = problems.filter((problem) => problem.severity === 'error').length
  if (cli.json) {
    writeJson(cli, { good: errors === 0, problems })
  } else {
    await showProblems(cli, problems)
    cli.terminal.err.write(`${summary(loaded, errors, problems.length - errors)}\n`)
  }
  return errors === 0 ? EXIT.succeeded : EXIT.failed
}

const problemsOf = (loaded: Loaded): readonly Problem[] =>
  loaded.kind === 'loaded' ? loaded.warnings : loaded.problems

/** One line each, that editors and terminals can jump from. */
export async function showProblems(cli: Cli, problems: readonly Problem[]): Promise<void> {
  const { showProblem } = await import('../../common/definition/problem.ts')
  const { out } = cli.terminal
  for (const problem of problems) {
    const line = printableLine(showProblem(problem))
    out.write(`${paint(out, problem.severity === 'error' ? 'red' : 'yellow', line)}\n`)
  }
}

function summary(loaded: Loaded, errors: number, warnings: number): string {
  const found = [counted(errors, 'error'), counted(warnings, 'warning')].filter((text) => text)
  if (loaded.kind === 'refused') return found.join(', ')
  const { jobs, semaphores } = loaded.definitions
  const defined = [counted(jobs.size, 'job'), counted(semaphores.size, 'semaphore')]
  const what = defined.filter((text) => text).join(' and ') || 'no job'
  return `${what}: ${found.join(', ') || 'good'}`
}

const counted = (count: number, name: string): string =>
  count === 0 ? '' : `${count} ${name}${count === 1 ? '' : 's'}`
