/** The pipeline that ships, played once and told step by step, for somebody who sees jobz for the first time. */
import { printableLine } from '../../common/daemon/printable.ts'
import type { FlowView, JobView, RunView, TriggerAccepted } from '../../common/protocol/answers.ts'
import { createApi } from '../api/client.ts'
import type { Answer } from '../api/client.ts'
import type { Cli } from '../command.ts'
import { complain } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'
import { paint } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'
import { waitWithProgress } from './progress.ts'
import { pause } from './wakes.ts'

const JOB = 'import_category_dump'

/** How long the worker may take to announce the job, and how often that is asked. */
const ANNOUNCED_LIMIT_MS = 30_000
const ASK_MS = 100

/** Starts the pipeline, tells of each step, and answers the exit code: 0, or why not. */
export async function playPipeline(
  terminal: Terminal,
  url: string,
  how: { readonly stays: boolean },
): Promise<number> {
  const cli = cliFor(terminal, url)
  const { out } = terminal
  const code = await play(cli, url)
  if (terminal.interrupted.aborted || !how.stays) return code
  const date = '$(date +%Y_%m_%d)'
  out.write(`\nTry next: curl "${url}/job_start?job_name=${JOB}&date=${date}"\n`)
  out.write('and: npm run -s jobz -- runs. Everything stays up; Ctrl-C stops it.\n')
  return code
}

async function play(cli: Cli, url: string): Promise<number> {
  const { out } = cli.terminal
  const announced = await announcedJob(cli)
  if (announced !== EXIT.succeeded) return announced
  const command = `curl "${url}/job_start?job_name=${JOB}&date=today"`
  out.write(`${paint(out, 'bold', '$')} ${command}\n`)
  const body = { job_name: JOB, date: 'today' }
  const started: Answer<TriggerAccepted> = await cli.api.post(['job_start'], [], body)
  if (started.kind !== 'answer') return complain(cli, started)
  const { run_id, flow_id } = started.body
  const code = await waitWithProgress(cli, { run_id, flow_id, whole_flow: true, limit_ms: null })
  if (cli.terminal.interrupted.aborted) return code
  const report = await reportOf(cli, flow_id)
  const outcome = code === EXIT.succeeded ? 'The flow succeeded.' : 'The flow did not succeed.'
  out.write(`\n${paint(out, code === EXIT.succeeded ? 'green' : 'red', outcome)}\n`)
  if (report !== null) out.write(`The report: ${printableLine(report)}\n`)
  return code
}

function cliFor(terminal: Terminal, url: string): Cli {
  const api = createApi({ url, token: '', interrupted: () => terminal.interrupted })
  if (api.kind === 'usage') throw new Error(api.message)
  return { terminal, api: api.api, json: false, utc: false, words: [], flags: new Map() }
}

/** Waits until a worker has announced the job. */
async function announcedJob(cli: Cli): Promise<number> {
  const { err, interrupted } = cli.terminal
  const limit = AbortSignal.any([interrupted, AbortSignal.timeout(ANNOUNCED_LIMIT_MS)])
  for (;;) {
    const answer = await cli.api.get<{ jobs: JobView[] }>(['api', 'jobs'])
    if (answer.kind === 'answer' && answer.body.jobs.some(({ job }) => job === JOB))
      return EXIT.succeeded
    if (interrupted.aborted) return EXIT.interrupted
    if (limit.aborted) {
      if (answer.kind !== 'answer') return complain(cli, answer)
      err.write(`jobz: no worker announced ${JOB}: is it in the --jobs folder?\n`)
      return EXIT.refused
    }
    await pause(ASK_MS, limit)
  }
}

/** The value `report` that a task of the flow gave as output, the latest one. */
async function reportOf(cli: Cli, flow_id: string): Promise<string | null> {
  const flow = await cli.api.get<FlowView>(['api', 'flows', flow_id])
  if (flow.kind !== 'answer') return null
  const latest_first = flow.body.runs.toSorted((a, b) =>
    (b.finished_at ?? '').localeCompare(a.finished_at ?? ''),
  )
  for (const { run_id } of latest_first) {
    const run = await cli.api.get<RunView>(['api', 'runs', run_id])
    if (run.kind !== 'answer') continue
    const found = run.body.tasks?.find((task) => Object.hasOwn(task.output, 'report'))
    if (found) return found.output['report'] ?? null
  }
  return null
}
