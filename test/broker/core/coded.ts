/** Messages as the other end reads them: every test of the decisions sends them through the codec. */
import type { z } from 'zod'
import { decodeFrame, encodeFrames } from '../../../common/protocol/codec.ts'

/** What is read when this is sent. Throws when a message would not get through. */
export function coded<T>(schema: z.ZodType<T>, message: unknown): T[] {
  return encodeFrames([message], tooLarge).flatMap((frame) => {
    const decoded = decodeFrame(schema, frame)
    if (decoded.kind === 'garbage') throw new Error(decoded.reason)
    if (decoded.skipped.length > 0) throw new Error(JSON.stringify(decoded.skipped))
    return [...decoded.messages]
  })
}

const tooLarge = (_: unknown, bytes: number): never => {
  throw new Error(`${bytes} bytes do not fit a frame`)
}
