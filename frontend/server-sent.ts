/** Server-Sent Events: how one is written, and the comment that keeps a silent stream open. */
import type { Response } from 'express'

export const EVENT_STREAM = 'text/event-stream'
export const EVENT_HEADERS = {
  'Content-Type': `${EVENT_STREAM}; charset=utf-8`,
  'X-Accel-Buffering': 'no',
} as const

/** Proxies close what is silent for longer. */
const HEARTBEAT_MS = 15_000

/** `data` is sent as one line of JSON; ids are of our own making and have no line breaks. */
export const eventText = (event: string, id: string, data: unknown): string =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/** Moves the place from which the client will go on, and shows nothing. */
export const placeText = (id: string): string => `id: ${id}\n\n`

/** Writes a comment now and then, except to a reader that does not read. */
export function keepAlive(res: Response, every_ms: number = HEARTBEAT_MS): { stop(): void } {
  const timer = setInterval(() => {
    if (!res.writableNeedDrain && !res.closed) res.write(': heartbeat\n\n')
  }, every_ms)
  return { stop: () => clearInterval(timer) }
}
