/** What every request passes before any route: headers that all answers share, and bounds that all requests keep. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { NextFunction, Request, Response } from 'express'
import helmet from 'helmet'
import { wrongHost } from './access/refusals.ts'
import { badRequest, failure } from './failure.ts'
import { sendFailure } from './reply.ts'

const MAX_URL_BYTES = 64 * 1024
/** Node drops those beyond its own bound without a word, so that is one more. */
export const MAX_HEADERS = 100

/**
 * @param isOurHost Whether the Host header is one of ours.
 * @param isSecure Whether browsers may be told to come by HTTPS alone.
 */
export function createGuard(isOurHost: (req: IncomingMessage) => boolean, isSecure: boolean) {
  const headers = answerHeaders(isSecure)
  return (req: Request, res: Response, next: NextFunction): void => {
    for (const [name, value] of headers) res.setHeader(name, value)
    if (req.url.length > MAX_URL_BYTES) {
      const hint = 'send long values in the body of a POST'
      return sendFailure(res, failure(414, 'url_too_long', 'the URL is longer than 64 KiB', hint))
    }
    // Anything else in a request line would be read differently by whoever stands between.
    if (!/^\/[!-~]*$/.test(req.url)) {
      const hint = 'percent-encode what is not ASCII: curl -G --data-urlencode "name=value" …'
      return sendFailure(res, badRequest('the URL is not plain ASCII', hint))
    }
    if (req.rawHeaders.length > 2 * MAX_HEADERS)
      return sendFailure(res, failure(431, 'headers_too_large', `more than ${MAX_HEADERS} headers`))
    // Node reads the first of several; whoever stands between may have read another.
    if ((req.headersDistinct['host']?.length ?? 0) > 1)
      return sendFailure(res, badRequest('the request has more than one Host header'))
    if (!isOurHost(req)) return sendFailure(res, wrongHost())
    next()
  }
}

/**
 * The same headers for each answer: no browser is to show one inside a page, to run or load anything because of one, or
 * to guess at what it might be. Helmet makes them once.
 */
function answerHeaders(isSecure: boolean): [string, string][] {
  const headers: [string, string][] = [['Cache-Control', 'no-store']]
  const none = ["'none'"]
  const policy = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': none,
        'frame-ancestors': none,
        'base-uri': none,
        'form-action': none,
        sandbox: [],
      },
    },
    // Of this name alone: browsers keep it for all ports of a host, and what its other names serve is not ours to say.
    strictTransportSecurity: isSecure ? { includeSubDomains: false } : false,
    xFrameOptions: { action: 'deny' },
    // What only Flash and browsers of long ago know of.
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
    originAgentCluster: false,
  })
  const written = {
    setHeader: (name: string, value: string) => headers.push([name, value]),
    removeHeader: () => undefined,
  }
  policy({} as IncomingMessage, written as unknown as ServerResponse, () => undefined)
  return headers
}

/** `http://host:port` as the client wrote it. The guard has seen that it is one of our names. */
export const originOf = (req: Request): string => `${req.protocol}://${req.headers.host}`
