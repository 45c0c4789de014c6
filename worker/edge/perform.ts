/** What each effect of the core does in the world. */
import type { Log } from '../../common/daemon/log.ts'
import { PROTOCOL_VERSION } from '../../common/protocol/limits.ts'
import type { Effect, Event } from '../core/event.ts'
import type { Worker } from '../core/state.ts'
import type { Runner } from '../runner/runner.ts'
import type { Spool } from '../runner/spool.ts'
import type { Catalog } from './catalog.ts'
import type { Door } from './door.ts'

/** What the effects are done with. */
export type Hands = {
  readonly worker: Worker
  readonly instance: string
  readonly version: string
  readonly spool: Spool
  readonly log: Log
  /** The jobs as they were read last. */
  catalog: Catalog
  readonly door: Door
  readonly runner: Runner
  readonly take: (event: Event) => void
  readonly welcomed: () => void
  readonly refused: (exit_code: number, message: string) => void
}

export function perform(hands: Hands, effect: Effect): void {
  const on = ON_EFFECT[effect.kind] as Perform<Effect>
  on(hands, effect)
}

type Perform<E> = (hands: Hands, effect: E) => void

const ON_EFFECT: { [K in Effect['kind']]: Perform<Extract<Effect, { kind: K }>> } = {
  keep: ({ spool, take, log }, { key, task }) => {
    try {
      spool.keep(key, task)
      take({ kind: 'kept', key, failure: null })
    } catch (error) {
      log.error('the spool could not be written', { error })
      take({ kind: 'kept', key, failure: error instanceof Error ? error.message : String(error) })
    }
  },
  start: ({ runner }, effect) => runner.start(effect),
  terminate: ({ runner }, { key, reason }) => runner.terminate(key, reason),
  kill: ({ runner }, { key }) => runner.kill(key),
  note_stop: ({ spool, log }, { key, reason }) => {
    const failure = spool.noteStop(key, reason)
    if (failure !== null)
      log.error('why an attempt was stopped could not be noted', { key, failure })
  },
  forget: ({ spool }, { key }) => spool.forget(key),
  hello: ({ door, worker, instance, version, catalog }, { credit, held, reload_error }) => {
    const cards = [...catalog.jobs.values()].map((job) => job.card)
    door.hello({
      kind: 'hello',
      protocol: PROTOCOL_VERSION,
      version,
      instance,
      name: worker.name,
      slots: worker.slots,
      credit,
      cards,
      lanes: catalog.lanes,
      held: [...held],
      reload_error,
    })
  },
  welcomed: ({ door, log, welcomed }, { session, feed, channels }) => {
    welcomed()
    log.info('the broker took this worker', { channels: Object.keys(channels).length })
    door.welcomed(session, feed, channels)
  },
  redial: ({ door, log }) => {
    log.warn('nothing was heard from the broker for long: dialling anew')
    door.redial()
  },
  send: ({ door }, { message }) => door.send(message),
  send_output: ({ door, runner, worker }, { key, stream, offset, length }) => {
    const task = worker.attempts.get(key)?.task
    if (!task) return
    const data = runner.read(task, stream, offset, length).toString('base64')
    const { task_id, attempt } = task
    door.send({ kind: 'output', task_id, attempt, stream, offset, data })
  },
  cut: ({ runner }, { key, stream, from, to }) => void runner.cut(key, stream, from, to),
  log: ({ log }, { level, message, facts }) => log[level](message, facts),
  quit: ({ refused }, { exit_code, message }) => refused(exit_code, message),
}
