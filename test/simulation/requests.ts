/** The client end of the client door, on a line of the simulated network: requests out, replies in, matched by id. */
import type { Answered, Request } from '../../common/link/request.ts'
import { decodeFrame, encodeFrame } from '../../common/protocol/codec.ts'
import { Reply } from '../../common/protocol/client-door.ts'
import type { Line } from './net.ts'
import type { Process } from './process.ts'

export type Requests = {
  /** What became of it is told once; never, when the process dies before. */
  ask(request: Request, timeout_ms: number, told: (answered: Answered) => void): void
  onFrame(frame: Buffer): void
  /** A new life waits for none of the answers that the last one waited for. */
  clear(): void
}

export function openRequests(process: Process, line: () => Line): Requests {
  const waiting = new Map<string, (answered: Answered) => void>()
  let sequence = 0
  return {
    ask: (request, timeout_ms, told) => {
      sequence += 1
      const id = `${process.name}-${sequence}`
      waiting.set(id, told)
      process.after(timeout_ms, () => {
        if (waiting.delete(id)) told({ kind: 'unreachable', message: 'no answer in time' })
      })
      line().send(encodeFrame([{ ...request, id }]))
    },
    onFrame: (frame) => {
      const decoded = decodeFrame(Reply, frame)
      if (decoded.kind === 'garbage') throw new Error(decoded.reason)
      for (const reply of decoded.messages) {
        const told = waiting.get(String(reply.id))
        waiting.delete(String(reply.id))
        if (reply.ok) told?.({ kind: 'answered', result: reply.result })
        else told?.({ kind: 'refused', error: reply.error })
      }
    },
    clear: () => waiting.clear(),
  }
}
