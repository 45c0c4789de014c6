/** From the table of routes to Express: methods, the reading of fields and bodies, and which names a route knows. */
import express from 'express'
import type { Express, NextFunction, Request, Response } from 'express'
import { nearestName } from '../common/definition/nearest.ts'
import type { Failure } from '../common/protocol/client-door.ts'
import type { Access, Entered } from './access/access.ts'
import { createBodyRoom } from './body-room.ts'
import { badRequest, failure, isFailure, quoted } from './failure.ts'
import { mergeFields, readBody, readQuery } from './fields.ts'
import type { Fields } from './fields.ts'
import { sendAnswer, sendFailure } from './reply.ts'
import type { Call, Route } from './routes/route.ts'

/** Holds 64 parameters of 4 KiB, percent-encoded. */
const MAX_FORM_BYTES = 1024 * 1024

export function register(app: Express, routes: readonly Route[], access: Access): void {
  const room = createBodyRoom()
  for (const route of routes) {
    const path = expressPath(route)
    const name = `${route.method} ${route.path}`
    /** Before the body, so that nobody else's is read. */
    const enter = async (req: Request, res: Response, next: NextFunction): Promise<void> => {
      res.locals['route'] = name
      if (req.method === 'HEAD' && route.head === false) return sendNotAllowed(res, routes, route)
      const entering = access.enter(route, res)
      const entered = entering instanceof Promise ? await entering : entering
      if (entered === null) return
      if (isFailure(entered)) return sendFailure(res, entered)
      res.locals['entered'] = entered
      next()
    }
    const serve = async (req: Request, res: Response): Promise<void> => {
      const call = readCall(route, req, res)
      if (isFailure(call)) return sendFailure(res, call)
      const why = access.check(route, call)
      const denied = why instanceof Promise ? await why : why
      if (denied) sendFailure(res, denied)
      else sendAnswer(res, await route.handle(call))
    }
    if (route.method === 'GET') app.get(path, enter, serve)
    else app.post(path, enter, room(bodyLimit(route)), bodyReader(route), serve)
  }
  for (const route of routes)
    app.all(expressPath(route), (_req, res) => sendNotAllowed(res, routes, route))
}

const expressPath = (route: Route): string => route.path.replaceAll(/\{(\w+)\}/g, ':$1')

/** Bodies are taken whole, uncompressed, whatever they call themselves; fields.ts says what they are. */
const bodyReader = (route: Route) =>
  express.raw({
    type: () => true,
    inflate: false,
    limit: bodyLimit(route),
  })

const bodyLimit = (route: Route): number => route.json?.limit_bytes ?? MAX_FORM_BYTES

function readCall(route: Route, req: Request, res: Response): Call | Failure {
  const body: unknown = req.body
  const bytes = body instanceof Uint8Array ? body : new Uint8Array()
  const fields = readFields(route, req, bytes)
  if (isFailure(fields)) return fields
  const path = (name: string): string => {
    const value = req.params[name]
    if (typeof value !== 'string') throw new Error(`${route.path} has no ${name}`)
    return value
  }
  const { who, trail } = res.locals['entered'] as Entered
  return { req, res, fields, body: bytes, path, who, trail }
}

function readFields(route: Route, req: Request, body: Uint8Array): Fields | Failure {
  const cut = req.url.indexOf('?')
  const query = readQuery(cut < 0 ? '' : req.url.slice(cut + 1))
  if (isFailure(query)) return query
  const form = route.json ? new Map() : readBody(req.headers['content-type'], body)
  if (isFailure(form)) return form
  const fields = mergeFields(query, form)
  return isFailure(fields) ? fields : (unknownField(route, fields) ?? fields)
}

function unknownField(route: Route, fields: Fields): Failure | null {
  if (route.open !== undefined) return null
  const known = route.fields.map((field) => field.name)
  const unknown = [...fields.keys()].find((name) => !known.includes(name))
  if (unknown === undefined) return null
  const near = nearestName(unknown, known)
  const all = known.length > 0 ? `known are: ${known.join(', ')}` : 'it takes none'
  return badRequest(`unknown parameter ${quoted(unknown)}`, near ? `did you mean ${near}?` : all)
}

function sendNotAllowed(res: Response, routes: readonly Route[], route: Route): void {
  const same = routes.filter((other) => other.path === route.path)
  const allowed = same.flatMap(({ method, head }) =>
    method === 'GET' && head !== false ? ['GET', 'HEAD'] : [method],
  )
  res.locals['route'] = `other ${route.path}`
  res.set('Allow', allowed.join(', '))
  sendFailure(res, failure(405, 'method_not_allowed', `this path takes ${allowed.join(', ')} only`))
}
