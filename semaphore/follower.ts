/**
 * A semaphore process's whole life: make the semaphores known, read the feed from their places on, tell the broker of
 * every arrival, and open each gate that is complete. A place is saved only after its arrivals were answered, so that
 * whatever dies in between is simply said again, by this process or by any other.
 */
import type { Log } from '../common/daemon/log.ts'
import type { SubscriberLink } from '../common/link/subscriber.ts'
import { HEAD_CHANNEL } from '../common/protocol/feed.ts'
import { PLACE_MS } from '../common/protocol/limits.ts'
import { type After, byTheClock } from './after.ts'
import type { Door, Place } from './door.ts'
import { byJob, topicsOf } from './members.ts'
import type { Places } from './members.ts'
import { openGate, readPage } from './reader.ts'
import type { Reader, Semaphores } from './reader.ts'
import { rebuildGaps } from './rebuild.ts'
import { createWakes } from './wakes.ts'

export type Follower = {
  /** Fulfilled once the broker knows the semaphores (at once when there are none), or when it was closed before. */
  readonly registered: Promise<void>
  /** Fulfilled when it cannot go on. */
  readonly failed: Promise<Error>
  /** Goes on with other definitions. */
  replace(semaphores: Semaphores): void
  close(): Promise<void>
}

export type FollowerOptions = {
  readonly door: Door
  readonly log: Log
  readonly semaphores: Semaphores
  /** How often places are said that stay as they are. */
  readonly place_ms?: number
  readonly openSubscriber: (handlers: {
    readonly onFrame: (channel: string) => void
    readonly onConnect: () => void
  }) => SubscriberLink
  readonly after?: After
}

const LOOK_AGAIN_MS = 2_000
/** Definitions to one request: they share a frame of 1 MiB, and one file of them has 256 KiB at most. */
const REGISTER_BYTES = 384 * 1024

export function openFollower(options: FollowerOptions): Follower {
  const { door, log } = options
  const { after = byTheClock, place_ms = PLACE_MS } = options
  const wakes = createWakes(after)
  const link = options.openSubscriber({ onFrame: wakes.tell, onConnect: wakes.tell })
  const life = { isOpen: true, wanted: options.semaphores }
  const { promise: registered, resolve: known } = Promise.withResolvers<void>()

  const followAll = async (): Promise<void> => {
    while (life.isOpen) {
      const semaphores = life.wanted
      const places = semaphores.size === 0 ? new Map() : await register(door, semaphores)
      if (!places) break
      const topics = topicsOf(semaphores.values())
      const waiting = byJob(semaphores.values())
      const reader = { door, log, semaphores, places, topics, waiting }
      if (semaphores.size > 0) {
        await openComplete(reader)
        await rebuildGaps(reader)
      }
      known()
      await follow(reader)
    }
  }
  /** Until other semaphores are wanted, or the broker knows these no more. */
  const follow = async (reader: Reader): Promise<void> => {
    const { semaphores, topics } = reader
    const channels = [HEAD_CHANNEL, ...topics]
    for (const channel of channels) link.subscribe(channel)
    const due = { isSo: false }
    let cancel = after(place_ms, () => (due.isSo = true))
    while (life.isOpen && life.wanted === semaphores) {
      if (due.isSo && !(await areKnown(reader))) break
      if (due.isSo) cancel = after(place_ms, () => (due.isSo = true))
      due.isSo = false
      const read = semaphores.size === 0 ? 'all' : await readPage(reader)
      if (read !== 'more' && life.isOpen && life.wanted === semaphores)
        await wakes.changed(LOOK_AGAIN_MS)
      if (read === 'anew') break
    }
    cancel()
    for (const channel of channels) link.unsubscribe(channel)
  }

  const ended = followAll()
  return {
    registered,
    failed: new Promise((resolve) => void ended.catch(resolve)),
    replace: (semaphores) => {
      life.wanted = semaphores
      wakes.tell()
    },
    close: async () => {
      life.isOpen = false
      door.close()
      wakes.tell()
      await ended
      known()
      link.close()
    },
  }
}

/** Says that these are followed; false when the broker knows one of them no more. */
async function areKnown({ door, places }: Reader): Promise<boolean> {
  if (places.size === 0) return true
  const told = await door.place([...places].map(([name, after]) => ({ name, after })))
  if (told.kind !== 'told') return true
  return [...places.keys()].every((name) => placeIn(told.result.places, name) !== null)
}

/** The saved place of each; null when the door was closed. */
async function register(door: Door, semaphores: Semaphores): Promise<Places | null> {
  const places: Places = new Map()
  for (const part of inFrames(semaphores)) {
    const told = await door.place(part)
    if (told.kind === 'closed') return null
    if (told.kind === 'refused') throw new Error(`the broker refuses: ${told.error.message}`)
    for (const { name } of part) places.set(name, placeIn(told.result.places, name))
  }
  return places
}

const placeIn = (places: Readonly<Record<string, string | null>>, name: string): string | null =>
  Object.hasOwn(places, name) ? (places[name] ?? null) : null

function inFrames(semaphores: Semaphores): Place[][] {
  const parts: Place[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const [name, definition] of semaphores) {
    const size = Buffer.byteLength(JSON.stringify(definition)) + name.length + 64
    const last = bytes + size <= REGISTER_BYTES ? parts.at(-1) : undefined
    if (last) last.push({ name, definition, after: null })
    else parts.push([{ name, definition, after: null }])
    bytes = last ? bytes + size : size
  }
  return parts
}

/** Opens what was left complete and shut, by a process that died after the last arrival. */
async function openComplete({ door, log, semaphores }: Reader): Promise<void> {
  const told = await door.semaphores()
  if (told.kind !== 'told') return
  for (const { semaphore, gates } of told.result)
    for (const { key, generation, state, missing, arrived } of gates) {
      const isWhole = arrived.length > 0 && missing.every(({ count }) => count === 0)
      if (semaphores.has(semaphore) && state === 'gathering' && isWhole)
        await openGate(door, log, semaphore, key, generation)
    }
}
