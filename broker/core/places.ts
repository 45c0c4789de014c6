/** Semaphores as the broker knows them: their definitions, and how far their processes have followed the feed. */
import { cursorOf, numberOf } from '../../common/protocol/cursor.ts'
import { UNFOLLOWED_MS } from '../../common/protocol/limits.ts'
import type { Semaphore } from '../../common/definition/card.ts'
import { MOST } from './crowd.ts'
import { answer, type Asker, refuse } from './effect.ts'
import type { Command, Now } from './event.ts'
import { note } from './feed.ts'
import { passFlows } from './flows.ts'
import { refuseUnknown, resetGate } from './gates.ts'
import { failures } from './refusals.ts'
import type { SemaphoreState, State } from './state.ts'

/** Makes semaphores known and moves their places forward; answers with the places as they are. */
export function decidePlace(
  state: State,
  command: Command & { kind: 'place' },
  asker: Asker,
  now: Now,
): void {
  const fresh = command.semaphores.filter(
    ({ name, definition }) => definition && !state.semaphores.has(name),
  )
  if (fresh.length > 0 && state.semaphores.size + fresh.length > MOST.semaphores)
    return refuse(state, asker, failures.tooManySemaphores(MOST.semaphores))
  const places: [string, string | null][] = []
  for (const { name, definition, after } of command.semaphores) {
    const place = after === null ? null : numberOf(after)
    if (after !== null && place === null) return refuse(state, asker, failures.badPlace(after))
    const semaphore = definition ? learn(state, name, definition, now) : state.semaphores.get(name)
    if (semaphore) semaphore.away_at_ms = now.mono_ms + UNFOLLOWED_MS
    if (semaphore && place !== null) advance(state, semaphore, Math.min(place, state.feed_head))
    places.push([name, semaphore ? cursorOf(semaphore.place) : null])
  }
  answer(state, asker, { places: Object.fromEntries(places) })
}

/** A new semaphore starts at the feed's end: it waits for what comes, not for what was. */
function learn(state: State, name: string, definition: Semaphore, now: Now): SemaphoreState {
  const known = state.semaphores.get(name)
  const changed = JSON.stringify(known?.definition) !== JSON.stringify(definition)
  if (known && !changed) return known
  const semaphore = known ?? {
    name,
    definition,
    place: state.feed_head,
    awaited_by: new Map(),
    away_at_ms: now.mono_ms,
  }
  leaveMembers(state, semaphore)
  semaphore.definition = definition
  state.semaphores.set(name, semaphore)
  joinMembers(state, semaphore)
  state.touched.semaphores.set(name, semaphore)
  return semaphore
}

export function joinMembers(state: State, semaphore: SemaphoreState): void {
  for (const { job } of semaphore.definition.wait_for) {
    const members = state.members.get(job)
    if (members) members.add(semaphore)
    else state.members.set(job, new Set([semaphore]))
  }
}

function leaveMembers(state: State, semaphore: SemaphoreState): void {
  for (const { job } of semaphore.definition.wait_for) state.members.get(job)?.delete(semaphore)
}

function advance(state: State, semaphore: SemaphoreState, place: number): void {
  if (place <= semaphore.place) return
  semaphore.place = place
  state.touched.semaphores.set(semaphore.name, semaphore)
  passFlows(state, semaphore)
}

/** People say that a semaphore is no more. One that is still followed would come back without what it had. */
export function decideSemaphoreCommand(
  state: State,
  command: Command & { kind: 'semaphore' },
  asker: Asker,
  now: Now,
): void {
  const semaphore = state.semaphores.get(command.semaphore)
  if (!semaphore) return refuseUnknown(state, command.semaphore, asker)
  if (!isAway(semaphore, now))
    return refuse(state, asker, failures.semaphorePresent(semaphore.name))
  forget(state, now, semaphore)
  answer(state, asker, { semaphore: semaphore.name, state: 'forgotten' })
}

export const isAway = ({ away_at_ms }: SemaphoreState, now: Now): boolean =>
  away_at_ms <= now.mono_ms

/** Its gates let go of what they hold, and no flow waits for it any more. What it opened stays known as opened. */
function forget(state: State, now: Now, semaphore: SemaphoreState): void {
  const { name } = semaphore
  for (const gate of state.gates.values())
    if (gate.semaphore === name && gate.opened_ms === null) resetGate(state, now, gate)
  leaveMembers(state, semaphore)
  passFlows(state, { ...semaphore, place: Infinity })
  state.semaphores.delete(name)
  state.touched.semaphores.delete(name)
  state.touched.forgotten_semaphores.add(name)
  note(state, now, { topic: `semaphore.forgotten.${name}.`, semaphore: name })
}
