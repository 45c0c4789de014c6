/** How answers leave: the one place that writes a whole response. */
import type { Response } from 'express'
import type { Failure } from '../common/protocol/client-door.ts'
import { errorBody } from './failure.ts'
import type { Answer } from './routes/route.ts'

/** An answer of which a client takes nothing for so long is given up. */
const STALLED_MS = 30_000

export function sendAnswer(res: Response, answer: Answer, stalled_ms = STALLED_MS): void {
  if (answer.kind !== 'streamed') res.setTimeout(stalled_ms, () => res.destroy())
  switch (answer.kind) {
    case 'json':
      res.status(answer.status).set(answer.headers ?? {})
      res.json(answer.body)
      return
    case 'text':
      res.status(answer.status).set(answer.headers ?? {})
      res.set('Content-Type', answer.type ?? 'text/plain; charset=utf-8').send(answer.body)
      return
    case 'failure':
      return sendFailure(res, answer.failure)
    case 'streamed':
      return
  }
}

export function sendFailure(res: Response, failure: Failure): void {
  if (failure.retry_after_s !== null)
    res.set('Retry-After', String(Math.max(1, Math.ceil(failure.retry_after_s))))
  if (failure.status === 401) res.set('WWW-Authenticate', 'Bearer realm="jobz"')
  res.status(failure.status).json(errorBody(failure))
}
