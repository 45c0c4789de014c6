/** `jobz show RUN`: everything about one run, for eyes. */
import { printableLine, printableText } from '../../common/daemon/printable.ts'
import type { NextView, RunView, TaskView } from '../../common/protocol/answers.ts'
import { writeJson } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import { complain } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'
import { table } from '../show/columns.ts'
import type { Cell, Column } from '../show/columns.ts'
import { shownDetail, shownEnd, shownId, shownSpan, shownTime, stateCell } from '../show/words.ts'
import { paint } from '../terminal.ts'

export const SHOW: ClientCommand = {
  kind: 'client',
  name: 'show',
  usage: 'show RUN',
  summary: 'one run: state, tasks, attempts, and what followed',
  takes: [1, 1],
  flags: [],
  run: show,
}

const TASKS: readonly Column[] = [
  { title: 'TASK' },
  { title: 'WORKER', least: 8 },
  { title: 'STATE' },
  { title: 'ATTEMPT', right: true, leave: 3 },
  { title: 'ENDED', least: 8 },
  { title: 'STARTED', leave: 2 },
  { title: 'TOOK', right: true, leave: 1 },
]

async function show(cli: Cli): Promise<number> {
  const [id = ''] = cli.words
  const answer = await cli.api.get<RunView>(['api', 'runs', id])
  if (answer.kind !== 'answer') return complain(cli, answer)
  if (cli.json) writeJson(cli, answer.body)
  else cli.terminal.out.write(shownRun(cli, answer.body))
  return EXIT.succeeded
}

function shownRun(cli: Cli, run: RunView): string {
  const { out } = cli.terminal
  const state = stateCell(run.state)
  const detail = shownDetail(run)
  const facts: readonly (readonly [string, string])[] = [
    ['run', run.run_id],
    ['job', run.job],
    ['flow', run.flow_id === run.run_id ? '' : run.flow_id],
    ['parent', run.parent_run_id ?? ''],
    ['retry of', run.retry_of ?? ''],
    ['lane', `${run.lane}, priority ${run.priority}, deliver ${run.deliver}`],
    ['created', shownTime(cli, run.created_at)],
    ['started', shownTime(cli, run.started_at)],
    ['finished', shownTime(cli, run.finished_at)],
    ['took', shownSpan(run.started_at, run.finished_at)],
  ]
  const lines = facts.filter(([, text]) => text !== '').map(([name, text]) => fact(name, text))
  const head = `${paint(out, state.style, printableLine(state.text))}${detail === '' ? '' : `: ${printableLine(detail)}`}\n`
  const tasks = run.tasks ?? []
  const rows = tasks.flatMap((task) => taskRows(cli, task))
  return [
    head,
    ...lines,
    ...values(cli, 'parameters', run.params),
    ...values(cli, 'context', run.context ?? {}),
    ...(tasks.length > 0 ? ['\n', table(cli.terminal, TASKS, rows)] : []),
    ...tasks.flatMap((task) =>
      values(cli, `output of ${task.worker ?? task.task_id}`, task.output),
    ),
    ...next(cli, run.next ?? []),
  ].join('')
}

const fact = (name: string, text: string): string => `${name.padEnd(10)}${printableLine(text)}\n`

function values(cli: Cli, title: string, named: Readonly<Record<string, string>>): string[] {
  const entries = Object.entries(named)
  if (entries.length === 0) return []
  const lines = entries.map(([name, value]) => `  ${printableLine(name)}=${indented(value)}\n`)
  return [`\n${paint(cli.terminal.out, 'bold', printableLine(title))}\n`, ...lines]
}

/** A value of several lines (`error_tail`) stays readable. */
const indented = (value: string): string =>
  printableText(value).trimEnd().replaceAll('\n', '\n    ')

/** The task, and its earlier attempts under it when it took more than one. */
function taskRows(cli: Cli, task: TaskView): Cell[][] {
  const row = [
    shownId(false, task.task_id.slice(task.task_id.lastIndexOf('.') + 1)),
    task.worker ?? '',
    stateCell(task.state),
    String(task.attempt),
    shownEnd(task),
    shownTime(cli, task.started_at),
    shownSpan(task.started_at, task.finished_at),
  ]
  const newest = task.attempts.at(-1)
  // What it said after it was given up is on the attempt alone.
  const hasNote = newest?.state === 'lost' && newest.reason !== task.reason
  const earlier = (hasNote ? task.attempts : task.attempts.slice(0, -1)).map((attempt) => [
    '',
    attempt.worker,
    stateCell(attempt.state),
    String(attempt.attempt),
    shownEnd(attempt),
    shownTime(cli, attempt.started_at),
    shownSpan(attempt.started_at, attempt.finished_at),
  ])
  return [row, ...earlier]
}

function next(cli: Cli, views: readonly NextView[]): string[] {
  if (views.length === 0) return []
  const { out } = cli.terminal
  const line = (view: NextView): string => {
    if ('semaphore' in view) {
      const late = view.late ? ' (late: it was open)' : ''
      return `  semaphore ${view.semaphore}, gate ${view.key ?? 'unkeyed'}${late}`
    }
    return `  ${view.on}: ${view.job} ${shownId(out.isTerminal, view.run_id)} ${view.state}`
  }
  return [
    `\n${paint(out, 'bold', 'next')}\n`,
    ...views.map((view) => `${printableLine(line(view))}\n`),
  ]
}
