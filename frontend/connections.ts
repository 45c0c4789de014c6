/** How many connections there may be, in all and of one address (IPv6: of one network): each holds a socket, whether it says something or not. */
import type { Server as HttpServer } from 'node:http'
import type { Socket } from 'node:net'
import { networkOf } from './access/network.ts'

export type ConnectionBounds = {
  readonly in_all: number
  /** Of one address; this machine's own are counted in all only, since proxies and scripts are many clients. */
  readonly of_one: number
}

export const CONNECTION_BOUNDS: ConnectionBounds = { in_all: 20_000, of_one: 2_000 }

/** Ends at once what is one too many. */
export function boundConnections(
  server: HttpServer,
  { in_all, of_one }: ConnectionBounds,
  isOwn: (address: string) => boolean = isThisMachine,
): void {
  server.maxConnections = in_all
  const open = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    if (isOwn(address)) return
    const from = networkOf(address)
    const count = open.get(from) ?? 0
    if (count >= of_one) {
      socket.destroy()
      return
    }
    open.set(from, count + 1)
    socket.once('close', () => {
      const left = (open.get(from) ?? 1) - 1
      if (left > 0) open.set(from, left)
      else open.delete(from)
    })
  })
}

const isThisMachine = (address: string): boolean =>
  address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
