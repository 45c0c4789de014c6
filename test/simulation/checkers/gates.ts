/**
 * A gate opens once for each key and generation, never before its members are there, and always once they are; whoever
 * tells of an arrival, and however often. Its `then` runs are born with the opening, its `on_timeout` at most once.
 */
import type { Semaphore } from '../../../common/definition/card.ts'
import { fillText } from '../../../common/definition/template.ts'
import { hold, type MakeChecker } from '../checker.ts'
import type { Commit, Facts } from '../facts.ts'

export const gates: MakeChecker = ({ facts }) => {
  const check = (condition: boolean, what: () => string): void => hold(condition, 'gates', what)
  /** `semaphore key` to how often it opened. */
  const opened = new Map<string, number>()
  const seen = new Set<string>()
  const timedOut = new Map<string, number>()

  return {
    name: 'gates',
    committed: (commit: Commit) => {
      const openings = commit.feed.filter(({ topic }) => topic.startsWith('gate.open.'))
      for (const { semaphore = '', key = '', generation = 0 } of openings) {
        const gate = `${semaphore} ${key}`
        check(
          !seen.has(`${gate} ${generation}`),
          () => `${gate} opened generation ${generation} twice`,
        )
        seen.add(`${gate} ${generation}`)
        const times = (opened.get(gate) ?? 0) + 1
        opened.set(gate, times)
        const definition = facts.semaphores.get(semaphore)?.definition
        const may = definition ? openingsOf(facts, definition, key, 0) : 0
        check(times <= may, () => `${gate} opened ${times} times, and could ${may} times`)
      }
      const then = commit.runs.filter(({ row, params }) => params && row.via === 'semaphore')
      check(
        then.length === openings.length,
        () => `${openings.length} openings, ${then.length} steps`,
      )
      for (const { row, params } of commit.runs)
        if (params && row.via === 'timeout') {
          const mark = params['mark'] ?? ''
          timedOut.set(mark, (timedOut.get(mark) ?? 0) + 1)
        }
    },
    over: () => {
      for (const [name, { definition, since }] of facts.semaphores)
        for (const key of keysOf(facts, definition)) {
          const must = openingsOf(facts, definition, key, since)
          const times = opened.get(`${name} ${key}`) ?? 0
          check(times >= must, () => `${name} ${key} opened ${times} times, not ${must}`)
        }
      for (const [mark, times] of timedOut)
        check(times <= 1, () => `the gate of ${mark} timed out ${times} times`)
    },
  }
}

/** Runs of members that succeeded after entry `since` of the feed, with the values that keys are made of. */
function arrivalsOf(
  facts: Facts,
  { wait_for, key }: Semaphore,
  since: number,
): { job: string; key: string; params: Readonly<Record<string, string>> }[] {
  const members = new Set(wait_for.map(({ job }) => job))
  return facts.feed.flatMap(({ n, run_id = '', job = '', state }) => {
    if (n <= since || state !== 'succeeded' || !members.has(job)) return []
    const params = facts.params.get(run_id) ?? {}
    const filled = fillText(key ?? '', params)
    return filled.kind === 'filled' ? [{ job, key: filled.text, params }] : []
  })
}

const keysOf = (facts: Facts, definition: Semaphore): Set<string> =>
  new Set(arrivalsOf(facts, definition, 0).map(({ key }) => key))

/** How often a gate of this key can have opened, from the runs alone. */
function openingsOf(facts: Facts, definition: Semaphore, key: string, since: number): number {
  const arrivals = arrivalsOf(facts, definition, since).filter((one) => one.key === key)
  const times = definition.wait_for.map(({ job, count, distinct }) => {
    const mine = arrivals.filter((one) => one.job === job)
    const texts = mine.map(({ params }) => {
      const filled = fillText(distinct ?? '', params)
      return filled.kind === 'filled' ? filled.text : ''
    })
    const there = distinct === null ? mine.length : new Set(texts).size
    return Math.floor(there / count)
  })
  const most = Math.min(...times)
  return definition.repeat ? most : Math.min(1, most)
}
