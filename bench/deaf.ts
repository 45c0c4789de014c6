/**
 * Readers that do not read: subscribers of the broker's feed, or event streams of the frontend.
 * `node bench/deaf.ts feed|events ADDRESS COUNT`.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { Subscriber } from 'zeromq'

const [kind = '', address = '', count = '0'] = process.argv.slice(2)
/** Held, so that none is collected. */
const held: unknown[] = []

async function subscribe(): Promise<void> {
  const socket = new Subscriber({ receiveHighWaterMark: 1, linger: 0 })
  socket.subscribe('')
  await new Promise<void>((resolve) => {
    socket.events.on('handshake', () => resolve())
    socket.connect(address)
  })
  held.push(socket)
}

async function follow(): Promise<void> {
  const { hostname, port, host } = new URL(address)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.pause()
  socket.write(`GET /api/events HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  // A stream that was cut off comes back, as a browser's does.
  socket.on('close', () => void follow())
  socket.on('error', () => undefined)
  held.push(socket)
}

for (let n = 0; n < Number(count); n++) await (kind === 'feed' ? subscribe() : follow())
process.stdout.write('ready\n')
process.on('SIGTERM', () => process.exit(0))
// Sockets that are paused, or that nobody reads, keep no process alive.
setInterval(() => undefined, 60_000)
