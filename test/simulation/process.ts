/**
 * A process of the simulated world: it can be killed, stopped for a while (as by SIGSTOP) and started again. Whatever it
 * has set out to do dies with it, and waits while it is stopped; its monotonic clock begins anew with each life.
 */
import type { Agenda } from './agenda.ts'

/** The first instant of every history: 2026-11-23 00:00 UTC. */
export const START_MS = Date.UTC(2026, 10, 23)

export type Now = { readonly wall_ms: number; readonly mono_ms: number }

export type Process = {
  readonly name: string
  isUp(): boolean
  isStopped(): boolean
  /** Begins a life. */
  rise(): void
  /** Ends it, at once. */
  die(): void
  /** Tells of each end. */
  onEnd(tell: () => void): void
  /** Nothing of it happens for so long. */
  stop(ms: number): void
  /** Does something later in this life. */
  after(ms: number, act: () => void): () => void
  readonly now: () => Now
  /** Somebody sets the wall clock of its host. */
  setWall(by_ms: number): void
}

export function openProcess(agenda: Agenda, name: string): Process {
  let life = 0
  let is_up = false
  let begun_ms = 0
  let stopped_until_ms = 0
  let wall_ms = START_MS
  const ends: (() => void)[] = []
  const isStopped = (): boolean => agenda.now() < stopped_until_ms
  const after = (ms: number, act: () => void): (() => void) => {
    const mine = life
    let cancel: () => void
    const come = (): void => {
      if (mine !== life) return
      // A whole millisecond at least: less may be too little to move the clock at all.
      if (isStopped()) cancel = agenda.after(Math.ceil(stopped_until_ms - agenda.now()), come)
      else act()
    }
    cancel = agenda.after(ms, come)
    return () => cancel()
  }
  return {
    name,
    isUp: () => is_up,
    isStopped,
    rise: () => {
      if (is_up) throw new Error(`${name} is up already`)
      is_up = true
      life += 1
      begun_ms = agenda.now()
    },
    die: () => {
      if (!is_up) return
      is_up = false
      life += 1
      stopped_until_ms = 0
      for (const tell of ends) tell()
    },
    onEnd: (tell) => void ends.push(tell),
    stop: (ms) => {
      if (is_up) stopped_until_ms = Math.max(stopped_until_ms, agenda.now() + ms)
    },
    after,
    now: () => ({
      wall_ms: Math.floor(wall_ms + agenda.now()),
      mono_ms: 1_000 + agenda.now() - begun_ms,
    }),
    setWall: (by_ms) => {
      wall_ms += by_ms
    },
  }
}
