/** Who waits for which news. A watcher is only told that there is some; what it is, it asks the broker. */

/** What somebody waits for: `run:ID`, `flow:ID`, `output:ID`, or any entry at all. */
export type Subject = `run:${string}` | `flow:${string}` | `output:${string}` | 'any'

export type Watch = {
  /** Fulfilled when there was news since the last call, after `timeout_ms`, or when `signal` is aborted. Never rejects. */
  changed(timeout_ms: number, signal: AbortSignal): Promise<void>
  end(): void
}

export type Watchers = {
  readonly size: number
  add(subjects: readonly Subject[]): Watcher
  /** False when it was removed before. */
  remove(watcher: Watcher): boolean
  tell(subject: Subject): void
  tellAll(): void
  tellOutputs(): void
}

type Watcher = {
  readonly subjects: readonly Subject[]
  readonly changed: Watch['changed']
  readonly tell: () => void
}

export function createWatchers(): Watchers {
  const bySubject = new Map<Subject, Set<Watcher>>()
  const all = new Set<Watcher>()
  return {
    get size() {
      return all.size
    },
    add: (subjects: readonly Subject[]): Watcher => {
      const watcher = { subjects, ...createNews() }
      all.add(watcher)
      for (const subject of subjects) {
        const set = bySubject.get(subject) ?? new Set()
        bySubject.set(subject, set.add(watcher))
      }
      return watcher
    },
    remove: (watcher: Watcher): boolean => {
      for (const subject of watcher.subjects) {
        const set = bySubject.get(subject)
        set?.delete(watcher)
        if (set?.size === 0) bySubject.delete(subject)
      }
      return all.delete(watcher)
    },
    tell: (subject: Subject): void => bySubject.get(subject)?.forEach((watcher) => watcher.tell()),
    tellAll: (): void => all.forEach((watcher) => watcher.tell()),
    tellOutputs: (): void => {
      for (const [subject, set] of bySubject)
        if (subject.startsWith('output:')) set.forEach((watcher) => watcher.tell())
    },
  }
}

/** News is kept until it is asked for: what happens between an answer and the next wait is not missed. */
function createNews(): Pick<Watcher, 'changed' | 'tell'> {
  let news = false
  let wake: (() => void) | null = null
  return {
    tell: () => {
      news = true
      wake?.()
    },
    changed: (timeout_ms, signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', done)
          news = false
          wake = null
          resolve()
        }
        const timer = setTimeout(done, timeout_ms)
        signal.addEventListener('abort', done)
        wake = done
        if (news || signal.aborted) done()
      }),
  }
}
