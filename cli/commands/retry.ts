/** `jobz retry RUN|FLOW`: a new run in the same flow. Its run_id goes to standard output. */
import { printableLine } from '../../common/daemon/printable.ts'
import { textFlag, writeJson } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import { complain } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'
import { act, runIdsOf } from './act.ts'

export const RETRY: ClientCommand = {
  kind: 'client',
  name: 'retry',
  usage: 'retry RUN|FLOW [--on WORKER] [--flow]',
  summary: 'run a failed run again, or all failed ones of a flow',
  takes: [1, 1],
  flags: [
    { flag: 'on', kind: 'text', help: 'only on this worker' },
    { flag: 'flow', kind: 'switch', help: 'all failed runs of the flow that it belongs to' },
  ],
  run: retry,
}

async function retry(cli: Cli): Promise<number> {
  const answer = await act(cli, 'retry', [['worker', textFlag(cli, 'on')]])
  if (answer.kind !== 'answer') return complain(cli, answer)
  if (cli.json) writeJson(cli, answer.body)
  else
    for (const run_id of runIdsOf(answer.body)) cli.terminal.out.write(`${printableLine(run_id)}\n`)
  return EXIT.succeeded
}
