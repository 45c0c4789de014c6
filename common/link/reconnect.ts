/**
 * How a socket dials again. ZeroMQ waits `reconnectInterval`, then twice that, and so on up to `reconnectMaxInterval`, and adds no
 * chance of its own to it. So the first wait of each socket is drawn here: doubled again and again, a difference of
 * milliseconds is one of seconds, and five hundred workers whose broker was away come back one after another.
 */

const LEAST_MS = 100
const MOST_MS = 300
const LONGEST_MS = 2_000

/** Options of a socket that dials. */
export const reconnecting = (): { reconnectInterval: number; reconnectMaxInterval: number } => ({
  reconnectInterval: LEAST_MS + Math.floor(Math.random() * (MOST_MS - LEAST_MS)),
  reconnectMaxInterval: LONGEST_MS,
})
