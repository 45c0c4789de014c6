/**
 * Says when it is worth asking again about a flow: the frontend's events tell at once, and where they cannot (an older
 * frontend, a proxy that holds them back) asking each second does.
 */
import type { FeedEntry } from '../../common/protocol/answers.ts'
import type { Api } from '../api/client.ts'
import { readEvents } from '../api/events.ts'

export type Wakes = {
  /** Fulfilled when something of the flow changed since the last call, and at the latest after a while. */
  next(signal: AbortSignal): Promise<void>
  close(): void
}

/** Without events, and with them (a wake may be lost). */
const POLL_MS = 1_000
const CHECK_MS = 5_000
/** Changes come in bursts: one question answers for many. */
const GATHER_MS = 60

export function openWakes(api: Api, flow_id: string): Wakes {
  const closed = new AbortController()
  let live = false
  let changed = false
  let wake = nothing
  const changes = (): void => {
    changed = true
    wake()
  }
  void listen(api, flow_id, closed.signal, (now) => {
    live = now
    changes()
  })
  return {
    async next(signal) {
      if (!changed) {
        const awake = new Promise<void>((resolve) => {
          wake = resolve
        })
        await Promise.race([awake, pause(live ? CHECK_MS : POLL_MS, signal)])
      }
      await pause(GATHER_MS, signal)
      changed = false
    },
    close: () => closed.abort(),
  }
}

const nothing = (): void => {}

/** Calls `woken(true)` when the stream is open and for each of the flow's events, and `woken(false)` when it ends. */
async function listen(
  api: Api,
  flow_id: string,
  signal: AbortSignal,
  woken: (live: boolean) => void,
): Promise<void> {
  const topics = [['topics', 'run.,flow.']] as const
  const opened = await api.open(['api', 'events'], topics, 'text/event-stream', signal)
  if (opened.kind !== 'open') return
  woken(true)
  try {
    for await (const { data } of readEvents(opened.body)) if (flowOf(data) === flow_id) woken(true)
  } catch {
    // Closed by us, or cut.
  }
  // Asking each second goes on.
  woken(false)
}

function flowOf(data: string): string | null {
  try {
    return (JSON.parse(data) as FeedEntry | null)?.flow_id ?? null
  } catch {
    return null
  }
}

/** Waits so long, or until the signal; leaves no timer behind. */
export function pause(limit_ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, limit_ms)
    if (signal.aborted) done()
    else signal.addEventListener('abort', done, { once: true })
  })
}
