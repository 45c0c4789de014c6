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
import { openIntake } from './intake.ts'
import { openOutputs } from './outputs.ts'
import { performer, publishHead } from './perform.ts'
import { answerQuestions } from './questions.ts'
import { type RetentionPorts, startRetention } from './retention.ts'
import { openWorkerDoor } from './worker-door.ts'

/** How often the write-ahead log is moved into the database, off the hot path. */
const CHECKPOINT_MS = 1_000

export type Serving = {
  /** Fulfilled with what ended the turns: the process cannot go on. */
  readonly failed: Promise<Error>
  stop(): Promise<void>
}

/** Serves a loaded state. The caller keeps the store, and closes it after `stop`. */
export async function serve(
  data: string,
  addresses: BrokerAddresses,
  store: Store & Forgetting,
  state: State,
  log: Log,
  keep: RetentionPorts['keep'],
): Promise<Serving> {
  const history = openHistory(data)
  const outputs = openOutputs(join(data, 'output'))
  const counters = makeCounters()
  const publisher = await openPublisher(addresses.feed, (_, bytes) =>
    log.error('a broadcast was too large for a frame', { bytes }),
  )
  const outputGrew = (run_id: string): void =>
    publisher.publish(outputChannel(run_id), { kind: 'output', run_id })
  let turns: Turns | undefined
  // Workers knock the moment a door is open, and the turns begin only when all are.
  const early: Event[] = []
  const take: Turns['take'] = (event) => (turns ? turns.take(event) : void early.push(event))
  const waiting = (): number => turns?.waiting() ?? early.length
  const ports = { state, history, outputs, counters, log, take, outputGrew, now: readClock }
  const workers = await openWorkerDoor({
    ...ports,
    bind: addresses.worker,
    intake: openIntake(waiting),
  })
  const answer = answerQuestions(ports)
  const clients = await openClientDoor({
    ...ports,
    bind: addresses.client,
    intake: openIntake(waiting),
    answer,
  })
  const secret_names = (): ReadonlySet<string> => state.secret_names
  const perform = performer({ store, workers, clients, publisher, secret_names })
  const failed = new Promise<Error>((resolve) => {
    const onFailure = (error: unknown): void =>
      resolve(error instanceof Error ? error : new Error(String(error)))
    turns = startTurns({ state, store, now: readClock, perform, onFailure })
  })
  for (const event of early) take(event)
  const retention = startRetention({ ...ports, store, waiting, keep })
  const head = setInterval(() => publishHead(publisher, state.feed_head), HEAD_MS)
  const onCheckpoint = (error: unknown): void =>
    log.warn('checkpoint failed', { error: String(error) })
  let checkpointing = false
  const checkpoint = setInterval(() => {
    // Behind a long question they would only queue up.
    if (checkpointing) return
    checkpointing = true
    void history
      .checkpoint()
      .catch(onCheckpoint)
      .finally(() => (checkpointing = false))
  }, CHECKPOINT_MS)
  return {
    failed,
    stop: async () => {
      clearInterval(head)
      clearInterval(checkpoint)
      await retention.stop()
      turns?.stop()
      publisher.close()
      await Promise.all([workers.close(), clients.close(), history.close()])
      outputs.close()
    },
  }
}
