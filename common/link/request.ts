/**
 * The client end of the client door: requests out, replies in, matched by id.
 *
 * What was on its way when the connection broke is said again on the next one, where that does no harm: so whoever waits
 * for a broker that restarts waits for no longer than that takes. A request that gets no reply in time fails as
 * `unreachable`; the caller decides whether to begin anew.
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

/**
 * Whether it may be said twice without harm: a trigger carries its `request_id`, an arrival its run. A repeated `retry`
 * is a second retry.
 */
export function mayRepeat(request: Request): boolean {
  switch (request.kind) {
    case 'query':
    case 'replay':
    case 'report':
    case 'arrive':
    case 'place':
      return true
    case 'trigger':
      return request.triggers.every(({ request_id }) => typeof request_id === 'string')
    case 'open':
      return request.generation !== null
    case 'worker':
      return request.action !== 'forget'
    case 'cancel':
    case 'retry':
    case 'reset':
      return false
  }
}

type Waiting = {
  readonly request: Request
  readonly settle: (answered: Answered) => void
  /** The connection broke after it was sent: nobody will answer it. */
  lost: boolean
}

export function openRequests(options: {
  readonly address: string
  readonly onConnect?: () => void
}): RequestLink {
  const waiting = new Map<string, Waiting>()
  const prefix = randomUUID().slice(0, 8)
  let sequence = 0
  const link = openDealer({
    address: options.address,
    onConnect: () => {
      for (const [id, each] of waiting) {
        if (each.lost && mayRepeat(each.request)) link.send({ ...each.request, id })
        each.lost = false
      }
      options.onConnect?.()
    },
    onDisconnect: () => {
      for (const each of waiting.values()) each.lost = true
    },
    onTooLarge: (message, bytes) => {
      const { id } = message as { id: string }
      waiting.get(id)?.settle({ kind: 'refused', error: tooLarge(bytes) })
      waiting.delete(id)
    },
    onFrame: (frame) => {
      const decoded = decodeFrame(Reply, frame)
      if (decoded.kind !== 'frame') return
      for (const reply of decoded.messages) {
        const asked = waiting.get(String(reply.id))
        waiting.delete(String(reply.id))
        asked?.settle(
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
        const settle = (answered: Answered): void => {
          clearTimeout(timer)
          resolve(answered)
        }
        waiting.set(id, { request, settle, lost: false })
        link.send({ ...request, id })
      }),
    close: async () => {
      for (const { settle } of waiting.values())
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
