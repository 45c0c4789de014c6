/**
 * The client end of the client door: requests out, replies in, matched by id.
 *
 * What was on its way when the connection broke is said again on the next one, where that does no harm: so whoever waits
 * for a broker that restarts waits for no longer than that takes. A request that gets no reply in time fails as
 * `unreachable`; the caller decides whether to begin anew.
 */
import { randomUUID } from 'node:crypto'
import type { FromClient, Failure, ToClient } from '../protocol/client-door.ts'
import { NO_SESSION, ToClient as Heard } from '../protocol/client-door.ts'
import { decodeFrame } from '../protocol/codec.ts'
import { MAX_FRAME_BYTES, PROTOCOL_VERSION } from '../protocol/limits.ts'
import type { DialKey } from './curve.ts'
import { openDealer } from './dealer.ts'
import { makeEntering } from './entering.ts'

type WithoutId<T> = T extends unknown ? Omit<T, 'id' | 'protocol'> : never
/** A request as the caller writes it; the link adds the rest. */
export type Request = WithoutId<FromClient>

/** `result` has the shape that common/protocol/answers.ts gives for the request. */
export type Answered =
  | { readonly kind: 'answered'; readonly result: unknown }
  | { readonly kind: 'refused'; readonly error: Failure }
  | { readonly kind: 'unreachable'; readonly message: string }

export type RequestLink = {
  request(request: Request, timeout_ms?: number): Promise<Answered>
  /** Calls whenever it has come in at the broker's door: names that were given before are good no more. */
  onIn(told: () => void): void
  close(): Promise<void>
}

export const REQUEST_TIMEOUT_MS = 10_000

const REPEATABLE: ReadonlySet<Request['kind']> = new Set([
  'query',
  'replay',
  'subscribe',
  'report',
  'arrive',
  'place',
])

/**
 * Whether it may be said twice without harm: a trigger carries its `request_id`, an arrival its run. A repeated `retry`
 * is a second retry.
 */
export function mayRepeat(request: Request): boolean {
  if (request.kind === 'trigger')
    return request.triggers.every(({ request_id }) => typeof request_id === 'string')
  if (request.kind === 'open') return request.generation !== null
  if (request.kind === 'worker') return request.action !== 'forget'
  return REPEATABLE.has(request.kind)
}

type Waiting = {
  readonly request: Request
  readonly settle: (answered: Answered) => void
  /** `lost`: the connection broke after it was sent, and nobody will answer it. */
  stage: 'unsent' | 'sent' | 'lost'
}

/** The requests that wait for their replies, by id. */
function makeTable() {
  const waiting = new Map<string, Waiting>()
  const settle = (id: unknown, answered: Answered): void => {
    // Ids of ours are texts; whatever else a broker may say is nobody's.
    if (typeof id !== 'string') return
    const asked = waiting.get(id)
    waiting.delete(id)
    asked?.settle(answered)
  }
  return {
    waiting,
    settle,
    /** Fulfilled by its reply, or as unreachable when that takes too long. */
    wait: (
      { id, request }: { readonly id: string; readonly request: Request },
      timeout_ms: number,
      who: string,
    ): Promise<Answered> =>
      new Promise((resolve) => {
        const message = `${who} did not answer within ${timeout_ms / 1000} s`
        const timer = setTimeout(() => settle(id, { kind: 'unreachable', message }), timeout_ms)
        const told = (answered: Answered): void => {
          clearTimeout(timer)
          resolve(answered)
        }
        waiting.set(id, { request, stage: 'unsent', settle: told })
      }),
    /** Marks what was sent: its connection is gone. */
    lose: (): void => {
      for (const each of waiting.values()) if (each.stage === 'sent') each.stage = 'lost'
    },
  }
}

export function openRequests(options: {
  readonly address: string
  readonly key: DialKey | null
  readonly onShut?: (why: string) => void
}): RequestLink {
  const { waiting, settle, wait, lose } = makeTable()
  const prefix = randomUUID().slice(0, 8)
  let sequence = 0
  const listeners: (() => void)[] = []
  const entering = makeEntering({
    key: options.key,
    onShut: options.onShut,
    send: (message) => link.send(message),
    onIn: () => {
      for (const [id, asked] of waiting)
        if (asked.stage === 'unsent' || (asked.stage === 'lost' && mayRepeat(asked.request)))
          send(id, asked)
      for (const told of listeners) told()
    },
  })
  const hear = (message: ToClient): void => {
    if (message.kind !== 'reply') return entering.heard(message)
    if (message.ok) return settle(message.id, { kind: 'answered', result: message.result })
    const { id, error } = message
    const asked = error.code === NO_SESSION ? waiting.get(`${id}`) : undefined
    if (!asked) return settle(id, { kind: 'refused', error })
    // It was not looked at: it is said again as soon as this is in.
    asked.stage = 'unsent'
    entering.again()
  }
  const link = openDealer({
    ...options,
    opening: () => entering.opening(),
    onConnect: () => entering.connected(),
    onDisconnect: () => {
      entering.disconnected()
      lose()
    },
    onTooLarge: (message, bytes) =>
      settle((message as { id: string }).id, { kind: 'refused', error: tooLarge(bytes) }),
    onFrame: (frame) => {
      const decoded = decodeFrame(Heard, frame)
      if (decoded.kind !== 'frame') return
      decoded.messages.forEach(hear)
      // Whoever asked must not wait for an answer that has come.
      for (const { message, reason } of decoded.skipped)
        settle(Object(message).id, { kind: 'refused', error: unreadable(reason) })
    },
  })
  const send = (id: string, asked: Waiting): void => {
    asked.stage = 'sent'
    link.send({ ...asked.request, id, protocol: PROTOCOL_VERSION })
  }
  return {
    request: (request, timeout_ms = REQUEST_TIMEOUT_MS) => {
      sequence += 1
      const id = `${prefix}-${sequence}`
      const answered = wait({ id, request }, timeout_ms, `the broker at ${options.address}`)
      const asked = waiting.get(id)
      if (asked && entering.isIn()) send(id, asked)
      return answered
    },
    onIn: (told) => void listeners.push(told),
    close: async () => {
      for (const id of waiting.keys())
        settle(id, { kind: 'unreachable', message: 'the link was closed' })
      entering.close()
      await link.close()
    },
  }
}

const unreadable = (reason: string): Failure => ({
  status: 502,
  code: 'bad_reply',
  message: `the broker's answer cannot be read: ${reason}`,
  hint: 'is the broker newer than this? update the older one of the two',
  retry_after_s: null,
})

const tooLarge = (bytes: number): Failure => ({
  status: 413,
  code: 'too_large',
  message: `the request takes ${bytes} bytes on the wire, more than ${MAX_FRAME_BYTES}`,
  hint: 'send fewer or shorter values',
  retry_after_s: null,
})
