/** `jobz start JOB k=v…`: triggers a job. The bare run_id goes to standard output, everything else to standard error. */
import { randomUUID } from 'node:crypto'
import { usage } from '../../common/daemon/flags.ts'
import type { Usage } from '../../common/daemon/flags.ts'
import { printableLine } from '../../common/daemon/printable.ts'
import { parseDuration } from '../../common/definition/durations.ts'
import type { TriggerAccepted } from '../../common/protocol/answers.ts'
import type { Answer } from '../api/client.ts'
import { switchFlag, textFlag, writeJson } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import { complain, complainUsage } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'
import { goesOn, waitWithProgress } from '../watch/progress.ts'
import { followOutput } from './logs.ts'
import { FROM_FILE, gatherParameters } from './from-files.ts'

export const START: ClientCommand = {
  kind: 'client',
  name: 'start',
  usage: 'start JOB [name=value…] [--from-file NAME=PATH] [--wait[=30s]|--follow] [--flow]',
  summary: 'start a job; prints the run_id',
  takes: [1, Number.POSITIVE_INFINITY],
  flags: [
    FROM_FILE,
    { flag: 'wait', kind: 'optional', help: 'until it is over, or so long: 0, 1 (failed) or 5' },
    { flag: 'follow', kind: 'switch', help: 'show its output as it comes (on standard error)' },
    { flag: 'flow', kind: 'switch', help: 'wait for the whole flow, not only for this run' },
    { flag: 'priority', kind: 'count', help: 'lower numbers go first' },
    { flag: 'delay', kind: 'text', help: 'start it so much later: 90s, 15m, 6h' },
    {
      flag: 'request-id',
      kind: 'text',
      help: 'the same id starts it once, however often it is sent',
    },
    { flag: 'parent', kind: 'text', help: 'a run whose flow it joins' },
  ],
  notes: [
    'Example: jobz start import_category_dump date=today --wait --flow',
    'A secret comes from a file, since others can see what is typed: --from-file token=/run/token',
  ],
  run: start,
}

async function start(cli: Cli): Promise<number> {
  const asked = await readTrigger(cli)
  if (asked.kind === 'usage') return complainUsage(cli.terminal, START, asked)
  const answer = await trigger(cli, asked.body)
  if (answer.kind !== 'answer') return complain(cli, answer)
  const accepted = answer.body
  const waits = asked.limit_ms !== undefined
  if (!cli.json) cli.terminal.out.write(`${printableLine(accepted.run_id)}\n`)
  else if (!waits) writeJson(cli, accepted)
  cli.terminal.err.write(remarks(accepted))
  if (asked.limit_ms === undefined) return EXIT.succeeded
  if (switchFlag(cli, 'follow')) {
    const followed = await followOutput(cli, accepted.run_id, cli.terminal.err)
    if (followed === EXIT.interrupted) return goesOn(cli, accepted.run_id)
    if (followed !== EXIT.succeeded) return followed
  }
  return waitWithProgress(cli, {
    run_id: accepted.run_id,
    flow_id: accepted.flow_id,
    whole_flow: switchFlag(cli, 'flow'),
    limit_ms: asked.limit_ms,
  })
}

type Asked =
  | {
      readonly kind: 'trigger'
      readonly body: Readonly<Record<string, unknown>>
      /** undefined does not wait; null waits for as long as it takes. */
      readonly limit_ms: number | null | undefined
    }
  | Usage

async function readTrigger(cli: Cli): Promise<Asked> {
  const [job = '', ...words] = cli.words
  const read = await gatherParameters(cli, words)
  if (read.kind === 'usage') return read
  if (cli.flags.has('wait') && switchFlag(cli, 'follow'))
    return usage('--follow waits already', 'give one of --wait and --follow')
  const delay = textFlag(cli, 'delay')
  for (const [flag, text] of [['delay', delay] as const, ['wait', textFlag(cli, 'wait')] as const])
    if (text !== undefined && parseDuration(text) === null)
      return usage(`--${flag}: ${text} is no duration`, '90s, 15m, 6h')
  return {
    kind: 'trigger',
    limit_ms: waitLimit(cli),
    body: {
      ...read.params,
      job_name: job,
      // One of our own makes it safe to send the request again when its answer was lost.
      request_id: textFlag(cli, 'request-id') ?? `cli-${randomUUID()}`,
      priority: cli.flags.get('priority')?.toString(),
      delay,
      parent_run_id: textFlag(cli, 'parent'),
    },
  }
}

function waitLimit(cli: Cli): number | null | undefined {
  const wait = cli.flags.get('wait')
  const waits = wait !== undefined || switchFlag(cli, 'follow') || switchFlag(cli, 'flow')
  if (!waits) return undefined
  return typeof wait === 'string' && wait !== '' ? parseDuration(wait) : null
}

/** Sends it, and once more when the connection broke after it may have arrived. */
async function trigger(cli: Cli, body: unknown): Promise<Answer<TriggerAccepted>> {
  const send = (): Promise<Answer<TriggerAccepted>> => cli.api.post(['job_start'], [], body)
  const first = await send()
  const lost = first.kind === 'unreachable' && first.status === 0 && first.code !== 'ECONNREFUSED'
  return lost ? send() : first
}

/** What was done to the request, where that is not what was typed. */
function remarks(accepted: TriggerAccepted): string {
  const said = [
    accepted.duplicate && `already started by this request id: it is ${accepted.state}`,
    accepted.sanitized && `characters were removed from: ${accepted.sanitized.join(', ')}`,
    accepted.undeclared && `${accepted.job} does not declare: ${accepted.undeclared.join(', ')}`,
    accepted.workers === 0 && `no worker is subscribed to ${accepted.job} now: it waits for one`,
  ]
  return said.flatMap((line) => (line ? [`${printableLine(line)}\n`] : [])).join('')
}
