/** A gate opens once when all its members have arrived, and not before. */
import type { RunView } from '../../../common/protocol/answers.ts'
import type { Violation } from './history.ts'
import { endOf, type Indexed } from './index-of.ts'
import { type Fan, FANS } from './jobs.ts'

export function* checkGates(history: Indexed): Iterable<Violation> {
  for (const fan of FANS)
    for (const [key, { members, opened }] of gatesOf(history, fan)) {
      const arrived = members.map((runs) => runs.filter(({ state }) => state === 'succeeded'))
      const due = arrived.every((runs) => runs.length > 0) ? 1 : 0
      const what = `${fan.then} for ${key}`
      if (opened.length < due) yield { kind: 'lost', message: `${what} was never started` }
      if (opened.length > 1)
        yield { kind: 'doubled', message: `${what} was started ${opened.length} times` }
      if (due === 0 && opened.length > 0)
        yield { kind: 'wrong', message: `${what} was started with members missing` }
      for (const run of opened)
        if (isEarly(history, run, arrived))
          yield { kind: 'wrong', message: `${what} began before all its members had ended` }
    }
}

type Gate = { readonly members: readonly RunView[][]; readonly opened: RunView[] }

/** By key: the runs of each member, and what the gate started. */
function gatesOf({ runs }: Indexed, fan: Fan): Map<string, Gate> {
  const gates = new Map<string, Gate>()
  const gateAt = (key: string): Gate => {
    const known = gates.get(key)
    if (known) return known
    const fresh = { members: fan.members.map((): RunView[] => []), opened: [] }
    gates.set(key, fresh)
    return fresh
  }
  for (const run of runs.values()) {
    const key = run.context['gate_key'] ?? run.params['key']
    if (key === undefined) continue
    if (run.job === fan.then) gateAt(key).opened.push(run)
    for (const [place, { job, source }] of fan.members.entries())
      if (run.job === job && (source === undefined || source === run.params['source']))
        gateAt(key).members[place]?.push(run)
  }
  return gates
}

/** A member counts from the end of the first of its runs that succeeded. */
function isEarly(history: Indexed, opened: RunView, arrived: readonly RunView[][]): boolean {
  const began = history.firstBegin.get(opened.run_id)
  if (began === undefined) return false
  return arrived.some((runs) => {
    const ends = runs.flatMap(
      (run) => run.tasks?.map((task) => endOf(history, run, task) ?? Infinity) ?? [],
    )
    return Math.min(...ends) > began
  })
}
