/** Opens the doors and lets the turns go: the part of the broker that has sockets. */
import { join } from 'node:path'
import type { Log } from '../../common/daemon/log.ts'
import type { BrokerAddresses } from '../../common/link/address.ts'
import { openPublisher } from '../../common/link/publisher.ts'
import { outputChannel } from '../../common/protocol/feed.ts'
import { HEAD_MS } from '../../common/protocol/limits.ts'
import type { Event } from '../core/event.ts'
import type { State } from '../core/state.ts'
import { openHistory } from '../store/history.ts'
import type { Forgetting, Store } from '../store/store.ts'
import { startTurns, type Turns } from '../turn.ts'
import { openClientDoor } from './client-door.ts'
import { readClock } from './clock.ts'
import { makeCounters } from './counters.ts'
import { openAccess } from './entry/access.ts'
import type { Keyring } from './entry/keyring.ts'
import { openIntake } from './intake.ts'
import { openOutputs } from './outputs.ts'
import { type PerformPorts, performer, publish, publishHead } from './perform.ts'
import { answerQuestions } from './questions.ts'
import { type RetentionPorts, startRetention } from './retention.ts'
import type { RunTokens } from './run-tokens.ts'
import { openWorkerDoor } from './worker-door.ts'

/** How often the write-ahead log is moved into the database, off the hot path. */
const CHECKPOINT_MS = 1_000

export type Serving = {
  /** Fulfilled with what ended the turns: the process cannot go on. */
  readonly failed: Promise<Error>
  stop(): Promise<void>
}

export type ServeOptions = {
  readonly data: string
  readonly addresses: BrokerAddresses
  /** The caller's, who closes it after `stop`. */
  readonly store: Store & Forgetting
  readonly state: State
  readonly log: Log
  readonly keep: RetentionPorts['keep']
  /** Null: whoever reaches the doors is heard. */
  readonly keyring: Keyring | null
  readonly runTokens: RunTokens
}

/** Serves a loaded state. */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { data, addresses, store, state, log, runTokens } = options
  const history = openHistory(data)
  const outputs = openOutputs(join(data, 'output'))
  const counters = makeCounters()
  const access = await openAccess(options.keyring, counters, log)
  const { channels } = access
  const publisher = await openPublisher({
    bind: addresses.feed,
    key: access.listen,
    grants: channels.grants,
    onDenied: () => counters.count('subscriptions_denied'),
    onTooLarge: (_, bytes) => log.error('a broadcast was too large for a frame', { bytes }),
  })
  const publishing = { publisher, channels }
  const outputGrew = (run_id: string): void =>
    publish(publishing, outputChannel(run_id), { kind: 'output', run_id })
  let turns: Turns | undefined
  // Workers knock the moment a door is open, and the turns begin only when all are.
  const early: Event[] = []
  const take: Turns['take'] = (event) => (turns ? turns.take(event) : void early.push(event))
  const waiting = (): number => turns?.waiting() ?? early.length
  const shared = { state, history, outputs, counters, log, take, outputGrew, runTokens }
  const ports = { ...shared, now: readClock }
  const workers = await openWorkerDoor({
    ...ports,
    bind: addresses.worker,
    keys: access.keysOf('worker'),
    intake: openIntake(waiting),
  })
  const clients = await openClientDoor({
    ...ports,
    bind: addresses.client,
    keys: access.keysOf('client'),
    nameChannel: (channel) => channels.give(channel),
    intake: openIntake(waiting),
    answer: answerQuestions(ports),
  })
  access.onRekeyed((keys) => {
    clients.rekeyed(keys)
    take({ kind: 'rekeyed', keys })
  })
  const secret_names = (): ReadonlySet<string> => state.secret_names
  const leaving = { store, workers, clients, runTokens, secret_names, ...publishing }
  const perform = performer({ ...leaving, mayFollow: followers(options) })
  const failed = new Promise<Error>((resolve) => {
    const onFailure = (error: unknown): void =>
      resolve(error instanceof Error ? error : new Error(String(error)))
    turns = startTurns({ state, store, now: readClock, perform, onFailure })
  })
  for (const event of early) take(event)
  const retention = startRetention({ ...ports, store, waiting, keep: options.keep })
  const head = setInterval(() => publishHead(publishing, state.feed_head), HEAD_MS)
  const endCheckpoints = beginCheckpoints(history, log)
  return {
    failed,
    stop: async () => {
      clearInterval(head)
      endCheckpoints()
      await retention.stop()
      turns?.stop()
      publisher.close()
      await Promise.all([workers.close(), clients.close(), history.close()])
      access.close()
      outputs.close()
    },
  }
}

const followers =
  ({ keyring, state }: ServeOptions): PerformPorts['mayFollow'] =>
  (session, topic) =>
    keyring?.serves(state.sessions.get(session)?.session?.key, topic) ?? true

/** Moves the write-ahead log into the database again and again; returns what ends that. */
function beginCheckpoints(history: ReturnType<typeof openHistory>, log: Log): () => void {
  const onFailure = (error: unknown): void =>
    log.warn('checkpoint failed', { error: String(error) })
  let checkpointing = false
  const timer = setInterval(() => {
    // Behind a long question they would only queue up.
    if (checkpointing) return
    checkpointing = true
    void history
      .checkpoint()
      .catch(onFailure)
      .finally(() => (checkpointing = false))
  }, CHECKPOINT_MS)
  return () => clearInterval(timer)
}
