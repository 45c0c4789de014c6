/** `jobz runs`: what ran, newest first. */
import type { RunsAnswer, RunView } from '../../common/protocol/answers.ts'
import { parseDuration } from '../../common/definition/durations.ts'
import { listFlag, textFlag, writeJson } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import { complain, complainUsage } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'
import { table } from '../show/columns.ts'
import type { Column } from '../show/columns.ts'
import {
  shownDetail,
  shownId,
  shownParams,
  shownSpan,
  shownTime,
  stateCell,
} from '../show/words.ts'
import { readParameters } from './parameters.ts'

export const RUNS: ClientCommand = {
  kind: 'client',
  name: 'runs',
  usage: 'runs [--job NAME] [--state STATE] [--since 2h] [--param name=value] …',
  summary: 'what ran and runs, newest first',
  takes: [0, 0],
  flags: [
    { flag: 'job', kind: 'text', help: 'of this job' },
    { flag: 'state', kind: 'text', help: 'in this state (running, failed …)' },
    { flag: 'flow', kind: 'text', help: 'of this flow' },
    { flag: 'worker', kind: 'text', help: 'with a task on this worker' },
    { flag: 'since', kind: 'text', help: 'created since then: 2h (ago), or 2026-11-23T08:00' },
    { flag: 'param', kind: 'list', help: 'started with name=value' },
    { flag: 'limit', kind: 'count', help: 'so many (20)' },
    { flag: 'before', kind: 'text', help: 'go on from here (the cursor that the last page named)' },
  ],
  run: runs,
}

const COLUMNS: readonly Column[] = [
  { title: 'RUN' },
  { title: 'JOB', least: 8 },
  { title: 'STATE' },
  { title: 'CREATED', leave: 2 },
  { title: 'TOOK', right: true, leave: 3 },
  { title: 'PARAMETERS', least: 8, leave: 5 },
  { title: 'REASON', least: 8, leave: 4 },
]

async function runs(cli: Cli): Promise<number> {
  const since = sinceTime(textFlag(cli, 'since'))
  if (since === null)
    return complainUsage(cli.terminal, RUNS, {
      message: `--since: ${textFlag(cli, 'since')} is no time`,
      hint: '2h (ago), or 2026-11-23T08:00:00Z',
    })
  const params = readParameters(listFlag(cli, 'param'))
  if (params.kind === 'usage') return complainUsage(cli.terminal, RUNS, params)
  const answer = await cli.api.get<RunsAnswer>(
    ['api', 'runs'],
    [
      ...['job', 'state', 'flow', 'worker', 'before'].map(
        (name) => [name, textFlag(cli, name)] as const,
      ),
      ['since', since],
      ['limit', textFlag(cli, 'limit') ?? '20'],
      ...Object.entries(params.params).map(([name, value]) => [`param.${name}`, value] as const),
    ],
  )
  if (answer.kind !== 'answer') return complain(cli, answer)
  if (cli.json) writeJson(cli, answer.body)
  else show(cli, answer.body)
  return EXIT.succeeded
}

function show(cli: Cli, { runs, before }: RunsAnswer): void {
  const { terminal } = cli
  if (runs.length === 0) terminal.err.write('no runs\n')
  else terminal.out.write(runsTable(cli, runs))
  if (before !== null) terminal.err.write(`older ones: --before ${before}\n`)
}

/** Runs as a table. */
function runsTable(cli: Cli, runs: readonly RunView[]): string {
  const rows = runs.map((run) => [
    shownId(cli.terminal.out.isTerminal, run.run_id),
    run.job,
    stateCell(run.state),
    shownTime(cli, run.created_at),
    shownSpan(run.started_at, run.finished_at),
    shownParams(run.params),
    shownDetail(run),
  ])
  return table(cli.terminal, COLUMNS, rows)
}

/** A time as the API takes it; undefined when none was given, null when it is none. */
function sinceTime(text: string | undefined): string | null | undefined {
  if (text === undefined) return undefined
  const ago_ms = parseDuration(text)
  const time_ms = ago_ms === null ? Date.parse(text) : Date.now() - ago_ms
  return Number.isNaN(time_ms) ? null : new Date(time_ms).toISOString()
}
