/**
 * The token that each command finds in its environment: good for its own run's status, and for triggers in its flow.
 * The broker makes it and knows it again; here it is only asked.
 */
import type { Failure } from '../../common/protocol/client-door.ts'
import type { BrokerLink } from '../broker-link.ts'
import type { Identity, OwnRun } from './identity.ts'
import { UNKNOWN_TOKEN } from './refusals.ts'

/** Requests a second of one run's commands. */
const RATE = 100

export const isRunToken = (text: string): boolean => text.startsWith('jobz_run_')

export async function identifyRun(broker: BrokerLink, token: string): Promise<Identity | Failure> {
  const asked = await broker.ask<OwnRun>({ kind: 'query', question: { what: 'run_token', token } })
  if (asked.kind === 'refused') return asked.error.status < 500 ? UNKNOWN_TOKEN : asked.error
  const { run_id, flow_id } = asked.result
  return {
    via: 'run',
    name: `run ${run_id}`,
    role: 'trigger',
    jobs: null,
    run: { run_id, flow_id },
    limit: { key: run_id, rate: RATE },
    isGood: () => true,
  }
}
