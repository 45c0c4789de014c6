/** `jobz drain WORKER`: it takes nothing new; what runs goes on. */
import { printableLine } from '../../common/daemon/printable.ts'
import { switchFlag, writeJson } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import { complain } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'

export const DRAIN: ClientCommand = {
  kind: 'client',
  name: 'drain',
  usage: 'drain WORKER [--off]',
  summary: 'let a worker take nothing new; what runs goes on',
  takes: [1, 1],
  flags: [{ flag: 'off', kind: 'switch', help: 'let it take runs again' }],
  run: drain,
}

async function drain(cli: Cli): Promise<number> {
  const [worker = ''] = cli.words
  const off = switchFlag(cli, 'off')
  const answer = await cli.api.post(['api', 'workers', worker, 'drain'], off ? [['off', '1']] : [])
  if (answer.kind !== 'answer') return complain(cli, answer)
  if (cli.json) writeJson(cli, answer.body)
  else
    cli.terminal.err.write(
      `${printableLine(worker)} ${off ? 'takes runs again' : 'takes nothing new; what runs goes on'}\n`,
    )
  return EXIT.succeeded
}
