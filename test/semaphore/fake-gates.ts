/** The broker's side of semaphores, as small as it can be: places, gates, and who was first to open one. */
import type { FeedEntry, RunView } from '../../common/protocol/answers.ts'
import type { FromClient } from '../../common/protocol/client-door.ts'
import { numberOf } from '../../common/protocol/cursor.ts'
import type { FakeBroker, Script, Scripted } from '../frontend/fake-broker.ts'
import { openFakeBroker, refusal, runView } from '../frontend/fake-broker.ts'

type Arrived = {
  readonly member: number
  readonly distinct: string | null
  readonly run_id: string
}
type Gate = { generation: number; arrivals: Map<string, Arrived>; isOpen: boolean }
export type FakeGates = {
  readonly broker: FakeBroker
  readonly places: Map<string, string | null>
  readonly gates: Map<string, Gate>
  /** `semaphore key generation`, in the order in which they were opened. */
  readonly opened: string[]
  /** Called with each request before it is answered; `drop` loses the reply, but not the effect. */
  meddle: (request: FromClient) => 'drop' | undefined
  readonly repeat: boolean
  /** Adds an entry for a run of `job` that ended. */
  ended(job: string, run_id: string, params?: Record<string, string>, state?: 'failed'): FeedEntry
  /** Fulfilled when `isSo`, looked at after each request. */
  until(isSo: () => boolean): Promise<void>
}

export async function openFakeGates({ repeat = false } = {}): Promise<FakeGates> {
  const looks = new Set<() => void>()
  const script: Script = (request) => {
    const lost = fake.meddle(request)
    const answer = decide(fake, request)
    queueMicrotask(() => looks.forEach((look) => look()))
    return lost ?? answer
  }
  const broker = await openFakeBroker(script)
  const fake: FakeGates = {
    broker,
    places: new Map(),
    gates: new Map(),
    opened: [],
    meddle: () => undefined,
    repeat,
    ended: (job, run_id, params = {}, state) =>
      broker.note({
        topic: `run.${state ?? 'succeeded'}.${job}.`,
        job,
        run_id,
        flow_id: `flow-${run_id}`,
        state: state ?? 'succeeded',
        params,
      }),
    until: (isSo) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!isSo()) return
          looks.delete(look)
          resolve()
        }
        looks.add(look)
        look()
      }),
  }
  return fake
}

function decide(fake: FakeGates, request: FromClient): Scripted {
  if (request.kind === 'place') return { result: place(fake, request) }
  if (request.kind === 'arrive') return arrive(fake, request)
  if (request.kind === 'open') return { result: { opened: open(fake, request) } }
  return request.kind === 'query' ? question(fake, request) : refusal(400, 'unexpected')
}

/** About gates; and about the runs of every job, which are as the feed once told of them. */
function question(fake: FakeGates, { question }: FromClient & { kind: 'query' }): Scripted {
  const runs = fake.broker.entries.map((entry) =>
    runView({ ...(entry as Partial<RunView>), tasks: [] }),
  )
  if (question.what === 'semaphores') return { result: views(fake) }
  if (question.what === 'run')
    return { result: runs.find(({ run_id }) => run_id === question.run_id) }
  if (question.what !== 'runs') return refusal(400, 'unexpected')
  const { job, before } = question.filter
  const all = runs.filter((run) => run.job === job).toReversed()
  const from = Number(before ?? 0)
  const more = from + 2 < all.length ? String(from + 2) : null
  return { result: { runs: all.slice(from, from + 2), before: more } }
}

function place(fake: FakeGates, { semaphores }: FromClient & { kind: 'place' }): object {
  for (const { name, definition, after } of semaphores) {
    if (definition && !fake.places.has(name)) fake.places.set(name, null)
    if (!fake.places.has(name)) continue
    const before = fake.places.get(name) ?? null
    if (after !== null && (before === null || (numberOf(after) ?? 0) > (numberOf(before) ?? 0)))
      fake.places.set(name, after)
  }
  return { places: Object.fromEntries(fake.places) }
}

function arrive(fake: FakeGates, request: FromClient & { kind: 'arrive' }): Scripted {
  const { semaphore, key, run_id, member, distinct, failed } = request
  if (!fake.places.has(semaphore)) return refusal(404, 'unknown_semaphore')
  if (key === null) return { result: { kind: 'unkeyed', gate: null } }
  const gate = gateOf(fake, semaphore, key)
  const told = (kind: string): Scripted => ({
    result: { kind, gate: { generation: gate.generation, arrived: countArrived(gate) } },
  })
  if (failed) return told('counted')
  if (gate.arrivals.has(run_id)) return told('repeated')
  if (gate.isOpen) return told('late')
  gate.arrivals.set(run_id, { member, distinct, run_id })
  return told('counted')
}

/** How many of each member; a distinct value counts once. */
function countArrived({ arrivals }: Gate): number[] {
  const seen = [...arrivals.values()].map((each) => [each.member, each.distinct ?? each.run_id])
  const unique = new Map(seen.map((each) => [each.join(' '), Number(each[0])]))
  return [...unique.values()].reduce<number[]>((counts, member) => {
    while (counts.length <= member) counts.push(0)
    counts[member] = (counts[member] ?? 0) + 1
    return counts
  }, [])
}

function open(
  fake: FakeGates,
  { semaphore, key, generation }: FromClient & { kind: 'open' },
): boolean {
  const gate = gateOf(fake, semaphore, key)
  if (gate.isOpen || gate.generation !== generation) return false
  fake.opened.push(`${semaphore} ${key} ${generation}`)
  if (!fake.repeat) gate.isOpen = true
  else {
    gate.generation += 1
    gate.arrivals.clear()
  }
  return true
}

function gateOf(fake: FakeGates, semaphore: string, key: string): Gate {
  const id = `${semaphore} ${key}`
  const gate = fake.gates.get(id) ?? { generation: 1, arrivals: new Map(), isOpen: false }
  fake.gates.set(id, gate)
  return gate
}

/** Gates that gather and miss nobody, as if a process had died before it opened them. */
const views = (fake: FakeGates): object[] =>
  [...fake.gates].map(([id, { generation, isOpen, arrivals }]) => ({
    semaphore: id.split(' ')[0],
    gates: [
      {
        key: id.split(' ')[1],
        generation,
        state: isOpen ? 'open' : 'gathering',
        arrived: [...arrivals.values()],
        missing: arrivals.size >= 2 ? [] : [{ job: 'b', count: 2 - arrivals.size }],
      },
    ],
  }))
