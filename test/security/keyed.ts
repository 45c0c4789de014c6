/** A cluster whose broker has keys, and peers at its doors that can be told to do what no daemon of ours would. */
import { rmSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { curveKeyPair, Dealer, Subscriber } from 'zeromq'
import { addKey, authorisedPath, keyPath, makeBrokerKey } from '../../common/keys/folder.ts'
import type { DaemonKey, KeyRole } from '../../common/keys/key-file.ts'
import { proofOf } from '../../common/keys/proof.ts'
import { makeCluster } from '../system/cluster.ts'
import type { Process } from '../system/launch.ts'

export type Message = Readonly<Record<string, unknown>> & { readonly kind: string }

/** Keys of every role, and daemons that have them. */
export async function makeKeyedCluster(t: ExecutionContext, yaml: string) {
  const cluster = await makeCluster(t, yaml)
  const folder = cluster.file('keys')
  const made = makeBrokerKey(folder)
  if (made.kind !== 'key') throw new Error(made.kind)
  const broker_key = made.key.public_key
  const add = (
    name: string,
    role: KeyRole,
    rest: { readonly topics?: string[]; readonly workers?: string[] } = {},
  ): DaemonKey => addKey(folder, broker_key, { name, role, ...rest })
  const keys = {
    worker: add('web1', 'worker'),
    semaphore: add('sem', 'semaphore'),
    frontend: add('front', 'frontend'),
    client: add('lib', 'client'),
  }
  const launch = (args: readonly string[], ...more: string[]): Promise<Process> =>
    cluster.launch([...args, ...more])
  return {
    ...cluster,
    keys,
    add,
    broker_key,
    keysFolder: folder,
    doors: { ...cluster.doors, feed: cluster.doors.client.replace(/\d+$/, (n) => `${+n + 1}`) },
    /** The broker reads the folder again within a second. */
    revoke: (name: string): void => rmSync(authorisedPath(folder, name)),
    broker: () => launch(cluster.args.broker, '--keys', folder),
    worker: (name = 'web1') => launch(cluster.args.worker(name), '--key', keyPath(folder, name)),
    semaphore: () => launch(cluster.args.semaphore, '--key', keyPath(folder, 'sem')),
    frontend: () => launch(cluster.args.frontend, '--key', keyPath(folder, 'front')),
  }
}

/** What a peer comes with; null is nothing at all. */
export type Ticket = Pick<DaemonKey, 'public_key' | 'secret_key' | 'broker_key'> | null

/** A key that nobody knows. */
export function strangerFor(broker_key: string): NonNullable<Ticket> {
  const { publicKey: public_key, secretKey: secret_key } = curveKeyPair()
  return { public_key, secret_key, broker_key }
}

const curve = (ticket: Ticket): object =>
  ticket === null
    ? {}
    : {
        curvePublicKey: ticket.public_key,
        curveSecretKey: ticket.secret_key,
        curveServerKey: ticket.broker_key,
      }

/** How a handshake came out: `in`, or the name of the event that says how it did not. */
export async function handshake(
  t: ExecutionContext,
  address: string,
  ticket: Ticket,
  make: (options: object) => Dealer | Subscriber = (options) => new Dealer(options),
): Promise<string> {
  const socket = make({ linger: 0, ...curve(ticket) })
  t.teardown(() => socket.close())
  const outcome = new Promise<string>((resolve) => {
    const { events } = socket
    events.on('handshake', () => resolve('in'))
    for (const how of ['auth', 'protocol', 'other'] as const)
      events.on(`handshake:error:${how}`, () => resolve(how))
  })
  socket.connect(address)
  const how = await outcome
  socket.close()
  return how
}

/** A peer at a door that says what it is told to. */
export type Peer = {
  send(...messages: readonly object[]): Promise<void>
  /** The next message for it. */
  next(): Promise<Message>
  /** The next message of this kind; what comes before it is passed over. */
  hear(kind: string): Promise<Message>
  close(): void
}

export function dial(t: ExecutionContext, address: string, ticket: Ticket): Peer {
  const socket = new Dealer({ linger: 0, receiveTimeout: 20_000, ...curve(ticket) })
  t.teardown(() => socket.close())
  socket.connect(address)
  const waiting: Message[] = []
  const next = async (): Promise<Message> => {
    while (waiting.length === 0) {
      const [frame] = await socket.receive()
      waiting.push(...(JSON.parse(frame?.toString() ?? '[]') as Message[]))
    }
    return waiting.shift() as Message
  }
  return {
    send: (...messages) => socket.send(JSON.stringify(messages)),
    next,
    hear: async (kind) => {
      for (;;) {
        const message = await next()
        if (message.kind === kind) return message
      }
    },
    close: () => socket.close(),
  }
}

/** A hello with its proof, as each door wants it. */
export function helloFor(
  door: 'worker' | 'client',
  ticket: NonNullable<Ticket>,
  challenge: string,
  name: string,
  rest: object = {},
): Message {
  const instance = door === 'worker' ? `instance of ${name}` : ''
  const mac = proofOf(ticket.secret_key, ticket.broker_key, { door, challenge, name, instance })
  const proof = { key: ticket.public_key, challenge, mac }
  const hello = { kind: 'hello', protocol: 1, version: 'test', name, proof }
  if (door === 'client') return hello
  const idle = { slots: 1, credit: 1, cards: [], lanes: {}, held: [], reload_error: null }
  return { ...hello, instance, ...idle, ...rest }
}

/** Comes in as a daemon does; gives the session, and the whole welcome. */
export async function comeIn(
  peer: Peer,
  door: 'worker' | 'client',
  ticket: NonNullable<Ticket>,
  name: string,
  rest: object = {},
): Promise<{ session: string; welcome: Message }> {
  await peer.send({ kind: 'knock', protocol: 1 })
  const { challenge } = await peer.hear('challenge')
  await peer.send(helloFor(door, ticket, String(challenge), name, rest))
  const welcome = await peer.hear('welcome')
  return { session: String(welcome['session']), welcome }
}

/** Follows names at the pub/sub socket; gives what came so far. */
export function follow(
  t: ExecutionContext,
  address: string,
  ticket: Ticket,
  names: readonly string[],
): { readonly came: string[]; close(): void } {
  const socket = new Subscriber({ linger: 0, ...curve(ticket) })
  t.teardown(() => socket.close())
  socket.connect(address)
  socket.subscribe(...names)
  const came: string[] = []
  const read = async (): Promise<void> => {
    for await (const parts of socket) came.push(parts.map(String).join(' '))
  }
  void read()
  return { came, close: () => socket.close() }
}
