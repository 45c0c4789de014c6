/** `jobz workers`: who is there, how busy, and what each could not load. */
import { printableLine } from '../../common/daemon/printable.ts'
import type { WorkerView } from '../../common/protocol/answers.ts'
import { writeJson } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import { complain, complainUsage } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'
import { table } from '../show/columns.ts'
import type { Column } from '../show/columns.ts'
import { shownSlots, shownTime, stateCell } from '../show/words.ts'
import { paint } from '../terminal.ts'

export const WORKERS: ClientCommand = {
  kind: 'client',
  name: 'workers',
  usage: 'workers [forget NAME]',
  summary: 'the workers; or forget one that will not come back',
  takes: [0, 2],
  flags: [],
  run: workers,
}

const COLUMNS: readonly Column[] = [
  { title: 'WORKER', least: 8 },
  { title: 'STATE' },
  { title: 'SLOTS', right: true },
  { title: 'LAST HEARD', leave: 2 },
  { title: 'VERSION', leave: 3 },
  { title: 'JOBS', least: 10, leave: 1 },
]

async function workers(cli: Cli): Promise<number> {
  const [verb, name] = cli.words
  if (verb === 'forget' && name !== undefined) return forget(cli, name)
  if (verb !== undefined)
    return complainUsage(cli.terminal, WORKERS, {
      message: `cannot ${cli.words.join(' ')}`,
      hint: `jobz ${WORKERS.usage}`,
    })
  const answer = await cli.api.get<{ workers: WorkerView[] }>(['api', 'workers'])
  if (answer.kind !== 'answer') return complain(cli, answer)
  if (cli.json) writeJson(cli, answer.body)
  else show(cli, answer.body.workers)
  return EXIT.succeeded
}

async function forget(cli: Cli, name: string): Promise<number> {
  const answer = await cli.api.post(['api', 'workers', name, 'forget'])
  if (answer.kind !== 'answer') return complain(cli, answer)
  if (cli.json) writeJson(cli, answer.body)
  else cli.terminal.err.write(`${printableLine(name)} is forgotten\n`)
  return EXIT.succeeded
}

function show(cli: Cli, workers: readonly WorkerView[]): void {
  const { terminal } = cli
  if (workers.length === 0) {
    terminal.err.write('no worker has ever been here: start one with jobz worker\n')
    return
  }
  const rows = workers.map((worker) => [
    worker.worker,
    stateCell(worker.state),
    shownSlots(worker),
    shownTime(cli, worker.last_heard_at),
    worker.version,
    worker.jobs.join(' '),
  ])
  terminal.out.write(table(terminal, COLUMNS, rows))
  for (const { worker, reload_error } of workers)
    if (reload_error !== null) {
      const text = `${printableLine(worker)} could not load all its jobs: ${printableLine(reload_error)}`
      terminal.out.write(`${paint(terminal.out, 'red', text)}\n`)
    }
}
