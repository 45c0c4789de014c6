/**
 * The signs of a web page that wants to change something here. It may stand anywhere and run in the browser of somebody
 * who reaches this frontend, so it is refused whatever it knows; curl and scripts show none of these signs.
 */
import type { IncomingMessage } from 'node:http'

const PREFETCH = /prefetch|prerender|preview/i

/** What gives a web page away, in words; null when nothing does. */
export function signOfBrowser({ headers }: IncomingMessage): string | null {
  if (headers.origin !== undefined) return 'it has an Origin header'
  if (headers.cookie !== undefined) return 'it has a Cookie header'
  if (headers.referer !== undefined) return 'it has a Referer header'
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'none' && site !== 'same-origin')
    return 'its Sec-Fetch-Site is neither none nor same-origin'
  const purpose = headers['sec-purpose'] ?? headers['purpose'] ?? headers['x-moz']
  return purpose !== undefined && PREFETCH.test(String(purpose)) ? 'it is a prefetch' : null
}
