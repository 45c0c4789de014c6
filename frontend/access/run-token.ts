/**
 * The token that each command finds in its environment: good for its own run's status, and for triggers in its flow.
 * The broker makes it and knows it again; here it is only asked.
 */
import type { Failure } from '../../common/protocol/client-door.ts'
import type { Asked, BrokerLink } from '../broker-link.ts'
import type { Identity, OwnRun } from './identity.ts'
import { UNKNOWN_TOKEN } from './refusals.ts'

/** Requests a second of one run's commands. */
const RATE = 100
/** How often it is asked of a request that goes on whether its run still does. */
const LOOK_AGAIN_MS = 5_000

export const isRunToken = (text: string): boolean => text.startsWith('jobz_run_')

export async function identifyRun(broker: BrokerLink, token: string): Promise<Identity | Failure> {
  const ask = () =>
    broker.ask<OwnRun>({ kind: 'query', question: { what: 'run_token', token } } as const)
  const asked = await ask()
  if (asked.kind === 'refused') return asked.error.status < 500 ? UNKNOWN_TOKEN : asked.error
  const { run_id, flow_id } = asked.result
  return {
    via: 'run',
    name: `run ${run_id}`,
    role: 'trigger',
    jobs: null,
    run: { run_id, flow_id },
    limit: { key: run_id, rate: RATE },
    isGood: stillGood(ask),
  }
}

/** While a request goes on its run may end, which only the broker knows. One that is away says nothing about it. */
function stillGood(ask: () => Promise<Asked<OwnRun>>): Identity['isGood'] {
  let isGood = true
  let asked_ms = Number.NEGATIVE_INFINITY
  const look = async (): Promise<void> => {
    const asked = await ask()
    if (asked.kind === 'refused' && asked.error.status < 500) isGood = false
  }
  return (now_ms) => {
    if (isGood && now_ms >= asked_ms + LOOK_AGAIN_MS) {
      asked_ms = now_ms
      void look()
    }
    return isGood
  }
}
