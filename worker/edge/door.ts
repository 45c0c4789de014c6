/**
 * The worker's way to the broker: one dialled door, and the pub/sub socket for broadcasts.
 *
 * It knows nothing of what the messages mean but the session, which every frame carries.
 */
import type { Log } from '../../common/daemon/log.ts'
import type { DaemonKey } from '../../common/keys/key-file.ts'
import { proofOf } from '../../common/keys/proof.ts'
import { brokerAddresses } from '../../common/link/address.ts'
import type { DealerLink } from '../../common/link/dealer.ts'
import { openDealer } from '../../common/link/dealer.ts'
import type { SubscriberLink } from '../../common/link/subscriber.ts'
import { openSubscriber } from '../../common/link/subscriber.ts'
import { decodeFrame, type Skipped } from '../../common/protocol/codec.ts'
import { Published } from '../../common/protocol/feed.ts'
import type { FromWorker, Hello } from '../../common/protocol/worker-door.ts'
import { Accepted, ToWorker } from '../../common/protocol/worker-door.ts'
import type { Event } from '../core/event.ts'
import { gather } from './gather.ts'

export type Door = {
  send(message: FromWorker): void
  /** Drops what was to be said in an earlier session, and greets. */
  hello(hello: Hello): void
  /** A session stands. */
  welcomed(session: string, feed: string | null, channels: Readonly<Record<string, string>>): void
  /** Gives the connection up and dials again. */
  redial(): void
  /** After what was sent has left, or a moment has passed. */
  close(): Promise<void>
}

type DoorOptions = {
  /** Of the worker door: `tcp://host:port`. */
  readonly address: string
  /** Null: the broker lets everybody in. */
  readonly key: DaemonKey | null
  readonly onEvent: (event: Event) => void
  readonly log: Log
}

export function openDoor(options: DoorOptions): Door {
  const { address, key, onEvent, log } = options
  let session: string | null = null
  /** What is to be said once the broker has made its challenge. */
  let greeting: Hello | null = null
  let dealer: DealerLink
  const outbox = gather<FromWorker>((messages) => {
    for (const message of messages) dealer.send(message)
  })

  const drop = (): void => {
    session = null
    outbox.clear()
    dealer.clear()
  }
  const prove = (challenge: string): void => {
    if (greeting === null || key === null) return
    const { name, instance } = greeting
    const claim = { door: 'worker', challenge, name, instance } as const
    const mac = proofOf(key.secret_key, key.broker_key, claim) ?? ''
    dealer.send({ ...greeting, proof: { key: key.public_key, challenge, mac } })
    greeting = null
  }
  const dial = (): DealerLink =>
    openDealer({
      address,
      key,
      onShut: (why) => log.error(why),
      opening: () => (session === null ? [] : [{ kind: 'session', session }]),
      onTooLarge: (message, bytes) => {
        log.error('a message was too large for a frame', { bytes })
        const told = message as FromWorker
        // An outcome must get through; what the command wrote for the next step is what made it large.
        if (told.kind === 'ended' && Object.keys(told.output).length > 0)
          dealer.send({
            ...told,
            output: {},
            message: `its output values take ${bytes} bytes, too many to report`,
          })
      },
      onFrame: (frame) => hear(frame, options, prove),
      onConnect: () => onEvent({ kind: 'connected' }),
      onDisconnect: () => {
        drop()
        onEvent({ kind: 'disconnected' })
      },
    })
  const feed = createFeed(options)

  dealer = dial()
  return {
    send: outbox.add,
    hello: (hello) => {
      drop()
      greeting = key === null ? null : hello
      dealer.send(key === null ? hello : { kind: 'knock', protocol: hello.protocol })
    },
    welcomed: (fresh, feedAddress, channels) => {
      session = fresh
      feed.follow(feedAddress ?? brokerAddresses(address)?.feed ?? null, Object.values(channels))
    },
    redial: () => {
      drop()
      void dealer.close()
      dealer = dial()
    },
    close: async () => {
      feed.close()
      outbox.flush()
      await dealer.close()
    },
  }
}

function hear(
  frame: Buffer,
  { onEvent, log }: Pick<DoorOptions, 'onEvent' | 'log'>,
  prove: (challenge: string) => void,
): void {
  const decoded = decodeFrame(ToWorker, frame)
  if (decoded.kind === 'garbage')
    return log.warn('a frame of the broker cannot be read', { why: decoded.reason })
  for (const message of decoded.messages)
    if (message.kind === 'challenge') prove(message.challenge)
    else onEvent({ kind: 'heard', message })
  for (const skipped of decoded.skipped) {
    log.warn('a message of the broker cannot be read: is it newer than this worker?', {
      why: skipped.reason,
    })
    const event = unreadableTask(skipped)
    if (event) onEvent(event)
  }
}

/** Which attempt a task is for that cannot be read; null when that cannot be read either, or it is no task. */
function unreadableTask({ message, reason }: Skipped): Event | null {
  const { kind, deliver } = Object(message) as { kind?: unknown; deliver?: unknown }
  const ref = Accepted.omit({ kind: true }).safeParse(message)
  if (kind !== 'task' || !ref.success) return null
  return {
    kind: 'unreadable_task',
    ref: ref.data,
    takes_credit: deliver !== 'all',
    why: reason,
  }
}

/** Follows the channels that the last welcome named, at the address that it named. */
function createFeed(options: Pick<DoorOptions, 'key' | 'onEvent' | 'log'>): {
  follow(address: string | null, channels: readonly string[]): void
  close(): void
} {
  let dialled: string | null = null
  let subscriber: SubscriberLink | null = null
  let subscribed = new Set<string>()

  const onFrame = (_channel: string, frame: Buffer): void => {
    const decoded = decodeFrame(Published, frame)
    if (decoded.kind === 'garbage')
      return options.log.warn('a broadcast cannot be read', { why: decoded.reason })
    for (const message of decoded.messages)
      if (message.kind === 'task') options.onEvent({ kind: 'broadcast', task: message })
  }
  return {
    follow: (address, channels) => {
      if (address !== dialled) {
        subscriber?.close()
        subscribed = new Set()
        subscriber =
          address === null ? null : openSubscriber({ address, key: options.key, onFrame })
        dialled = address
      }
      const wanted = new Set(channels)
      for (const channel of wanted) if (!subscribed.has(channel)) subscriber?.subscribe(channel)
      for (const channel of subscribed) if (!wanted.has(channel)) subscriber?.unsubscribe(channel)
      subscribed = wanted
    },
    close: () => subscriber?.close(),
  }
}
