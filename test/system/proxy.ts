/**
 * A network that can be broken on purpose: a TCP proxy before a broker's three doors, which are neighbouring ports on
 * both sides, so that a daemon takes it for the broker.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'

/** `up` is from the daemons to the broker. */
export type Direction = 'up' | 'down'
export type Proxy = {
  /** For `--broker`: the worker door's. */
  readonly address: string
  /** Ends every connection on both sides, whatever is on its way; new ones are taken. Returns how many there were. */
  cut(): number
  /** A half-open network: connections stand, new ones are accepted, and nothing passes. */
  freeze(...directions: Direction[]): void
  /** Everything takes so much longer, in both directions. */
  delay(ms: number): void
  /** Ends every connection, and new ones at once. */
  refuse(): void
  /** Lets so many more bytes through in this direction, over all connections, then ends them: mid frame. */
  cutAfter(direction: Direction, bytes: number): void
  /** Everything passes again, what was held back first. */
  heal(): void
  /** That stand now. */
  connections(): number
  /** That were ended so far. */
  cuts(): number
  close(): Promise<void>
}

type Condition = {
  readonly frozen: Set<Direction>
  delay_ms: number
  refusing: boolean
  /** What may still pass before everything is cut; null is no bound. */
  left: { direction: Direction; bytes: number } | null
}
type Pipe = { readonly ends: readonly [Socket, Socket]; flow(): void }

const DOORS = 3

/** Listens on `port` and the two after it, for a broker on `target` and the two after that. */
export async function openProxy(port: number, target: number): Promise<Proxy> {
  const condition: Condition = { frozen: new Set(), delay_ms: 0, refusing: false, left: null }
  const pipes = new Set<Pipe>()
  let cuts = 0
  // Not by resetAndDestroy: on a socket that is just shutting down it leaves a handle that never closes.
  const cut = (): number => {
    const { size } = pipes
    cuts += size
    for (const { ends } of pipes) for (const end of ends) end.destroy()
    pipes.clear()
    return size
  }
  const take = (client: Socket, to: number): void => {
    if (condition.refusing) return void client.on('error', ignore).destroy()
    const pipe = join(client, connect(to, '127.0.0.1'), condition, cut)
    pipes.add(pipe)
    for (const end of pipe.ends)
      end.once('close', () => {
        if (pipe.ends.every((one) => one.destroyed)) pipes.delete(pipe)
      })
  }
  const servers = await Promise.all(
    Array.from({ length: DOORS }, (_, n) => listen(port + n, (client) => take(client, target + n))),
  )
  const flow = (): void => {
    for (const pipe of pipes) pipe.flow()
  }
  return {
    address: `tcp://127.0.0.1:${port}`,
    cut,
    freeze: (...directions) => {
      for (const one of directions.length > 0 ? directions : BOTH) condition.frozen.add(one)
      flow()
    },
    delay: (ms) => {
      condition.delay_ms = ms
    },
    refuse: () => {
      condition.refusing = true
      cut()
    },
    cutAfter: (direction, bytes) => {
      condition.left = { direction, bytes }
    },
    heal: () => {
      condition.frozen.clear()
      Object.assign(condition, { delay_ms: 0, refusing: false, left: null })
      flow()
    },
    connections: () => pipes.size,
    cuts: () => cuts,
    close: async () => {
      condition.refusing = true
      cut()
      await Promise.all(
        servers.map((server) => new Promise((resolve) => void server.close(resolve))),
      )
    },
  }
}

const BOTH: readonly Direction[] = ['up', 'down']
const ignore = (): void => undefined

const listen = (port: number, take: (client: Socket) => void): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, take)
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })

/** Two sockets that carry each other's bytes, as far as the network's condition lets them. */
function join(client: Socket, broker: Socket, condition: Condition, cut: () => void): Pipe {
  broker.setNoDelay(true)
  const ways = [
    carry(client, broker, 'up', condition, cut),
    carry(broker, client, 'down', condition, cut),
  ]
  const flow = (): void => {
    for (const way of ways) way()
  }
  flow()
  return { ends: [client, broker], flow }
}

/** Returns what to call when the condition has changed. */
function carry(
  from: Socket,
  to: Socket,
  direction: Direction,
  condition: Condition,
  cut: () => void,
): () => void {
  /** What came and has not passed yet, in order; null is the end of the stream. */
  const waiting: { readonly at_ms: number; readonly data: Buffer | null }[] = []
  let timer: NodeJS.Timeout | null = null

  const pass = (data: Buffer | null): void => {
    const { left } = condition
    if (data === null) return void to.end()
    if (left?.direction !== direction) return void to.write(data)
    const part = data.subarray(0, left.bytes)
    left.bytes -= part.length
    if (left.bytes > 0) return void to.write(part)
    condition.left = null
    // The bytes must be on their way before the end, which throws away what is not.
    to.write(part, () => setImmediate(cut))
  }
  const flow = (): void => {
    const frozen = condition.frozen.has(direction)
    if (frozen) from.pause()
    else from.resume()
    if (timer) clearTimeout(timer)
    timer = null
    if (frozen) return
    while (waiting[0] && waiting[0].at_ms <= performance.now()) pass(waiting.shift()?.data ?? null)
    if (waiting[0]) timer = setTimeout(flow, Math.max(0, waiting[0].at_ms - performance.now()))
    else if (from.destroyed) to.destroySoon()
  }
  const came = (data: Buffer | null): void => {
    waiting.push({ at_ms: performance.now() + condition.delay_ms, data })
    flow()
  }
  from.on('data', came)
  from.on('end', () => came(null))
  from.on('error', ignore)
  // A frozen network hides even that the other side is gone.
  from.once('close', flow)
  return flow
}
