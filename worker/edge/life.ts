/**
 * A worker's life: events come in from the door, the runner and the clock, the core decides, and its effects are
 * done here, in order. One timer stands for all deadlines.
 */
import { statfs } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import type { Log } from '../../common/daemon/log.ts'
import type { Refused } from '../../common/daemon/run.ts'
import { decide, nextDeadline } from '../core/decide.ts'
import type { Effect, Event, Now } from '../core/event.ts'
import type { Worker } from '../core/state.ts'
import type { Runner } from '../runner/runner.ts'
import type { Spool } from '../runner/spool.ts'
import type { Catalog, Read } from './catalog.ts'
import type { Door } from './door.ts'
import type { Hands } from './perform.ts'
import { perform } from './perform.ts'

export type LifeOptions = {
  readonly worker: Worker
  readonly instance: string
  readonly version: string
  readonly spool: Spool
  readonly log: Log
  /** The jobs directory as it is now. */
  readonly read: () => Read
  readonly catalog: Catalog
}

/** Below this part of the disk no more tasks are taken. */
const LEAST_FREE = 0.05
const DISK_MS = 5_000

export type Met = { readonly kind: 'welcomed' } | { readonly kind: 'silent' } | Refused

export class Life {
  readonly #options: LifeOptions
  readonly #worker: Worker
  #hands: Hands | null = null
  #events: Event[] = []
  #busy = false
  #timer: NodeJS.Timeout | null = null
  #due_ms: number | null = null
  readonly #diskTimer: NodeJS.Timeout
  readonly #finished = Promise.withResolvers<number>()
  readonly #met = Promise.withResolvers<Met>()

  constructor(options: LifeOptions) {
    this.#options = options
    this.#worker = options.worker
    this.#diskTimer = setInterval(() => void this.#lookAtDisk(), DISK_MS)
  }

  /** As it was read last. */
  get catalog(): Catalog {
    return this.#hands?.catalog ?? this.#options.catalog
  }

  /** Fulfilled with an exit code when the broker does not want this worker. */
  get finished(): Promise<number> {
    return this.#finished.promise
  }

  /** The broker's first word, as far as it comes within this time and before the signal. */
  async meetBroker(limit_ms: number, signal: AbortSignal): Promise<Met> {
    const silent = (): void => this.#met.resolve({ kind: 'silent' })
    const timer = setTimeout(silent, limit_ms)
    signal.addEventListener('abort', silent, { once: true })
    const met = await this.#met.promise
    clearTimeout(timer)
    signal.removeEventListener('abort', silent)
    return met
  }

  /** What it is connected to; both tell it of events from then on. */
  begin(runner: Runner, openDoor: () => Door): void {
    this.#hands = {
      ...this.#options,
      runner,
      door: openDoor(),
      take: (event) => this.take(event),
      welcomed: () => this.#met.resolve({ kind: 'welcomed' }),
      refused: (exit_code, message) => {
        this.#met.resolve({ kind: 'refused', message, exit_code })
        this.#finished.resolve(exit_code)
      },
    }
    void this.#lookAtDisk()
  }

  /** Events that an effect brings about wait until the decision before them is done. */
  take(event: Event): void {
    this.#events.push(event)
    if (this.#busy) return
    this.#busy = true
    for (let next = this.#events.shift(); next; next = this.#events.shift())
      for (const effect of decide(this.#worker, next, now())) this.#perform(effect)
    this.#busy = false
    this.#setTimer()
  }

  /** Reads the jobs again: all of them, or the last good ones stay. */
  reload(): void {
    const read = this.#options.read()
    if (read.kind === 'refused') {
      this.#options.log.error('the jobs were not reloaded', { why: read.message })
      const reload_error = read.message.slice(0, 4096)
      return this.take({ kind: 'reloaded', jobs: null, reload_error })
    }
    for (const warning of read.warnings) this.#options.log.warn(warning)
    const { jobs, left_out } = read.catalog
    if (this.#hands) this.#hands.catalog = read.catalog
    this.#options.log.info('the jobs were reloaded', { jobs: jobs.size })
    this.take({ kind: 'reloaded', jobs, reload_error: left_out })
  }

  /** Says goodbye. What runs goes on. */
  async end(): Promise<void> {
    this.take({ kind: 'leave' })
    clearInterval(this.#diskTimer)
    this.#hands?.runner.leave()
    await this.#hands?.door.close()
    if (this.#timer) clearTimeout(this.#timer)
  }

  #perform(effect: Effect): void {
    if (!this.#hands) throw new Error(`${effect.kind} before the worker began`)
    perform(this.#hands, effect)
  }

  #setTimer(): void {
    const due_ms = nextDeadline(this.#worker)
    if (due_ms === this.#due_ms && this.#timer) return
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#due_ms = due_ms
    if (due_ms === null || this.#worker.leaving) return
    const wait_ms = Math.min(Math.max(0, Math.ceil(due_ms - performance.now())), 2 ** 31 - 1)
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.take({ kind: 'tick' })
    }, wait_ms)
  }

  async #lookAtDisk(): Promise<void> {
    try {
      const { bavail, blocks } = await statfs(this.#options.spool.folder)
      if (!this.#worker.leaving) this.take({ kind: 'disk', low: bavail < blocks * LEAST_FREE })
    } catch (error) {
      this.#options.log.warn('the disk under the spool cannot be looked at', { error })
    }
  }
}

const now = (): Now => ({ mono_ms: performance.now(), wall_ms: Date.now() })
