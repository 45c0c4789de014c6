/** Watching with words: each change of a flow's runs as a line on standard error, and the end as an exit code. */
import { printableLine } from '../../common/daemon/printable.ts'
import type { FlowView, RunView } from '../../common/protocol/answers.ts'
import type { Cli } from '../command.ts'
import { complain } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'
import { shownClock, shownDetail, shownId, shownSpan, stateCell } from '../show/words.ts'
import { paint } from '../terminal.ts'
import { watchFlow } from './flow.ts'

export type Target = {
  readonly run_id: string
  readonly flow_id: string
  /** Wait for the whole flow, not only for the run. */
  readonly whole_flow: boolean
  readonly limit_ms: number | null
}

/** Waits, telling of every change, and answers how it ended. With `--json` the end is written as the API gives it. */
export async function waitWithProgress(cli: Cli, target: Target): Promise<number> {
  const { err } = cli.terminal
  const watched = await watchFlow(cli.api, {
    flow_id: target.flow_id,
    run_id: target.whole_flow ? null : target.run_id,
    limit_ms: target.limit_ms,
    interrupted: cli.terminal.interrupted,
    onChange: (run) => err.write(changeLine(cli, run)),
    onLost: ({ message }) =>
      err.write(`${paint(err, 'yellow', 'waiting:')} ${printableLine(message)}\n`),
  })
  if (watched.kind === 'interrupted') return goesOn(cli, target.run_id)
  if (watched.kind !== 'over' && watched.kind !== 'still_running') return complain(cli, watched)
  const { flow } = watched
  const run = flow.runs.find((run) => run.run_id === target.run_id)
  // Not in JSON mode: what the end looks like is for the program that reads it to say.
  if (cli.json) cli.terminal.out.write(`${JSON.stringify(target.whole_flow ? flow : run)}\n`)
  if (watched.kind === 'still_running') {
    err.write(`still running: jobz show ${target.run_id}\n`)
    return EXIT.still_running
  }
  return ended(cli, target, flow, run)
}

/** Ctrl-C ends the waiting, not the run. */
export function goesOn(cli: Cli, run_id: string): number {
  cli.terminal.err.write(
    `\nthe run goes on: jobz show ${run_id} tells of it, jobz cancel ${run_id} stops it\n`,
  )
  return EXIT.interrupted
}

/** `08:15:02  running    index_categories  6f1c09ab  40 %`: one change of one run. */
export function changeLine(cli: Cli, run: RunView): string {
  const { err } = cli.terminal
  const at = run.finished_at ?? run.started_at ?? run.created_at
  const { text, style } = stateCell(run.state)
  const span = run.finished_at === null ? '' : shownSpan(run.started_at, run.finished_at)
  const detail = [span, printableLine(shownDetail(run))].filter((part) => part !== '').join('  ')
  const state = paint(err, style, printableLine(text).padEnd(9))
  const line = `${shownClock(cli, at)}  ${state}  ${printableLine(run.job).padEnd(24)}  ${shownId(true, run.run_id)}`
  return `${line}${detail === '' ? '' : `  ${detail}`}\n`
}

function ended(cli: Cli, target: Target, flow: FlowView, run: RunView | undefined): number {
  const state = target.whole_flow ? flow.state : run?.state
  if (state === 'succeeded') return EXIT.succeeded
  const failed = flow.runs.find((one) => one.state === 'failed' || one.state === 'expired')
  const about = (target.whole_flow ? failed : run)?.run_id ?? target.run_id
  cli.terminal.err.write(`see: jobz show ${about}, jobz logs ${about}\n`)
  return EXIT.failed
}
