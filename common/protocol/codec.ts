/**
 * Frames: one part, a JSON array of messages. Everything that enters or leaves a process over ZeroMQ passes here, so
 * a frame that is too large, broken or of an unknown kind is one value with a reason, never an exception.
 */
import type { z } from 'zod'
import { MAX_FRAME_BYTES, MAX_FRAME_MESSAGES } from './limits.ts'

/** A message of a readable frame that was left out: an unknown kind, or a wrong shape; `reason` is one line. */
export type Skipped = { readonly reason: string; readonly message: unknown }

export type Decoded<T> =
  | {
      readonly kind: 'frame'
      readonly messages: readonly T[]
      readonly skipped: readonly Skipped[]
    }
  | { readonly kind: 'garbage'; readonly reason: string }

/** Reads a frame by the schema of its door. */
export function decodeFrame<T>(schema: z.ZodType<T>, frame: Uint8Array): Decoded<T> {
  if (frame.byteLength > MAX_FRAME_BYTES)
    return garbage(`${frame.byteLength} bytes, more than ${MAX_FRAME_BYTES}`)
  let raw: unknown
  try {
    raw = JSON.parse(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString('utf8'))
  } catch {
    return garbage('not JSON')
  }
  if (!Array.isArray(raw)) return garbage('not a JSON array')
  if (raw.length > MAX_FRAME_MESSAGES)
    return garbage(`${raw.length} messages, more than ${MAX_FRAME_MESSAGES}`)
  const messages: T[] = []
  const skipped: Skipped[] = []
  for (const item of raw as unknown[]) {
    const parsed = schema.safeParse(item)
    if (parsed.success) messages.push(parsed.data)
    else skipped.push({ reason: describe(item, parsed.error), message: item })
  }
  return { kind: 'frame', messages, skipped }
}

/**
 * Packs messages into as few frames as the limits allow, in order; each frame begins with `opening` (a session). A message
 * that is too large for a frame of its own is left out, and `onTooLarge` is told.
 */
export function encodeFrames(
  messages: readonly unknown[],
  onTooLarge: (message: unknown, bytes: number) => void,
  opening: readonly unknown[] = [],
): Buffer[] {
  const all = opening.length === 0 ? messages : [...opening, ...messages]
  const whole = encodeFrame(all)
  if (all.length <= MAX_FRAME_MESSAGES && whole.byteLength <= MAX_FRAME_BYTES) return [whole]
  if (messages.length <= 1) {
    onTooLarge(messages[0], whole.byteLength)
    return []
  }
  const half = Math.ceil(messages.length / 2)
  return [messages.slice(0, half), messages.slice(half)].flatMap((part) =>
    encodeFrames(part, onTooLarge, opening),
  )
}

/** One frame, unbounded: for messages that are known to be small. */
export const encodeFrame = (messages: readonly unknown[]): Buffer =>
  Buffer.from(JSON.stringify(messages))

const garbage = (reason: string): { kind: 'garbage'; reason: string } => ({
  kind: 'garbage',
  reason,
})

function describe(item: unknown, error: z.ZodError): string {
  const { kind: said } = Object(item) as { kind?: unknown }
  // What a peer wrote is not made a text: an object may have a `toString` of its own that is none.
  const kind = typeof said === 'string' ? said : 'no kind'
  const issue = error.issues[0]
  return `${kind.slice(0, 64)}: ${issue ? `${issue.path.join('.')} ${issue.message}` : 'wrong shape'}`.slice(
    0,
    256,
  )
}
