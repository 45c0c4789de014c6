/**
 * By which names this frontend may be called. A web page can give its own name our address (DNS rebinding) and would
 * then be of the same origin as we are; the Host header still says the page's name, which is not in the list.
 */
import type { IncomingMessage } from 'node:http'
import { hostname } from 'node:os'
import { isLoopback } from '../../common/link/address.ts'

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

const isAll = (host: string): boolean => host === '0.0.0.0' || host === '::'

/**
 * @param listen The host that is listened on.
 * @param more Names that were given by hand.
 */
export function hostCheck(
  listen: string,
  more: readonly string[],
): (req: IncomingMessage) => boolean {
  const own = isLoopback(literal(listen))
    ? LOOPBACK
    : isAll(listen)
      ? [...LOOPBACK, hostname()]
      : [hostname()]
  const names = new Set([literal(listen), ...own, ...more].map((name) => name.toLowerCase()))
  // Most requests come by the same name as the one before.
  let last = ''
  return (req) => {
    const host = req.headers.host ?? ''
    if (host === last && host !== '') return true
    const name = nameIn(host)
    if (name === null) return false
    // An address has no name to be rebound: the connection's own one is always right.
    if (name === literal(plain(req.socket.localAddress ?? ''))) return true
    if (!names.has(name)) return false
    last = host
    return true
  }
}

/** The name in a Host header, without its port; null when it is none. */
function nameIn(host: string): string | null {
  const [, name] =
    /^([a-z0-9](?:[a-z0-9._-]{0,252})?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i.exec(host) ?? []
  return name?.toLowerCase() ?? null
}

const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/, '')
/** As an address stands in a URL. */
const literal = (address: string): string => (address.includes(':') ? `[${address}]` : address)
