/** `jobz runs`: what ran, newest first. */
import type { RunsAnswer, RunView } from '../../common/protocol/answers.ts'
import { printableLine } from '../../common/daemon/printable.ts'
import { parseDuration } from '../../common/definition/durations.ts'
import { listFlag, switchFlag, textFlag, writeJson } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import type { Answer, Query } from '../api/client.ts'
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
  usage: 'runs [--job NAME] [--state STATE | --unhandled] [--since 2h] [--param name=value] …',
  summary: 'what ran and runs, newest first',
  takes: [0, 0],
  flags: [
    { flag: 'job', kind: 'text', help: 'of this job' },
    { flag: 'state', kind: 'text', help: 'in this state (running, failed …)' },
    {
      flag: 'unhandled',
      kind: 'switch',
      help: 'failed or expired, not retried, and no on_failure of it has succeeded',
    },
    { flag: 'flow', kind: 'text', help: 'of this flow' },
    { flag: 'worker', kind: 'text', help: 'with a task on this worker' },
    { flag: 'since', kind: 'text', help: 'created since then: 2h (ago), or 2026-11-23T08:00' },
    { flag: 'param', kind: 'list', help: 'started with name=value' },
    { flag: 'limit', kind: 'count', help: 'so many (20; with --ids all)' },
    { flag: 'ids', kind: 'switch', help: 'only their whole ids, one a line (for jobz retry -)' },
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
  const filter: Query = [
    ...['job', 'state', 'flow', 'worker'].map((name) => [name, textFlag(cli, name)] as const),
    ['unhandled', switchFlag(cli, 'unhandled') ? '1' : undefined],
    ['since', since],
    ...Object.entries(params.params).map(([name, value]) => [`param.${name}`, value] as const),
  ]
  if (switchFlag(cli, 'ids')) return cli.json ? bothAsked(cli) : writeIds(cli, filter)
  const answer = await page(cli, filter, textFlag(cli, 'before'), textFlag(cli, 'limit') ?? '20')
  if (answer.kind !== 'answer') return complain(cli, answer)
  if (cli.json) writeJson(cli, answer.body)
  else show(cli, answer.body)
  return EXIT.succeeded
}

const page = (cli: Cli, filter: Query, before: string | undefined, limit: string) =>
  cli.api.get<RunsAnswer>(['api', 'runs'], [...filter, ['before', before], ['limit', limit]])

const bothAsked = (cli: Cli): number =>
  complainUsage(cli.terminal, RUNS, { message: '--ids or --json, not both', hint: null })

const PAGE = 1_000

/** The ids of all that match, page by page, or of so many as were asked for. */
async function writeIds(cli: Cli, filter: Query): Promise<number> {
  let left = Number(textFlag(cli, 'limit') ?? Infinity)
  let before: string | null | undefined = textFlag(cli, 'before')
  while (left > 0 && before !== null) {
    const answer: Answer<RunsAnswer> = await page(cli, filter, before, `${Math.min(left, PAGE)}`)
    if (answer.kind !== 'answer') return complain(cli, answer)
    const { runs } = answer.body
    for (const { run_id } of runs) cli.terminal.out.write(`${printableLine(run_id)}\n`)
    left -= runs.length
    before = answer.body.before
  }
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
