/** The broker: wires the store, the decisions and the doors together. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Log } from '../common/daemon/log.ts'
import type { Daemon, Refused } from '../common/daemon/run.ts'
import type { SettingsOf, SettingsTable } from '../common/daemon/settings.ts'
import { brokerAddresses } from '../common/link/address.ts'
import { openPublisher } from '../common/link/publisher.ts'
import { HEAD_MS } from '../common/protocol/limits.ts'
import { outputChannel } from '../common/protocol/feed.ts'
import { seedIds } from './core/ids.ts'
import { loadState } from './core/load.ts'
import { openClientDoor } from './edge/client-door.ts'
import { readClock } from './edge/clock.ts'
import { makeCounters } from './edge/counters.ts'
import { openOutputs } from './edge/outputs.ts'
import { performer, publishHead } from './edge/perform.ts'
import { answerQuestions } from './edge/questions.ts'
import { openWorkerDoor } from './edge/worker-door.ts'
import { openHistory } from './store/history.ts'
import { openSqlite } from './store/sqlite.ts'
import { startTurns, type Turns } from './turn.ts'

export const BROKER = [
  {
    flag: 'data',
    env: 'JOBZ_DATA',
    kind: 'text',
    default: '.jobz/broker',
    help: 'where runs, history and output are kept',
  },
  {
    flag: 'bind',
    env: 'JOBZ_BIND',
    kind: 'text',
    default: 'tcp://127.0.0.1:6770',
    help: 'the worker door; the client door is the next port, the feed the one after',
  },
] as const satisfies SettingsTable

export async function start(
  settings: SettingsOf<typeof BROKER>,
  log: Log,
): Promise<Daemon | Refused> {
  const addresses = brokerAddresses(settings.bind)
  if (!addresses) return refused(`--bind ${settings.bind} is not of the form tcp://127.0.0.1:6770`)
  const store = openSqlite(settings.data)
  if ('kind' in store) return refused(store.message)
  const state = loadState(
    store.load(),
    seedIds(randomBytes(4).readUInt32LE(), randomBytes(4).readUInt32LE()),
    readClock(),
  )
  const history = openHistory(settings.data)
  const outputs = openOutputs(join(settings.data, 'output'))
  const counters = makeCounters()
  const publisher = await openPublisher(addresses.feed)
  const outputGrew = (run_id: string): void =>
    publisher.publish(outputChannel(run_id), { kind: 'output', run_id })
  let turns: Turns | undefined
  const take: Turns['take'] = (event) => turns?.take(event)

  const workers = await openWorkerDoor({
    bind: addresses.worker,
    state,
    outputs,
    counters,
    log,
    take,
    outputGrew,
  })
  const answer = answerQuestions({ state, history, outputs, counters, now: readClock })
  const clients = await openClientDoor({
    bind: addresses.client,
    history,
    counters,
    log,
    take,
    answer,
  })
  const perform = performer({ store, workers, clients, publisher })
  const failed = new Promise<Error>((resolve) => {
    turns = startTurns({
      state,
      store,
      now: readClock,
      perform,
      onFailure: (error) => resolve(asError(error)),
    })
  })
  const head = setInterval(() => publishHead(publisher, state.feed_head), HEAD_MS)
  const checkpoint = setInterval(
    () => void history.checkpoint().catch(() => undefined),
    CHECKPOINT_MS,
  )
  return {
    ready: `broker ${addresses.worker}`,
    failed,
    stop: async () => {
      clearInterval(head)
      clearInterval(checkpoint)
      turns?.stop()
      publisher.close()
      await Promise.all([workers.close(), clients.close(), history.close()])
      store.close()
    },
  }
}

/** How often the write-ahead log is moved into the database, off the hot path. */
const CHECKPOINT_MS = 1_000

const refused = (message: string): Refused => ({ kind: 'refused', message, exit_code: 2 })
const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error))
