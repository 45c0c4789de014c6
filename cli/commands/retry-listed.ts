/** `jobz retry -`: the runs whose ids come on standard input, each once, however often the list is handed in. */
import { printableLine } from '../../common/daemon/printable.ts'
import type { RetryAnswer } from '../../common/protocol/answers.ts'
import { textFlag, writeJson } from '../command.ts'
import type { Cli } from '../command.ts'
import { complain } from '../complain.ts'
import { EXIT } from '../exit-codes.ts'

/** So many go into one request: its answer comes soon, and what was done shows soon. */
const AT_ONCE = 1_000
const REFUSALS_SHOWN = 20

export async function retryListed(cli: Cli): Promise<number> {
  const run_ids = await readWords(cli)
  const answers: RetryAnswer[] = []
  for (let from = 0; from < run_ids.length; from += AT_ONCE) {
    const part = run_ids.slice(from, from + AT_ONCE)
    const query = [['worker', textFlag(cli, 'on')]] as const
    const answer = await cli.api.post<RetryAnswer[]>(['api', 'runs', 'retry'], query, part)
    if (answer.kind !== 'answer') {
      if (answers.length > 0) tell(cli, run_ids, answers)
      return complain(cli, answer)
    }
    answers.push(...answer.body)
    if (!cli.json) writeIds(cli, answer.body)
  }
  if (cli.json) writeJson(cli, answers)
  tell(cli, run_ids, answers)
  return answers.some(isRefused) ? EXIT.refused : EXIT.succeeded
}

/** Whatever stands between blanks and line ends, without repetitions. */
async function readWords(cli: Cli): Promise<string[]> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const bytes of cli.terminal.input?.() ?? [])
    text += decoder.decode(bytes, { stream: true })
  return [...new Set(text.split(/\s+/).filter((word) => word !== ''))]
}

function writeIds(cli: Cli, answers: readonly RetryAnswer[]): void {
  for (const answer of answers)
    if ('run_id' in answer) cli.terminal.out.write(`${printableLine(answer.run_id)}\n`)
}

const isRepeated = (answer: RetryAnswer): boolean =>
  'error' in answer && answer.error.code === 'already_retried'
const isRefused = (answer: RetryAnswer): boolean => 'error' in answer && !isRepeated(answer)

/** How many were retried, and why the others were not. */
function tell(cli: Cli, run_ids: readonly string[], answers: readonly RetryAnswer[]): void {
  const { err } = cli.terminal
  const refused = answers.flatMap((answer, at) =>
    'error' in answer && isRefused(answer) ? [`${run_ids[at]}: ${answer.error.message}`] : [],
  )
  for (const line of refused.slice(0, REFUSALS_SHOWN)) err.write(`${printableLine(line)}\n`)
  if (refused.length > REFUSALS_SHOWN) err.write('…\n')
  const repeated = answers.filter(isRepeated).length
  const parts = [
    `${answers.length - repeated - refused.length} of ${run_ids.length} retried`,
    ...(repeated > 0 ? [`${repeated} had a retry before`] : []),
    ...(refused.length > 0 ? [`${refused.length} refused`] : []),
  ]
  err.write(`${parts.join(', ')}\n`)
}
