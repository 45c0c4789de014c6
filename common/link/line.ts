/**
 * A socket that dials, and goes on dialling. ZeroMQ reconnects by itself when a connection breaks, and gives up for ever when the
 * other end refuses the handshake; but a key that is refused may be authorised later, so a new socket is dialled then.
 */
import type { Socket } from 'zeromq'
import type { DialKey } from './curve.ts'

type Dialled = Socket & { connect(address: string): void }

export type LineOptions<S extends Dialled> = {
  readonly address: string
  readonly key: DialKey | null
  /** Makes a socket that is not connected yet. */
  readonly make: () => S
  /** Reads from it until it is closed. */
  readonly receive: (socket: S) => Promise<void>
  readonly onConnect?: (() => void) | undefined
  readonly onDisconnect?: (() => void) | undefined
  /** The broker's door is shut, and why; said once until it opens. */
  readonly onShut?: ((why: string) => void) | undefined
}

export type Line<S> = {
  /** The socket of now: closed for a moment after the door was shut. */
  socket(): S
  close(): void
}

/** How long a door that was shut is left alone. */
const SHUT_MS = 2_000

export function dial<S extends Dialled>(options: LineOptions<S>): Line<S> {
  const { address, key, make, receive } = options
  let ended = false
  let is_shut = false
  let again: NodeJS.Timeout | null = null
  const shut = (why: string): void => {
    if (!is_shut) options.onShut?.(`the broker at ${address} does not let this in: ${why}`)
    is_shut = true
  }
  const connect = (): S => {
    const socket = make()
    const redial = (why: string): void => {
      shut(why)
      socket.close()
      if (!ended)
        again = setTimeout(() => {
          if (!ended) current = connect()
        }, SHUT_MS)
    }
    socket.events.on('handshake', () => {
      is_shut = false
      options.onConnect?.()
    })
    socket.events.on('disconnect', () => options.onDisconnect?.())
    socket.events.on('handshake:error:auth', () => redial(REFUSED))
    socket.events.on('handshake:error:protocol', () => redial(key === null ? NO_KEY : OTHER_SPEECH))
    // Dialled again by ZeroMQ itself.
    socket.events.on('handshake:error:other', () => (key === null ? undefined : shut(OTHER_KEY)))
    socket.connect(address)
    void receive(socket)
    return socket
  }
  let current = connect()
  return {
    socket: () => current,
    close: () => {
      ended = true
      if (again) clearTimeout(again)
      current.close()
    },
  }
}

const REFUSED =
  'its key is not authorised there, or not for this door; it is tried again (see `jobz keys`)'
const NO_KEY = 'it wants a key, and none was given: --key FILE'
const OTHER_SPEECH = 'it has no keys, and this was started with one'
const OTHER_KEY =
  'it broke off the handshake: is broker_key in the key file the public_key of its broker.key?'
