/**
 * Run ids may be shortened to their last 8 characters. Questions about them are the broker's to resolve; for what acts
 * on a run, the whole id is asked for first, so that an action always names exactly one run.
 */
import type { FlowView, RunView } from '../common/protocol/answers.ts'
import type { Asked, BrokerLink } from './broker-link.ts'

const WHOLE = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const isWholeId = (id: string): boolean => WHOLE.test(id)

export async function wholeRunId(broker: BrokerLink, run_id: string): Promise<Asked<string>> {
  if (isWholeId(run_id)) return { kind: 'answered', result: run_id }
  const asked = await broker.ask<RunView>({ kind: 'query', question: { what: 'run', run_id } })
  return asked.kind === 'answered' ? { kind: 'answered', result: asked.result.run_id } : asked
}

export async function wholeFlowId(broker: BrokerLink, flow_id: string): Promise<Asked<string>> {
  if (isWholeId(flow_id)) return { kind: 'answered', result: flow_id }
  const asked = await broker.ask<FlowView>({ kind: 'query', question: { what: 'flow', flow_id } })
  return asked.kind === 'answered' ? { kind: 'answered', result: asked.result.flow_id } : asked
}
