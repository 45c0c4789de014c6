/** How long it takes from the end of a fault until its victim is seen working again. */
import type { Kind } from './daemon.ts'

/** By what a victim is seen working: each is a thing that only a working one brings about. */
export type Sign =
  /** A trigger that was sent after the fault was answered: by any frontend, or by this one. */
  | { readonly kind: 'answer'; readonly url: string | null }
  /** A command began on this worker, of a run that was accepted after the fault. */
  | { readonly kind: 'begin'; readonly worker: string }
  /** It said that it serves. */
  | { readonly kind: 'ready'; readonly name: string }

export type Recoveries = {
  /** From now on a sign of this kind is the recovery from a fault of this name. */
  await(fault: string, sign: Sign): void
  /** What was seen, and when the request or run that it belongs to began, by the wall's clock. */
  seen(sign: Sign, asked_ms?: number): void
  /** By fault, in ms. */
  readonly took: ReadonlyMap<string, readonly number[]>
  /** Faults whose victims were not seen working again. */
  waiting(): string[]
}

export function watchRecoveries(): Recoveries {
  const awaited: { fault: string; sign: Sign; since_ms: number }[] = []
  const took = new Map<string, number[]>()
  return {
    took,
    await: (fault, sign) => void awaited.push({ fault, sign, since_ms: Date.now() }),
    seen: (sign, asked_ms = Infinity) => {
      const now_ms = Date.now()
      const over = awaited.filter((one) => asked_ms >= one.since_ms && shows(sign, one.sign))
      for (const one of over) {
        awaited.splice(awaited.indexOf(one), 1)
        const times = took.get(one.fault) ?? []
        times.push(now_ms - one.since_ms)
        took.set(one.fault, times)
      }
    },
    waiting: () => awaited.map(({ fault }) => fault),
  }
}

function shows(seen: Sign, awaited: Sign): boolean {
  switch (awaited.kind) {
    case 'answer':
      return seen.kind === 'answer' && (awaited.url === null || seen.url === awaited.url)
    case 'begin':
      return seen.kind === 'begin' && seen.worker === awaited.worker
    case 'ready':
      return seen.kind === 'ready' && seen.name === awaited.name
    default:
      return awaited satisfies never
  }
}

/**
 * What shows that a daemon works again; null when nothing does. `starts`: it was ended, and is started again. Of two
 * semaphores, which do the same work, nobody can tell which one did it.
 */
export function signOf(
  { kind, name }: { readonly kind: Kind; readonly name: string },
  url: string | null,
  starts: boolean,
): Sign | null {
  const signs: Record<Kind, Sign | null> = {
    broker: { kind: 'answer', url: null },
    worker: { kind: 'begin', worker: name },
    frontend: { kind: 'answer', url },
    semaphore: starts ? { kind: 'ready', name } : null,
  }
  return signs[kind]
}
