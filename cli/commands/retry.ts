/** `jobz retry RUN|FLOW|-`: a new run in the same flow. Its run_id goes to standard output. */
import { printableLine } from '../../common/daemon/printable.ts'
import { switchFlag, textFlag, writeJson } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import { complain, complainUsage } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'
import { act, runIdsOf } from './act.ts'
import { retryListed } from './retry-listed.ts'

export const RETRY: ClientCommand = {
  kind: 'client',
  name: 'retry',
  usage: 'retry RUN|FLOW|- [--on WORKER] [--flow]',
  summary: 'run a failed run again, or all failed ones of a flow, or of a list (-)',
  takes: [1, 1],
  flags: [
    { flag: 'on', kind: 'text', help: 'only on this worker' },
    { flag: 'flow', kind: 'switch', help: 'all failed runs of the flow that it belongs to' },
  ],
  notes: [
    'With - the runs are those whose ids come on standard input. What was retried before is left out, so the same list may',
    'be handed in again:',
    '',
    '  jobz runs --unhandled --job import --since 1d           # what would be retried',
    '  jobz runs --unhandled --job import --since 1d --ids | jobz retry -',
  ],
  run: retry,
}

async function retry(cli: Cli): Promise<number> {
  if (cli.words[0] === '-') {
    if (!switchFlag(cli, 'flow')) return retryListed(cli)
    return complainUsage(cli.terminal, RETRY, { message: '- takes runs, not flows', hint: null })
  }
  const answer = await act(cli, 'retry', [['worker', textFlag(cli, 'on')]])
  if (answer.kind !== 'answer') return complain(cli, answer)
  if (cli.json) writeJson(cli, answer.body)
  else
    for (const run_id of runIdsOf(answer.body)) cli.terminal.out.write(`${printableLine(run_id)}\n`)
  return EXIT.succeeded
}
