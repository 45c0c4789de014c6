/** A body that is written piece by piece: at its reader's pace, bounded, and cut short when it would otherwise lie. */
import type { Response } from 'express'
import type { Stay } from './standing.ts'

export type BodyStream = {
  /** Fulfilled when there is room for more; false when nobody reads any more. */
  write(piece: string | Uint8Array): Promise<boolean>
  end(): void
  /** Closes the connection after what was written, before the body's proper end, so that a client sees it broken off. */
  cut(): void
}

/** A reader that takes nothing for so long is cut off. */
const STALLED_MS = 30_000

export function openBody(
  res: Response,
  stay: Stay,
  headers: Readonly<Record<string, string>>,
  stalled_ms: number = STALLED_MS,
): BodyStream {
  res.status(200).set(headers)
  res.flushHeaders()
  const cut = (): void => {
    if (res.socket) res.socket.destroySoon()
    else res.destroy()
  }
  return {
    write: async (piece) => {
      if (res.closed || res.destroyed) return false
      if (res.write(piece)) return true
      if (await drained(res, stay.signal, stalled_ms)) return true
      res.destroy()
      return false
    },
    end: () => {
      res.end()
    },
    cut,
  }
}

function drained(res: Response, signal: AbortSignal, timeout_ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (isDrained: boolean) => (): void => {
      clearTimeout(timer)
      res.off('drain', yes)
      res.off('close', no)
      signal.removeEventListener('abort', no)
      resolve(isDrained)
    }
    const yes = settle(true)
    const no = settle(false)
    const timer = setTimeout(no, timeout_ms)
    res.on('drain', yes)
    res.on('close', no)
    signal.addEventListener('abort', no)
    if (signal.aborted) no()
  })
}
