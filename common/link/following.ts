/**
 * Follows channels of the feed for a client. Where there are keys, channels have names that nobody can guess: they are asked for at the client
 * door, and asked for anew whenever the client has come in there, since they are other ones then.
 */
import type { SubscribeAnswer } from '../protocol/answers.ts'
import type { DialKey } from './curve.ts'
import type { RequestLink } from './request.ts'
import { openSubscriber, type SubscriberLink } from './subscriber.ts'

export type FollowingOptions = {
  readonly address: string
  readonly key: DialKey | null
  readonly requests: RequestLink
  /** With the channel's own name where there are no keys, else with one of those that were asked for. */
  readonly onFrame: (channel: string, frame: Buffer) => void
  readonly onConnect: () => void
}

export function openFollowing(options: FollowingOptions): SubscriberLink {
  return options.key === null ? openSubscriber(options) : followByName(options)
}

/** Names that could not be had are asked for again after so long. */
const AGAIN_MS = 2_000

function followByName({ requests, ...options }: FollowingOptions): SubscriberLink {
  const wanted = new Map<string, number>()
  let names = new Map<string, string>()
  let channels = new Map<string, string>()
  let ended = false
  const subscriber = openSubscriber({
    ...options,
    onFrame: (name, frame) => {
      const channel = channels.get(name)
      if (channel !== undefined) options.onFrame(channel, frame)
    },
  })
  const ask = async (asked: readonly string[]): Promise<void> => {
    if (asked.length === 0 || ended) return
    const answered = await requests.request({ kind: 'subscribe', channels: [...asked] })
    if (answered.kind !== 'answered')
      return void setTimeout(() => void ask(asked), AGAIN_MS).unref()
    const given = new Map(Object.entries((answered.result as SubscribeAnswer).names))
    for (const channel of asked) {
      const name = given.get(channel)
      if (name === undefined || names.has(channel)) continue
      names.set(channel, name)
      channels.set(name, channel)
      if (wanted.has(channel)) subscriber.subscribe(name)
    }
    // What came before there was a name is looked for elsewhere.
    options.onConnect()
  }
  requests.onIn(() => {
    for (const [channel, name] of names) if (wanted.has(channel)) subscriber.unsubscribe(name)
    names = new Map()
    channels = new Map()
    void ask([...wanted.keys()])
  })
  return {
    subscribe: (given) => {
      const channel = followed(given)
      const times = wanted.get(channel) ?? 0
      wanted.set(channel, times + 1)
      if (times > 0) return
      const name = names.get(channel)
      if (name === undefined) void ask([channel])
      else subscriber.subscribe(name)
    },
    unsubscribe: (given) => {
      const channel = followed(given)
      const times = wanted.get(channel) ?? 0
      if (times > 1) return void wanted.set(channel, times - 1)
      const name = names.get(channel)
      if (wanted.delete(channel) && name !== undefined) subscriber.unsubscribe(name)
    },
    close: () => {
      ended = true
      subscriber.close()
    },
  }
}

/** The output of every run is followed under one name: to ask for one for each would take longer than many runs do. */
const followed = (channel: string): string => (channel.startsWith('output.') ? 'output.' : channel)
