/**
 * The client end of the client door: requests out, replies in, matched by id.
 *
 * A request that gets no reply in time fails as `unreachable`; the caller decides whether to repeat it. That is
 * safe where the request says so: a trigger carries its `request_id`, an arrival its run; a repeated `retry` is a second
 * retry.
 */
import { randomUUID } from 'node:crypto'
import type { FromClient, Failure } from '../protocol/client-door.ts'
import { Reply } from '../protocol/client-door.ts'
import { decodeFrame } from '../protocol/codec.ts'
import { MAX_FRAME_BYTES } from '../protocol/limits.ts'
import { openDealer } from './dealer.ts'

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never
/** A request as the caller writes it; the link adds the id. */
export type Request = WithoutId<FromClient>

/** `result` has the shape that common/protocol/answers.ts gives for the request. */
export type Answered =
  | { readonly kind: 'answered'; readonly result: unknown }
  | { readonly kind: 'refused'; readonly error: Failure }
  | { readonly kind: 'unreachable'; readonly message: string }

export type RequestLink = {
  request(request: Request, timeout_ms?: number): Promise<Answered>
  close(): Promise<void>
}

export const REQUEST_TIMEOUT_MS = 10_000

export function openRequests(options: {
  readonly address: string
  readonly onConnect?: () => void
  readonly onDisconnect?: () => void
}): RequestLink {
  const waiting = new Map<string, (answered: Answered) => void>()
  const prefix = randomUUID().slice(0, 8)
  let sequence = 0
  const link = openDealer({
    ...options,
    onTooLarge: (message, bytes) => {
      const { id } = message as { id: string }
      waiting.get(id)?.({ kind: 'refused', error: tooLarge(bytes) })
      waiting.delete(id)
    },
    onFrame: (frame) => {
      const decoded = decodeFrame(Reply, frame)
      if (decoded.kind !== 'frame') return
      for (const reply of decoded.messages) {
        const settle = waiting.get(String(reply.id))
        waiting.delete(String(reply.id))
        settle?.(
          reply.ok
            ? { kind: 'answered', result: reply.result }
            : { kind: 'refused', error: reply.error },
        )
      }
    },
  })
  return {
    request: (request, timeout_ms = REQUEST_TIMEOUT_MS) =>
      new Promise((resolve) => {
        sequence += 1
        const id = `${prefix}-${sequence}`
        const timer = setTimeout(() => {
          waiting.delete(id)
          const message = `the broker at ${options.address} did not answer within ${timeout_ms / 1000} s`
          resolve({ kind: 'unreachable', message })
        }, timeout_ms)
        waiting.set(id, (answered) => {
          clearTimeout(timer)
          resolve(answered)
        })
        link.send({ ...request, id })
      }),
    close: async () => {
      for (const settle of waiting.values())
        settle({ kind: 'unreachable', message: 'the link was closed' })
      waiting.clear()
      await link.close()
    },
  }
}

const tooLarge = (bytes: number): Failure => ({
  status: 413,
  code: 'too_large',
  message: `the request takes ${bytes} bytes on the wire, more than ${MAX_FRAME_BYTES}`,
  hint: 'send fewer or shorter values',
  retry_after_s: null,
})
