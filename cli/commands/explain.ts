/** `jobz explain RUN|JOB`: why something is where it is, and what to do. */
import { printableLine } from '../../common/daemon/printable.ts'
import type { ExplainView } from '../../common/protocol/answers.ts'
import type { Answer } from '../api/client.ts'
import { writeJson } from '../command.ts'
import type { Cli, ClientCommand } from '../command.ts'
import { complain, complainUsage } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'
import { paint } from '../terminal.ts'
import { readParameters } from './parameters.ts'

export const EXPLAIN: ClientCommand = {
  kind: 'client',
  name: 'explain',
  usage: 'explain RUN|JOB [name=value…]',
  summary: 'why a run is where it is, or where a job would run',
  takes: [1, Number.POSITIVE_INFINITY],
  flags: [],
  run: explain,
}

/** A whole run id, or its last 8 characters. */
const RUN_ID = /^(?:[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{8})$/i

async function explain(cli: Cli): Promise<number> {
  const [name = '', ...words] = cli.words
  const read = readParameters(words)
  if (read.kind === 'usage') return complainUsage(cli.terminal, EXPLAIN, read)
  const answer = await ask(cli, name, Object.entries(read.params))
  if (answer.kind !== 'answer') return complain(cli, answer)
  if (cli.json) writeJson(cli, answer.body)
  else cli.terminal.out.write(shown(cli, answer.body))
  return EXIT.succeeded
}

/** What looks like a run is asked for as one first; a job may have such a name too. */
async function ask(
  cli: Cli,
  name: string,
  params: readonly (readonly [string, string])[],
): Promise<Answer<ExplainView>> {
  const job = (): Promise<Answer<ExplainView>> =>
    cli.api.get(['api', 'jobs', name, 'explain'], params)
  if (params.length > 0 || !RUN_ID.test(name)) return job()
  const run = await cli.api.get<ExplainView>(['api', 'runs', name, 'explain'])
  if (run.kind !== 'refused' || run.status !== 404) return run
  const asJob = await job()
  return asJob.kind === 'answer' ? asJob : run
}

function shown(cli: Cli, view: ExplainView): string {
  const { out } = cli.terminal
  const details = view.details.map((line) => `  ${printableLine(line)}\n`)
  const hints = view.hints.map((line) => `${paint(out, 'cyan', '→')} ${printableLine(line)}\n`)
  return [`${paint(out, 'bold', printableLine(view.summary))}\n`, ...details, ...hints].join('')
}
