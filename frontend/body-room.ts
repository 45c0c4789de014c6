/** Bodies are read whole, so all that are under way together are bounded: whoever finds no room is told to come later. */
import type { NextFunction, Request, Response } from 'express'
import { failure } from './failure.ts'
import { sendFailure } from './reply.ts'

/** All bodies at once; what is made of them takes some times more. */
const MAX_BODIES_BYTES = 128 * 1024 * 1024

type Handler = (req: Request, res: Response, next: NextFunction) => void

/** Makes what stands before the reader of a body of at most `limit` bytes: a body that does not say its length may have all of them. */
export function createBodyRoom(all_bytes: number = MAX_BODIES_BYTES): (limit: number) => Handler {
  let taken = 0
  return (limit) => (req, res, next) => {
    const said = Number(req.headers['content-length'] ?? Number.NaN)
    const bytes = said >= 0 && said <= limit ? said : limit
    if (taken + bytes > all_bytes) return sendFailure(res, FULL)
    taken += bytes
    res.once('close', () => (taken -= bytes))
    next()
  }
}

const FULL = failure(
  503,
  'busy',
  'too much is being sent to this frontend at once',
  'send it again in a second',
  1,
)
