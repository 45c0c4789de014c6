/** `jobz logs RUN`: what its commands wrote; standard output to standard output, standard error to standard error. */
import { printableLine } from '../../common/daemon/printable.ts'
import type { RunView, TaskView } from '../../common/protocol/answers.ts'
import { interrupted, unreachable, whyNot } from '../api/failure.ts'
import type { Failure } from '../api/failure.ts'
import { switchFlag, textFlag } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import { complain, complainUsage } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'
import { lineWriter, rawWriter } from '../show/output-text.ts'
import { isOver } from '../show/words.ts'
import type { Output } from '../terminal.ts'
import { pause } from '../watch/wakes.ts'

export const LOGS: ClientCommand = {
  kind: 'client',
  name: 'logs',
  usage: 'logs RUN [-f] [--stream stdout|stderr] [--task N|WORKER] [--raw]',
  summary: "what a run's commands wrote",
  takes: [1, 1],
  flags: [
    { flag: 'follow', short: 'f', kind: 'switch', help: 'go on until the run is over' },
    { flag: 'stream', kind: 'text', help: 'only stdout, or only stderr' },
    { flag: 'task', kind: 'text', help: 'only this task: its number, or its worker' },
    { flag: 'raw', kind: 'switch', help: 'leave escape sequences in, on a terminal too' },
  ],
  notes: ['Lines of several tasks begin with their worker: `web17| `.'],
  run: logs,
}

const STREAMS = ['stdout', 'stderr'] as const
type Stream = (typeof STREAMS)[number]

async function logs(cli: Cli): Promise<number> {
  const [run_id = ''] = cli.words
  const stream = textFlag(cli, 'stream')
  const streams = STREAMS.filter((one) => stream === undefined || one === stream)
  if (streams.length === 0)
    return complainUsage(cli.terminal, LOGS, {
      message: `--stream: there is no ${stream}`,
      hint: 'stdout or stderr',
    })
  const { out, err } = cli.terminal
  const to = { stdout: out, stderr: err }
  return copyOutput(cli, run_id, { streams, to, follow: switchFlag(cli, 'follow') })
}

/** Shows all that a run writes until it is over, on one output. */
export const followOutput = (cli: Cli, run_id: string, output: Output): Promise<number> =>
  copyOutput(cli, run_id, {
    streams: STREAMS,
    to: { stdout: output, stderr: output },
    follow: true,
  })

type Wanted = {
  readonly streams: readonly Stream[]
  readonly to: Readonly<Record<Stream, Output>>
  readonly follow: boolean
}

/** How often a run that waits for its turn is looked at. */
const LOOK_MS = 500

async function copyOutput(cli: Cli, run_id: string, wanted: Wanted): Promise<number> {
  const found = await tasksOf(cli, run_id, wanted.follow)
  if ('kind' in found) return complain(cli, found)
  const named = textFlag(cli, 'task')
  const tasks = found.filter(({ task_id, worker }) => {
    const number = task_id.slice(task_id.lastIndexOf('.') + 1)
    return named === undefined || [task_id, worker, number].includes(named)
  })
  if (named !== undefined && tasks.length === 0) {
    cli.terminal.err.write(`jobz: the run has no task ${printableLine(named)}\n`)
    return EXIT.refused
  }
  const copies = tasks.flatMap((task) =>
    wanted.streams.map((stream) => () => {
      const prefix = tasks.length > 1 ? `${printableLine(task.worker ?? task.task_id)}| ` : ''
      return copyStream(cli, run_id, task, stream, wanted, prefix)
    }),
  )
  const failures: (Failure | null)[] = []
  if (wanted.follow) failures.push(...(await Promise.all(copies.map((copy) => copy()))))
  else for (const copy of copies) failures.push(await copy())
  const failure = failures.find((one) => one !== null)
  return failure ? complain(cli, failure) : EXIT.succeeded
}

/** A run's tasks; a run that is followed is waited for until it has some. */
async function tasksOf(
  cli: Cli,
  run_id: string,
  follow: boolean,
): Promise<readonly TaskView[] | Failure> {
  for (let told = false; ; told = true) {
    const answer = await cli.api.get<RunView>(['api', 'runs', run_id])
    if (answer.kind !== 'answer') return answer
    const { state, tasks = [] } = answer.body
    if (tasks.length > 0 || isOver(answer.body) || !follow) return tasks
    if (!told) cli.terminal.err.write(`${printableLine(state)}: its output comes when it runs\n`)
    await pause(LOOK_MS, cli.terminal.interrupted)
    if (cli.terminal.interrupted.aborted) return interrupted
  }
}

async function copyStream(
  cli: Cli,
  run_id: string,
  task: TaskView,
  stream: Stream,
  wanted: Wanted,
  prefix: string,
): Promise<Failure | null> {
  const output = wanted.to[stream]
  const raw = switchFlag(cli, 'raw') || !output.isTerminal
  const writer = raw && prefix === '' ? rawWriter(output) : lineWriter(output, prefix, !raw)
  const query = [
    ['stream', stream],
    ['task', task.task_id],
    ['follow', wanted.follow ? '1' : undefined],
  ] as const
  const opened = await cli.api.open(['api', 'runs', run_id, 'output'], query, 'text/plain')
  if (opened.kind !== 'open') return opened
  try {
    for await (const bytes of opened.body) writer.write(bytes)
    return null
  } catch (error) {
    if (cli.terminal.interrupted.aborted) return interrupted
    return unreachable(`the output was cut short: ${whyNot(error).why}`, null)
  } finally {
    writer.end()
  }
}
