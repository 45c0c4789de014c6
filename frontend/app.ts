/**
 * The HTTP door as an Express app that does not listen: guard, routes, and one way for everything to go wrong.
 *
 * All routes stand in one table (routes/table.ts); whatever is not in it is answered here, always as
 * `{error: {code, message, hint}}`, never with a stack, and never with the request's own text as HTML.
 */
import type { IncomingMessage } from 'node:http'
import express from 'express'
import type { NextFunction, Request, Response } from 'express'
import { nearestName } from '../common/definition/nearest.ts'
import type { Access } from './access/access.ts'
import { failure } from './failure.ts'
import { createGuard } from './guard.ts'
import { register } from './registration.ts'
import { sendFailure } from './reply.ts'
import type { Api } from './routes/route.ts'
import { LATER_PATHS } from './routes/later.ts'
import { createRoutes } from './routes/table.ts'

/** Requests at once, until their answers have left. Each may hold an answer that its client does not read. */
const MAX_OPEN = 10_000
const BUSY = failure(503, 'busy', 'too many requests at once', 'ask again in a second', 1)

/** Who may come in, and by which name. */
export type Doors = {
  readonly access: Access
  readonly isOurHost: (req: IncomingMessage) => boolean
  readonly isSecure: boolean
}

export function createApp(api: Api, doors: Doors, max_open: number = MAX_OPEN): express.Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.enable('case sensitive routing')
  // Query strings are read strictly, by fields.ts.
  app.set('query parser', false)
  const guard = createGuard(doors.isOurHost, doors.isSecure)
  let open = 0
  app.use((req, res, next) => {
    const from_ms = performance.now()
    open += 1
    res.once('close', () => {
      open -= 1
      const route = String(res.locals['route'] ?? 'other other')
      api.counters.count(route, res.statusCode, performance.now() - from_ms)
    })
    if (open > max_open) sendFailure(res, BUSY)
    else guard(req, res, next)
  })
  const routes = createRoutes(api)
  register(app, routes, doors.access)
  app.use((req, res) => {
    const near = nearestName(
      req.path,
      routes.map((route) => route.path),
    )
    sendFailure(
      res,
      LATER_PATHS.has(req.path)
        ? failure(404, 'not_yet', `${req.path} comes with a later version of jobz`)
        : failure(
            404,
            'unknown_path',
            'there is nothing under this path',
            near ? `did you mean ${near}?` : 'see /openapi.json for what there is',
          ),
    )
  })
  // Express knows an error handler by its four parameters.
  app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    const known = failureOf(error)
    if (!known) api.log.error('a request failed', { error })
    if (res.headersSent) res.destroy()
    else sendFailure(res, known ?? failure(500, 'internal', 'something went wrong here', LOGGED))
  })
  return app
}

const LOGGED = "it is in the frontend's log"

/** The errors that Express and its body reader throw about a request; null for everything else. */
function failureOf(error: unknown) {
  if (typeof error !== 'object' || error === null) return null
  const { status, type, limit } = error as { status?: unknown; type?: unknown; limit?: unknown }
  if (typeof status !== 'number' || status < 400 || status > 499) return null
  if (status === 413)
    return failure(413, 'too_large', `the body is larger than ${Number(limit)} bytes`, 'split it')
  if (status === 415)
    return failure(415, 'unsupported_type', 'compressed bodies are not understood', 'send it plain')
  if (error instanceof URIError)
    return failure(400, 'bad_request', 'the path is not percent-encoded UTF-8')
  return failure(
    status,
    'bad_request',
    `the request broke off (${typeof type === 'string' ? type : status})`,
  )
}
