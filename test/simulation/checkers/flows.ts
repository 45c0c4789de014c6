/** Whoever waits for a flow is told: after its last run there is an entry that says that it is settled. */
import { hold, type MakeChecker } from '../checker.ts'

export const flows: MakeChecker = ({ facts, world }) => ({
  name: 'flows',
  over: () => {
    const gathering = new Set(
      [...world.broker.state().gates.values()].flatMap((gate) =>
        [...gate.arrivals.values()].map(({ flow_id }) => flow_id),
      ),
    )
    const last = new Map<string, { settled: boolean }>()
    for (const { flow_id, state, topic } of facts.feed)
      if (flow_id !== undefined && (state !== undefined || topic === 'flow.settled.'))
        last.set(flow_id, { settled: topic === 'flow.settled.' })
    for (const [flow_id, { settled }] of last)
      hold(settled || gathering.has(flow_id), 'flows', () => `${flow_id} was never settled`)
  },
})
