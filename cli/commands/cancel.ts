/** `jobz cancel RUN|FLOW`: at once when it has not started; recorded, then stopped, otherwise. */
import { printableLine } from '../../common/daemon/printable.ts'
import { switchFlag, writeJson } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import { complain } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'
import { act } from './act.ts'

export const CANCEL: ClientCommand = {
  kind: 'client',
  name: 'cancel',
  usage: 'cancel RUN|FLOW [--flow]',
  summary: 'cancel a run, or all that is unfinished of a flow',
  takes: [1, 1],
  flags: [{ flag: 'flow', kind: 'switch', help: 'the whole flow that it belongs to' }],
  run: cancel,
}

async function cancel(cli: Cli): Promise<number> {
  const answer = await act(cli, 'cancel')
  if (answer.kind !== 'answer') return complain(cli, answer)
  const what = switchFlag(cli, 'flow') ? 'what is unfinished of the flow of' : 'the run'
  if (cli.json) writeJson(cli, answer.body)
  else cli.terminal.err.write(`${what} ${printableLine(cli.words[0] ?? '')} will be canceled\n`)
  return EXIT.succeeded
}
