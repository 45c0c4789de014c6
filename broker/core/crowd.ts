/**
 * How much of what anybody may announce is taken in. A name or a card costs little, but whoever makes up new ones must
 * not fill the broker. Cards that were superseded and that nobody needs make room for others.
 */
import { secretNamesOf } from '../../common/definition/secrets.ts'
import type { Card } from '../../common/definition/card.ts'
import type { Event } from './event.ts'
import type { State } from './state.ts'

export const MOST = { workers: 10_000, cards: 50_000, lanes: 10_000, semaphores: 10_000 } as const

/** Why there is no room for what a hello brings; null when there is. */
export function crowded(state: State, { hello, hashes }: Event & { kind: 'hello' }): string | null {
  if (!state.workers.has(hello.name) && state.workers.size >= MOST.workers)
    return tooMany(MOST.workers, 'workers', 'jobz workers forget NAME lets go of one that is away')
  const lanes = [...Object.keys(hello.lanes), ...hello.cards.map(({ lane }) => lane)]
  if (state.lanes.size + newOf(lanes, state.lanes) > MOST.lanes)
    return tooMany(MOST.lanes, 'lanes', 'let jobs share lanes')
  const fresh = newOf(hashes, state.cards)
  if (fresh > 0 && state.cards.size + fresh > MOST.cards) dropCards(state)
  if (fresh > 0 && state.cards.size + fresh > MOST.cards)
    return tooMany(MOST.cards, 'cards', 'announce fewer jobs')
  return null
}

/** A card that was never seen becomes its job's, and what it says to be secret is so from then on. */
export function knowCard(state: State, hash: string, card: Card): void {
  state.cards.set(hash, card)
  state.jobs.set(card.job, hash)
  for (const name of secretNamesOf([card])) state.secret_names.add(name)
}

const tooMany = (most: number, what: string, hint: string): string =>
  `the broker knows ${most} ${what}, and takes no more: ${hint}`

const newOf = (names: readonly string[], known: ReadonlyMap<string, unknown>): number =>
  new Set(names.filter((name) => !known.has(name))).size

/** Drops cards that are no job's, no worker's and no unfinished run's. A look at everything: only when there are new ones. */
function dropCards(state: State): void {
  if (state.cards.size === state.cards_kept) return
  const needed = new Set(state.jobs.values())
  for (const { jobs } of state.workers.values()) for (const hash of jobs.values()) needed.add(hash)
  for (const { card } of state.runs.values()) if (card !== null) needed.add(card)
  for (const hash of state.cards.keys()) {
    if (needed.has(hash)) continue
    state.cards.delete(hash)
    state.touched.dropped_cards.add(hash)
  }
  state.cards_kept = state.cards.size
}
