/**
 * The broker's client door as a semaphore process needs it: what it has to say must be heard, so it is said until it
 * is answered. The broker takes everything here as often as it comes.
 */
import type { Log } from '../common/daemon/log.ts'
import type { Request, RequestLink } from '../common/link/request.ts'
import type {
  ReplayAnswer,
  RunsAnswer,
  RunView,
  SemaphoreView,
} from '../common/protocol/answers.ts'
import type { Failure } from '../common/protocol/client-door.ts'
import type { Semaphore } from '../common/definition/card.ts'
import { type After, byTheClock } from './after.ts'
import type { Notice } from './gate.ts'

type Told<T> =
  | { readonly kind: 'told'; readonly result: T }
  /** Saying it again would change nothing. */
  | { readonly kind: 'refused'; readonly error: Failure }
  | { readonly kind: 'closed' }

/** The broker's view of a gate after an arrival; null when the arrival had no key. */
export type ArriveAnswer = {
  readonly kind: 'counted' | 'repeated' | 'late' | 'unkeyed'
  readonly gate: { readonly generation: number; readonly arrived: readonly number[] } | null
}
type PlaceAnswer = { readonly places: Readonly<Record<string, string | null>> }
export type Place = {
  readonly name: string
  readonly definition?: Semaphore
  readonly after: string | null
}

export type Door = {
  arrive(notice: Notice): Promise<Told<ArriveAnswer>>
  /** `opened` is false when somebody else was first. */
  open(semaphore: string, key: string, generation: number): Promise<Told<{ opened: boolean }>>
  place(places: readonly Place[]): Promise<Told<PlaceAnswer>>
  replay(
    after: string | null,
    topics: readonly string[],
    limit: number,
  ): Promise<Told<ReplayAnswer>>
  semaphores(): Promise<Told<SemaphoreView[]>>
  run(run_id: string): Promise<Told<RunView>>
  /** A page of the runs of a job that succeeded, newest first. */
  succeeded(job: string, before: string | null): Promise<Told<RunsAnswer>>
  /** Ends every waiting call with `closed`. */
  close(): void
}

type Timing = {
  /** An answer is waited for so long, and then asked for again after this pause. */
  readonly patience_ms: number
  readonly pause_ms: number
  readonly after: After
}
const PATIENCE_MS = 5_000
const PAUSE_MS = 1_000
const PAGE = 500
/** Arrivals on their way at once: the broker has others to listen to. */
const MAX_AT_ONCE = 250

export function createDoor(
  requests: Pick<RequestLink, 'request'>,
  log: Log,
  { patience_ms = PATIENCE_MS, pause_ms = PAUSE_MS, after = byTheClock }: Partial<Timing> = {},
): Door {
  let isUnheard = false
  const pause = (): Promise<void> => new Promise((resolve) => void after(pause_ms, resolve))
  const atOnce = bounded(MAX_AT_ONCE)
  const { promise: closed, resolve: end } = Promise.withResolvers<'closed'>()
  const tell = async <T>(request: Request): Promise<Told<T>> => {
    for (;;) {
      const answered = await Promise.race([requests.request(request, patience_ms), closed])
      if (answered === 'closed') return { kind: 'closed' }
      if (answered.kind === 'answered') {
        if (isUnheard) log.info('the broker answers again')
        isUnheard = false
        return { kind: 'told', result: answered.result as T }
      }
      if (answered.kind === 'refused' && isFinal(answered.error)) return answered
      const why = answered.kind === 'refused' ? answered.error.message : answered.message
      if (!isUnheard) log.warn('waiting for the broker', { why })
      isUnheard = true
      if ((await Promise.race([pause(), closed])) === 'closed') return { kind: 'closed' }
    }
  }
  return {
    arrive: (notice) => atOnce(() => tell({ kind: 'arrive', ...notice })),
    open: (semaphore, key, generation) => tell({ kind: 'open', semaphore, key, generation }),
    place: (places) => tell({ kind: 'place', semaphores: [...places] }),
    replay: (after, topics, limit) => tell({ kind: 'replay', after, topics: [...topics], limit }),
    semaphores: () => tell({ kind: 'query', question: { what: 'semaphores' } }),
    run: (run_id) => tell({ kind: 'query', question: { what: 'run', run_id } }),
    succeeded: (job, before) => {
      const filter = { job, state: 'succeeded', limit: PAGE, before }
      return tell({ kind: 'query', question: { what: 'runs', filter } })
    },
    close: () => end('closed'),
  }
}

/** An answer that fits no frame fits none later either. */
const isFinal = ({ status, code }: Failure): boolean => status < 500 || code === 'too_large'

/** Lets no more than `limit` of these go on at once; the others wait, in order. */
function bounded(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let free = limit
  return async (work) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}
