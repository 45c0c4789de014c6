/**
 * How far a command's output has travelled. Chunks leave in order, a bounded number before an acknowledgement.
 *
 * Past the limit the first and the last half are kept. While the command runs nobody knows where the last half begins,
 * so only the first half leaves; the rest follows at the end, and the jump in its offset tells the broker of the cut.
 */
import { OUTPUT_CHUNK_BYTES } from '../../common/protocol/limits.ts'

/** Offsets count bytes from the start of the stream's file. */
export type Stream = {
  size: number
  /** Where the next chunk begins. */
  sent: number
  acked: number
  /** Where each chunk ends that was sent and not acknowledged. */
  in_flight: number[]
  /** Up to where the middle was given back to the disk. */
  cut_to: number
}

export type Chunk = { readonly offset: number; readonly length: number }

/** So many chunks of one stream, and of one worker, may wait for their acknowledgement. */
export const STREAM_WINDOW_CHUNKS = 16
export const WORKER_WINDOW_CHUNKS = 64

/** The middle is given back to the disk once there is this much of it, so that it is done rarely. */
const CUT_BYTES = 8 * 1024 * 1024
/** So much beside what is kept stays on the disk: a secret that reaches into it must be known for one, to be hidden. */
export const CUT_MARGIN_BYTES = 32 * 1024

export const newStream = (size = 0): Stream => ({
  size,
  sent: 0,
  acked: 0,
  in_flight: [],
  cut_to: 0,
})

/** Takes the next chunk to send, or null when there is none, or no room for it. */
export function takeChunk(stream: Stream, limit_bytes: number, ended: boolean): Chunk | null {
  if (stream.in_flight.length >= STREAM_WINDOW_CHUNKS) return null
  const [from, to] = nextRange(stream, limit_bytes, ended)
  if (from >= to) return null
  const chunk = { offset: from, length: Math.min(OUTPUT_CHUNK_BYTES, to - from) }
  stream.sent = from + chunk.length
  stream.in_flight.push(stream.sent)
  return chunk
}

/** The broker has everything before this offset. It may know of more than this daemon sent. */
export function acknowledge(stream: Stream, offset: number): void {
  stream.acked = Math.max(stream.acked, Math.min(offset, stream.size))
  stream.sent = Math.max(stream.sent, stream.acked)
  stream.in_flight = stream.in_flight.filter((end) => end > stream.acked)
}

/** What is not acknowledged is sent again from the start of it. */
export function rewind(stream: Stream): void {
  stream.sent = stream.acked
  stream.in_flight = []
}

/** All of an ended command's output that is kept is at the broker. */
export function isDelivered(stream: Stream, limit_bytes: number): boolean {
  const [from, to] = nextRange({ ...stream, sent: stream.acked }, limit_bytes, true)
  return from >= to
}

/** Takes the part of the middle that may go from the disk, when that is worth it. */
export function takeCut(stream: Stream, limit_bytes: number): { from: number; to: number } | null {
  const from = Math.max(headBytes(limit_bytes) + CUT_MARGIN_BYTES, stream.cut_to)
  const to = stream.size - tailBytes(limit_bytes) - CUT_MARGIN_BYTES
  if (to - from < Math.max(CUT_BYTES, limit_bytes)) return null
  stream.cut_to = to
  return { from, to }
}

const headBytes = (limit_bytes: number): number => Math.ceil(limit_bytes / 2)
const tailBytes = (limit_bytes: number): number => Math.floor(limit_bytes / 2)

/** From where to where bytes may be sent now. */
function nextRange(stream: Stream, limit_bytes: number, ended: boolean): [number, number] {
  const { sent, size } = stream
  const head = headBytes(limit_bytes)
  if (!ended) return [sent, Math.min(size, head)]
  if (size <= limit_bytes) return [sent, size]
  if (sent < head) return [sent, head]
  return [Math.max(sent, size - tailBytes(limit_bytes)), size]
}
