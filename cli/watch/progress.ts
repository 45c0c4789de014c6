/** Watching with words: each change of a flow's runs as a line on standard error, and the end as an exit code. */
import { stripVTControlCharacters } from 'node:util'
import { printableLine } from '../../common/daemon/printable.ts'
import type { FlowView, RunView } from '../../common/protocol/answers.ts'
import type { Cli } from '../command.ts'
import { complain } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'
import { displayWidth, fit } from '../show/width.ts'
import {
  shownClock,
  shownDetail,
  shownId,
  shownParams,
  shownSpan,
  stateCell,
} from '../show/words.ts'
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
    onChange: (run, flow) => err.write(changeLine(cli, run, ownParams(run, flow))),
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

/** What tells a run from the others of its flow: the parameters that the first run did not have, a step's own first. */
function ownParams(run: RunView, flow: FlowView): string {
  const first = flow.runs.find(({ run_id }) => run_id === flow.flow_id)?.params ?? {}
  const own = Object.entries(run.params).filter(([name, value]) => first[name] !== value)
  return run.run_id === flow.flow_id ? '' : shownParams(Object.fromEntries(own.toReversed()))
}

/** `08:15:02  running    index_category  6f1c09ab  category=audio  40 %`: one change of one run, on one line. */
function changeLine(cli: Cli, run: RunView, params: string): string {
  const { err } = cli.terminal
  const at = run.finished_at ?? run.started_at ?? run.created_at
  const { text, style } = stateCell(run.state)
  const span = run.finished_at === null ? '' : shownSpan(run.started_at, run.finished_at)
  const detail = [params, span, shownDetail(run)].filter((part) => part !== '').join('  ')
  const state = paint(err, style, printableLine(text).padEnd(9))
  const job = printableLine(run.job).padEnd(20)
  const words = printableLine(`${job}  ${shownId(true, run.run_id)}  ${detail}`).trimEnd()
  const head = `${shownClock(cli, at)}  ${state}  `
  const room = cli.terminal.width - displayWidth(stripVTControlCharacters(head))
  return `${head}${err.isTerminal ? fit(words, room) : words}\n`
}

function ended(cli: Cli, target: Target, flow: FlowView, run: RunView | undefined): number {
  const state = target.whole_flow ? flow.state : run?.state
  if (state === 'succeeded') return EXIT.succeeded
  const failed = flow.runs.find((one) => one.state === 'failed' || one.state === 'expired')
  const about = (target.whole_flow ? failed : run)?.run_id ?? target.run_id
  cli.terminal.err.write(`see: jobz show ${about}, jobz logs ${about}\n`)
  return EXIT.failed
}
