/**
 * What every request passes before any route: headers that all answers share, and bounds that all requests keep.
 * This is also where requests will be told apart by Host, origin and token.
 */
import type { NextFunction, Request, Response } from 'express'
import { badRequest, failure } from './failure.ts'
import { sendFailure } from './reply.ts'

const MAX_URL_BYTES = 64 * 1024

export function guard(req: Request, res: Response, next: NextFunction): void {
  res.set('Cache-Control', 'no-store')
  res.set('X-Content-Type-Options', 'nosniff')
  if (req.url.length > MAX_URL_BYTES) {
    const hint = 'send long values in the body of a POST'
    return sendFailure(res, failure(414, 'url_too_long', 'the URL is longer than 64 KiB', hint))
  }
  // Anything else in a request line would be read differently by whoever stands between.
  if (!/^\/[!-~]*$/.test(req.url)) {
    const hint = 'percent-encode what is not ASCII: curl -G --data-urlencode "name=value" …'
    return sendFailure(res, badRequest('the URL is not plain ASCII', hint))
  }
  // Node reads the first of several; whoever stands between may have read another.
  if ((req.headersDistinct['host']?.length ?? 0) > 1)
    return sendFailure(res, badRequest('the request has more than one Host header'))
  next()
}

/** `http://host:port` as the client wrote it, or null when its Host header is no name that could stand in a URL. */
export function originOf(req: Request): string | null {
  const host = req.headers.host ?? ''
  return /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})?|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/.test(
    host,
  )
    ? `http://${host}`
    : null
}
