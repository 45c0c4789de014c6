/** `jobz jobs`: which jobs are announced, by whom, and where workers disagree about them. */
import type { JobView } from '../../common/protocol/answers.ts'
import { switchFlag, writeJson } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import { complain } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'
import { table } from '../show/columns.ts'
import type { Column } from '../show/columns.ts'

export const JOBS: ClientCommand = {
  kind: 'client',
  name: 'jobs',
  usage: 'jobs [--drift]',
  summary: 'the jobs that workers announced',
  takes: [0, 0],
  flags: [
    { flag: 'drift', kind: 'switch', help: 'only jobs that some worker defines differently' },
  ],
  run: jobs,
}

const COLUMNS: readonly Column[] = [
  { title: 'JOB', least: 10 },
  { title: 'DELIVER', leave: 5 },
  { title: 'WORKERS', right: true },
  { title: 'WAITING', right: true, leave: 4 },
  { title: 'QUEUED', right: true, leave: 3 },
  { title: 'RUNNING', right: true, leave: 2 },
  { title: 'THEN', least: 8, leave: 6 },
  { title: 'DESCRIPTION', least: 10, leave: 7 },
]

const DRIFT: readonly Column[] = [
  { title: 'JOB', least: 10 },
  { title: 'DIFFERS ON', least: 10 },
  { title: 'WORKERS', right: true, leave: 1 },
]

async function jobs(cli: Cli): Promise<number> {
  const answer = await cli.api.get<{ jobs: JobView[] }>(['api', 'jobs'])
  if (answer.kind !== 'answer') return complain(cli, answer)
  if (cli.json) writeJson(cli, answer.body)
  else if (switchFlag(cli, 'drift')) showDrift(cli, answer.body.jobs)
  else show(cli, answer.body.jobs)
  return EXIT.succeeded
}

function show({ terminal }: Cli, jobs: readonly JobView[]): void {
  if (jobs.length === 0) {
    terminal.err.write('no worker has announced a job yet\n')
    return
  }
  const rows = jobs.map((job) => [
    job.job,
    job.deliver,
    String(job.workers.length),
    String(job.waiting),
    String(job.queued),
    String(job.running),
    job.on_success.join(' '),
    job.description ?? '',
  ])
  terminal.out.write(table(terminal, COLUMNS, rows))
}

function showDrift({ terminal }: Cli, jobs: readonly JobView[]): void {
  const drifting = jobs.filter((job) => job.drift.length > 0)
  if (drifting.length === 0) {
    terminal.err.write('all workers define their jobs alike\n')
    return
  }
  const rows = drifting.map((job) => [job.job, job.drift.join(' '), String(job.workers.length)])
  terminal.out.write(table(terminal, DRIFT, rows))
  terminal.err.write('give these workers the same jobs files, then reload them (SIGHUP)\n')
}
