/** `jobz plan JOB k=v…`: what would run, with which values, and what would follow. Runs nothing. */
import { printableLine, printableText } from '../../common/daemon/printable.ts'
import type { Definitions, Job } from '../../common/definition/job.ts'
import { nearestName } from '../../common/definition/nearest.ts'
import type { Checked } from '../../common/definition/values.ts'
import type { JobView } from '../../common/protocol/answers.ts'
import { textFlag, writeJson } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import { complain, complainUsage } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'
import { paint } from '../terminal.ts'
import type { Failure } from '../api/failure.ts'
import { readParameters } from './parameters.ts'
import { showProblems } from './validate.ts'

export const PLAN: ClientCommand = {
  kind: 'client',
  name: 'plan',
  usage: 'plan JOB [name=value…] [--jobs DIR]',
  summary: 'what a job would run and what would follow; runs nothing',
  takes: [1, Number.POSITIVE_INFINITY],
  flags: [{ flag: 'jobs', kind: 'text', help: 'the definitions (JOBZ_JOBS; jobs)' }],
  run: plan,
}

async function plan(cli: Cli): Promise<number> {
  const [name = '', ...words] = cli.words
  const read = readParameters(words)
  if (read.kind === 'usage') return complainUsage(cli.terminal, PLAN, read)
  const [{ loadDefinitions }, { secretNamesIn }, { checkParams }] = await Promise.all([
    import('../../common/definition/load.ts'),
    import('../../common/definition/secrets.ts'),
    import('../../common/definition/values.ts'),
  ])
  const folder = textFlag(cli, 'jobs') ?? (cli.terminal.env['JOBZ_JOBS'] || 'jobs')
  const loaded = loadDefinitions([folder])
  if (loaded.kind === 'refused') {
    await showProblems(cli, loaded.problems)
    return EXIT.failed
  }
  const job = loaded.definitions.jobs.get(name)
  if (!job) return unknownJob(cli, name, folder, loaded.definitions)
  const secret_names = secretNamesIn(loaded.definitions.jobs.values())
  const how = { now_ms: Date.now(), source: 'trigger', secret_names } as const
  const checked = checkParams(job.card, read.params, how)
  if (checked.kind === 'bad')
    return complain(cli, offline('bad_parameter', checked.message, checked.hint))
  return show(cli, job, checked, loaded.definitions, secret_names)
}

const offline = (code: string, message: string, hint: string | null): Failure => ({
  kind: 'refused',
  status: 0,
  code,
  message,
  hint,
  body: { error: { code, message, hint } },
})

function unknownJob(cli: Cli, name: string, folder: string, { jobs }: Definitions): number {
  const near = nearestName(name, jobs.keys())
  const hint = near ? `did you mean ${near}?` : `there are: ${[...jobs.keys()].join(', ')}`
  return complain(cli, offline('unknown_job', `${folder} defines no job ${name}`, hint))
}

async function show(
  cli: Cli,
  job: Job,
  checked: Checked & { kind: 'checked' },
  definitions: Definitions,
  secret_names: ReadonlySet<string>,
): Promise<number> {
  const [{ graphLines, graphOf }, { commandText, shownValues }] = await Promise.all([
    import('../show/graph.ts'),
    import('../show/command-text.ts'),
  ])
  const values = shownValues(checked.params, secret_names)
  const graph = graphOf(definitions, job.card.job, values)
  const command = commandText(job, checked.params, secret_names)
  const workers = await workersOf(cli, job)
  if (cli.json) {
    const { undeclared, sanitized } = checked
    const { where, user, limits } = job
    const body = { job: job.card.job, where, command, user, limits, params: values }
    writeJson(cli, { ...body, undeclared, sanitized, next: graph.next, workers: workers.names })
    return EXIT.succeeded
  }
  const remark = (name: string): string =>
    checked.sanitized.includes(name)
      ? '  (characters removed)'
      : checked.undeclared.includes(name)
        ? '  (not declared)'
        : ''
  const shown = Object.entries(values).map(([name, value]) => `${name}=${value}${remark(name)}`)
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ['command', printableText(command).split('\n')],
    ['as', boundsOf(job).map(printableLine)],
    ['values', shown.map(printableLine)],
    ['workers', [printableLine(workers.text)]],
    ['what follows', graphLines(graph).map(printableLine)],
  ]
  const { out } = cli.terminal
  out.write(`${printableLine(`${job.card.job}  (${job.where})`)}\n`)
  for (const [title, lines] of parts.filter(([, lines]) => lines.length > 0))
    out.write(`\n${paint(out, 'bold', title)}\n${lines.map((line) => `  ${line}\n`).join('')}`)
  return EXIT.succeeded
}

/** Whose command it is, and what bounds it, where the definition says so. */
function boundsOf({ user, limits }: Job): string[] {
  const { memory_bytes, tasks, files } = limits
  return [
    ...(user === null ? [] : [`user ${user}`]),
    ...(memory_bytes === null ? [] : [`${memory_bytes / 1024 ** 2} MiB of memory`]),
    ...(tasks === null ? [] : [`${tasks} tasks`]),
    ...(files === null ? [] : [`${files} open files`]),
  ]
}

/** Who would run it; null when the frontend cannot be asked, which is no error for a plan. */
async function workersOf(
  cli: Cli,
  job: Job,
): Promise<{ names: readonly string[] | null; text: string }> {
  const answer = await cli.api.get<{ jobs: JobView[] }>(['api', 'jobs'])
  if (answer.kind !== 'answer') return { names: null, text: `not known: ${answer.message}` }
  const names = answer.body.jobs.find((one) => one.job === job.card.job)?.workers ?? []
  if (names.length === 0) return { names, text: 'none is subscribed: it would wait for one' }
  const how = job.card.deliver === 'all' ? 'each of' : 'one of'
  return { names, text: `${how} ${names.length}: ${names.join(', ')}` }
}
