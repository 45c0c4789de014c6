/** Flows: everything that descends from one trigger. */
import { wholeFlowId } from '../run-ids.ts'
import { refuse, relay, textOf } from './route.ts'
import type { Answer, Api, Call, Route } from './route.ts'

export function flowRoutes(api: Api): Route[] {
  const unknown = { description: 'no such flow' }
  return [
    {
      method: 'GET',
      path: '/api/flows/{flow_id}',
      id: 'get_flow',
      role: 'read',
      scope: { flow: 'flow_id' },
      summary: 'A flow, with its runs, oldest first',
      fields: [],
      answers: { 200: { description: 'the flow', schema: 'Flow' }, 404: unknown },
      handle: async (call) => {
        const flow_id = call.path('flow_id')
        return relay(await api.broker.ask({ kind: 'query', question: { what: 'flow', flow_id } }))
      },
    },
    {
      method: 'POST',
      path: '/api/flows/{flow_id}/cancel',
      id: 'cancel_flow',
      role: 'operate',
      scope: { flow: 'flow_id' },
      summary: 'Cancel all runs of a flow that are not over',
      fields: [],
      answers: { 202: { description: 'recorded', schema: 'Done' }, 404: unknown },
      handle: (call) => act(api, call, 'cancel'),
    },
    {
      method: 'POST',
      path: '/api/flows/{flow_id}/retry',
      id: 'retry_flow',
      role: 'operate',
      scope: { flow: 'flow_id' },
      summary: 'Run all failed runs of a flow again',
      fields: [{ name: 'worker', description: 'only on this worker', schema: { type: 'string' } }],
      answers: { 202: { description: 'the new runs', schema: 'Done' }, 404: unknown },
      handle: (call) => act(api, call, 'retry'),
    },
  ]
}

async function act(api: Api, call: Call, kind: 'cancel' | 'retry'): Promise<Answer> {
  const whole = await wholeFlowId(api.broker, call.path('flow_id'))
  if (whole.kind === 'refused') return refuse(whole.error)
  const flow_id = whole.result
  const request =
    kind === 'cancel' ? { kind, flow_id } : { kind, flow_id, worker: textOf(call.fields, 'worker') }
  return relay(await api.broker.ask(request), 202)
}
