/**
 * The names of channels at the pub/sub socket. ZeroMQ does not say who subscribes, so where there are keys, a channel has a name that only those know
 * whom it was given to, and a subscription is granted when it is, as a whole, a name that was given out.
 *
 * After a key was taken away all names are made anew: what its holder still subscribes to carries nothing any more.
 */
import { createHmac, randomBytes } from 'node:crypto'

export type Channels = {
  /** The name of a channel, for somebody who may follow it; null when there are too many already. */
  give(channel: string): string | null
  /** Under which names something about a channel goes out. A channel `run.` carries what `run.failed.load.` does. */
  namesFor(channel: string): readonly string[]
  /** Whether a subscription to it is granted; null when all are, as ZeroMQ does it by itself. */
  readonly grants: ((name: string) => boolean) | null
  /** Makes all names anew. */
  rename(): void
}

/** Without keys: names are what they name, and whoever reaches the socket follows what it wants. */
export const openChannels: Channels = {
  give: (channel) => channel,
  namesFor: (channel) => [channel],
  grants: null,
  rename: () => undefined,
}

/** As many different channels as all jobs and states make, and room. */
const MOST = 100_000

export function secretChannels(): Channels {
  let secret = randomBytes(32)
  let names = new Map<string, string>()
  let channels = new Map<string, string>()
  return {
    give: (channel) => {
      const known = names.get(channel)
      if (known !== undefined) return known
      if (names.size >= MOST) return null
      const name = createHmac('sha256', secret).update(channel).digest('base64url')
      names.set(channel, name)
      channels.set(name, channel)
      return name
    },
    namesFor: (channel) => prefixesOf(channel).flatMap((prefix) => names.get(prefix) ?? []),
    grants: (name) => channels.has(name),
    rename: () => {
      secret = randomBytes(32)
      names = new Map()
      channels = new Map()
    },
  }
}

/** `run.failed.load.` is followed under `run.`, `run.failed.` and by itself; a broadcast of tasks only by itself. */
function prefixesOf(channel: string): string[] {
  if (channel.startsWith('task.')) return [channel]
  const ends: number[] = []
  for (let at = channel.indexOf('.'); at !== -1; at = channel.indexOf('.', at + 1))
    ends.push(at + 1)
  return ends.map((end) => channel.slice(0, end))
}
