/**
 * How waiting requests hear of news: one follower of the broker's feed for the whole process.
 *
 * A wake says only that there is something; the entries are then replayed from our place, and each tells its watchers.
 * Nothing here is a promise: wakes get lost and brokers restart, so a watcher always asks the broker itself after it is
 * told, after each connection, and every few seconds anyway. With nobody watching, nothing is followed.
 */
import type { SubscriberLink } from '../common/link/subscriber.ts'
import type { ReplayAnswer } from '../common/protocol/answers.ts'
import { decodeFrame } from '../common/protocol/codec.ts'
import { HEAD_CHANNEL, outputChannel, Published } from '../common/protocol/feed.ts'
import type { BrokerLink } from './broker-link.ts'
import { createWatchers } from './watchers.ts'
import type { Subject, Watch, Watchers } from './watchers.ts'

export type Feed = {
  watch(subjects: readonly Subject[]): Watch
  close(): void
}

/** The reading end, opened by the feed, which alone knows what to do with a frame. */
export type OpenSubscriber = (handlers: {
  readonly onFrame: (channel: string, frame: Buffer) => void
  readonly onConnect: () => void
}) => SubscriberLink

const FOLLOWED = ['run.', 'flow.'] as const
const WAKING = [...FOLLOWED, 'gate.', 'worker.'] as const
const PAGE = 500
/** Whoever waits asks again as often as this, whatever becomes of the feed. */
const PATIENCE_MS = 2_000

export function openFeed(broker: BrokerLink, open: OpenSubscriber): Feed {
  const watchers = createWatchers()
  const follower = createFollower(broker, watchers)
  let seen: string | null = null
  const link = open({
    onConnect: () => {
      watchers.tellAll()
      follower.catchUp()
    },
    onFrame: (channel, frame) => {
      if (channel.startsWith('output.'))
        return runsOf(frame).forEach((run_id) => watchers.tell(`output:${run_id}`))
      if (channel === HEAD_CHANNEL) {
        const head = headOf(frame)
        watchers.tellOutputs()
        if (head === null || head === seen) return
        seen = head
      }
      watchers.tell('any')
      follower.catchUp()
    },
  })
  link.subscribe(HEAD_CHANNEL)
  const begin = (): void => {
    for (const channel of WAKING) link.subscribe(channel)
    follower.startAnew()
  }
  const cease = (): void => {
    for (const channel of WAKING) link.unsubscribe(channel)
  }
  return {
    watch: (subjects) => {
      if (watchers.size === 0) begin()
      const watcher = watchers.add(subjects)
      const outputs = outputChannels(subjects)
      for (const channel of outputs) link.subscribe(channel)
      return {
        changed: watcher.changed,
        end: () => {
          if (!watchers.remove(watcher)) return
          for (const channel of outputs) link.unsubscribe(channel)
          if (watchers.size === 0) cease()
        },
      }
    },
    close: () => {
      watchers.tellAll()
      link.close()
    },
  }
}

const outputChannels = (subjects: readonly Subject[]): string[] =>
  subjects.flatMap((subject) =>
    subject.startsWith('output:') ? outputChannel(subject.slice(7)) : [],
  )

type Follower = {
  /** Forgets its place: what happened while nobody watched is of no interest. */
  startAnew(): void
  catchUp(): void
}

/** Replays what is new for runs and flows, one page at a time and never twice at once, and tells who waits for them. */
function createFollower(broker: BrokerLink, watchers: Watchers): Follower {
  let place: string | null = null
  let replaying = false
  let again = false

  /** True when there is more. */
  const replayPage = async (): Promise<boolean> => {
    const after = place ?? 'head'
    const asked = await broker.ask<ReplayAnswer>(
      { kind: 'replay', after, topics: [...FOLLOWED], limit: PAGE },
      PATIENCE_MS,
    )
    // The place may be one that the broker does not keep: all ask for themselves, and we go on from its newest.
    if (asked.kind === 'refused' || place === null) watchers.tellAll()
    place = asked.kind === 'refused' ? null : asked.result.complete_to
    if (asked.kind === 'refused') return false
    for (const { run_id, flow_id, topic } of asked.result.entries) {
      if (run_id) watchers.tell(`run:${run_id}`)
      if (flow_id && topic.startsWith('flow.')) watchers.tell(`flow:${flow_id}`)
    }
    return place !== asked.result.head && place !== after
  }
  const catchUp = async (): Promise<void> => {
    again = true
    if (replaying) return
    replaying = true
    while (again && watchers.size > 0) {
      again = false
      if (await replayPage()) again = true
    }
    replaying = false
  }
  return {
    startAnew: () => {
      place = null
      // The first watcher is there only after this.
      queueMicrotask(() => void catchUp())
    },
    catchUp: () => void catchUp(),
  }
}

function headOf(frame: Buffer): string | null {
  const decoded = decodeFrame(Published, frame)
  const last = decoded.kind === 'frame' ? decoded.messages.at(-1) : undefined
  return last?.kind === 'head' ? last.head : null
}

/** Whose output grew. */
function runsOf(frame: Buffer): string[] {
  const decoded = decodeFrame(Published, frame)
  const messages = decoded.kind === 'frame' ? decoded.messages : []
  return messages.flatMap((message) => (message.kind === 'output' ? message.run_id : []))
}
