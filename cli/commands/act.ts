/** What `cancel` and `retry` share: an id means one run, or with `--flow` the whole flow that it belongs to. */
import type { RunView } from '../../common/protocol/answers.ts'
import type { Answer, Query } from '../api/client.ts'
import { switchFlag } from '../command.ts'
import type { Cli } from '../command.ts'

/**
 * Posts an action on the run, or on its flow with `--flow`. A flow's id is the id of its first run, and any run of a
 * flow names it.
 */
export async function act(cli: Cli, action: string, query: Query = []): Promise<Answer<unknown>> {
  const [id = ''] = cli.words
  if (!switchFlag(cli, 'flow')) return cli.api.post(['api', 'runs', id, action], query)
  const run = await cli.api.get<RunView>(['api', 'runs', id])
  if (run.kind === 'unreachable' || run.kind === 'interrupted') return run
  const flow_id = run.kind === 'answer' ? run.body.flow_id : id
  return cli.api.post(['api', 'flows', flow_id, action], query)
}

/** The ids of runs that an answer names, whatever its shape: one run, a list, or a flow's runs. */
export function runIdsOf(body: unknown): string[] {
  if (Array.isArray(body)) return body.flatMap((item) => runIdsOf(item))
  if (typeof body === 'string') return [body]
  if (typeof body !== 'object' || body === null) return []
  if ('run_ids' in body) return runIdsOf(body.run_ids)
  if ('runs' in body) return runIdsOf(body.runs)
  return 'run_id' in body && typeof body.run_id === 'string' ? [body.run_id] : []
}
