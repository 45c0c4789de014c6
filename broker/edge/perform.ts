/** Lets out what a turn decided, now that it is on disk: to workers, to clients, and to whoever follows the feed. */
import type { PublisherLink } from '../../common/link/publisher.ts'
import { cursorOf } from '../../common/protocol/cursor.ts'
import { HEAD_CHANNEL, taskChannel } from '../../common/protocol/feed.ts'
import type { Task as TaskMessage, ToWorker } from '../../common/protocol/worker-door.ts'
import type { Effect } from '../core/effect.ts'
import type { Records } from '../core/records.ts'
import type { Run } from '../core/state.ts'
import type { StoredValues } from '../core/values.ts'
import type { Store } from '../store/store.ts'
import type { ClientDoor } from './client-door.ts'
import type { Channels } from './entry/channels.ts'
import type { RunTokens } from './run-tokens.ts'
import type { WorkerDoor } from './worker-door.ts'

export type PerformPorts = {
  readonly store: Pick<Store, 'values'>
  /** Names of parameters that are secret. */
  readonly secret_names: () => ReadonlySet<string>
  readonly workers: Pick<WorkerDoor, 'say'>
  readonly clients: Pick<ClientDoor, 'reply'>
  readonly publisher: Pick<PublisherLink, 'publish'>
  readonly channels: Pick<Channels, 'give' | 'namesFor'>
  readonly runTokens: Pick<RunTokens, 'make'>
  /** Whether the key behind a session is good for a topic now. */
  readonly mayFollow: (session: string, topic: string) => boolean
}

export function performer(
  ports: PerformPorts,
): (effects: readonly Effect[], records: Records) => void {
  return (effects, records) => {
    const needed = effects.flatMap((effect) => ('run' in effect ? [effect.run.run_id] : []))
    const values =
      needed.length === 0 ? new Map<string, StoredValues>() : ports.store.values(needed)
    for (const effect of effects) letOut(ports, effect, values)
    wake(ports, records)
  }
}

function letOut(
  ports: PerformPorts,
  effect: Effect,
  values: ReadonlyMap<string, StoredValues>,
): void {
  switch (effect.kind) {
    case 'reply':
      return ports.clients.reply(effect.peer, effect.reply)
    case 'say':
      return ports.workers.say(effect.peer, named(ports, effect.message))
    case 'task': {
      const task_id = `${effect.run.run_id}.${effect.n}`
      return ports.workers.say(effect.peer, {
        ...taskMessage(ports, effect.run, effect.attempt, values),
        task_id,
      })
    }
    case 'broadcast': {
      const message = { ...taskMessage(ports, effect.run, 1, values), tasks: effect.tasks }
      return publish(ports, taskChannel(effect.topic), message)
    }
  }
}

/**
 * A welcome says under which names the worker may follow the channels of its topics. Names may have been made anew since its hello came,
 * because its key was taken away: they are not for its holder.
 */
function named({ channels, mayFollow }: PerformPorts, message: ToWorker): ToWorker {
  if (message.kind !== 'welcome') return message
  const names = Object.entries(message.channels).flatMap(([topic, channel]) => {
    const name = mayFollow(message.session, topic) ? channels.give(channel) : null
    // Without one, its tasks come through its door.
    return name === null ? [] : [[topic, name] as const]
  })
  return { ...message, channels: Object.fromEntries(names) }
}

function taskMessage(
  { runTokens, secret_names }: PerformPorts,
  run: Run,
  attempt: number,
  values: ReadonlyMap<string, StoredValues>,
): TaskMessage {
  const started_with = values.get(run.run_id)
  if (!started_with) throw new Error(`run ${run.run_id} has no stored values`)
  const { run_id, flow_id, job, deliver } = run
  const names = secret_names()
  const secret =
    names.size === 0 ? [] : Object.keys(started_with.params).filter((name) => names.has(name))
  const token = runTokens.make(run_id)
  const ids = { run_id, flow_id, attempt, job, deliver, token }
  const task = { kind: 'task', ...ids, ...started_with } as const
  return secret.length === 0 ? task : { ...task, secret }
}

/** One wake for each topic that has something new. */
function wake(ports: Publishing, { feed }: Records): void {
  const last = feed.at(-1)
  if (!last) return
  const head = cursorOf(last.n)
  for (const topic of new Set(feed.map((entry) => entry.topic)))
    publish(ports, topic, { kind: 'wake', head })
}

type Publishing = Pick<PerformPorts, 'publisher' | 'channels'>

/** Says something on a channel, under every name by which it is followed. */
export function publish(
  { publisher, channels }: Publishing,
  channel: string,
  message: object,
): void {
  for (const name of channels.namesFor(channel)) publisher.publish(name, message)
}

/** The newest number, for those who missed a wake. */
export function publishHead(ports: Publishing, feed_head: number): void {
  publish(ports, HEAD_CHANNEL, { kind: 'head', head: cursorOf(feed_head) })
}
