/** Reads one page of the feed for a set of semaphores: tell, open, and only then save the place. */
import type { Log } from '../common/daemon/log.ts'
import type { Semaphore } from '../common/definition/card.ts'
import type { ReplayAnswer } from '../common/protocol/answers.ts'
import type { ArriveAnswer, Door } from './door.ts'
import { isComplete, missingOf } from './gate.ts'
import type { Notice } from './gate.ts'
import { isAfter, leastPlace, noticesByGate } from './members.ts'
import type { Places } from './members.ts'

export type Semaphores = ReadonlyMap<string, Semaphore>

export type Reader = {
  readonly door: Door
  readonly log: Log
  readonly semaphores: Semaphores
  readonly waiting: ReadonlyMap<string, readonly Semaphore[]>
  readonly topics: readonly string[]
  /** Moved forward as pages are read. */
  readonly places: Places
}

/** How many entries are asked for at once. */
const PAGE = 500

/** `all`: nothing more for now; `anew`: begin with registering, because the broker has forgotten. */
export async function readPage(reader: Reader): Promise<'all' | 'more' | 'anew'> {
  const { door, log, places, topics, waiting } = reader
  const after = leastPlace(places)
  const told = await door.replay(after, topics, PAGE)
  if (told.kind === 'closed') return 'all'
  if (told.kind === 'refused') {
    log.error('the feed cannot be read from here', { after, why: told.error.message })
    return 'all'
  }
  const page = told.result
  const gates = noticesByGate(page.entries, waiting, places)
  const heard = await Promise.all(gates.map((notices) => tellGate(reader, notices)))
  if (heard.includes('closed')) return 'all'
  if (heard.includes('unknown') || (after !== null && isAfter(after, page.head))) return 'anew'
  await savePlaces(door, places, page)
  return page.complete_to !== page.head && page.complete_to !== after ? 'more' : 'all'
}

async function savePlaces(door: Door, places: Places, page: ReplayAnswer): Promise<void> {
  const behind = [...places].filter(([, place]) => isAfter(page.complete_to, place))
  if (behind.length === 0) return
  const after = page.complete_to
  const told = await door.place(behind.map(([name]) => ({ name, after })))
  if (told.kind === 'told') for (const [name] of behind) places.set(name, after)
}

/**
 * Tells one gate of its arrivals, in order, and opens it as soon as it is complete: what comes after belongs to the
 * next generation, if there is to be one. So no more are told at once than the gate still misses: it can be complete
 * only with the last of them, and a gate of a thousand needs no thousand questions one after another.
 */
export async function tellGate(
  reader: Reader,
  notices: readonly Notice[],
): Promise<'told' | 'unknown' | 'closed'> {
  let at_once = 1
  for (let next = 0; next < notices.length;) {
    const batch = notices.slice(next, next + at_once)
    next += batch.length
    const told = await Promise.all(batch.map((notice) => reader.door.arrive(notice)))
    for (const [n, answer] of told.entries()) {
      if (answer.kind === 'closed') return 'closed'
      const notice = batch[n] as Notice
      if (answer.kind === 'refused' && answer.error.code === 'unknown_semaphore') return 'unknown'
      if (answer.kind === 'refused') warn(reader, notice, answer.error.message)
      else at_once = await goOn(reader, notice, answer.result)
    }
  }
  return 'told'
}

/** Opens the gate if this arrival made it complete; how many arrivals it may be told of next. */
async function goOn(
  { door, log, semaphores }: Reader,
  { semaphore, key }: Notice,
  { kind, gate }: ArriveAnswer,
): Promise<number> {
  const wait_for = semaphores.get(semaphore)?.wait_for
  if (key === null || gate === null || kind === 'late' || !wait_for) return 1
  if (isComplete(wait_for, gate.arrived)) await openGate(door, log, semaphore, key, gate.generation)
  return Math.max(1, missingOf(wait_for, gate.arrived))
}

function warn({ log }: Reader, { semaphore, key, run_id }: Notice, why: string): void {
  log.warn('an arrival was refused', { semaphore, key, run_id, why })
}

export async function openGate(
  door: Door,
  log: Log,
  semaphore: string,
  key: string,
  generation: number,
): Promise<void> {
  const told = await door.open(semaphore, key, generation)
  if (told.kind === 'told' && told.result.opened)
    log.info('opened a gate', { semaphore, key, generation })
  if (told.kind === 'refused')
    log.warn('a gate was not opened', { semaphore, key, why: told.error.message })
}
