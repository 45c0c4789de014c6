/**
 * The life of a daemon: read the settings, start, say `ready`, serve, and stop by a signal. Every daemon's life is the
 * same, so that supervisors (`jobz up`, systemd, tests) can count on it.
 */
import process from 'node:process'
import { createLog } from './log.ts'
import type { Log } from './log.ts'
import { readSettings } from './settings.ts'
import type { Common, SettingsOf, SettingsTable } from './settings.ts'
import { hungUp, onSignals, stopsWithInput } from './signals.ts'

/** A daemon that serves. */
export type Daemon = {
  /** Who serves and where, in one line: `broker tcp://127.0.0.1:6770`. Printed after `ready `. */
  readonly ready: string
  /** Ends it in order; the process exits with 0 after it. Called once. */
  stop(): Promise<void>
  /** SIGHUP: read again what may have changed. It reports its own failures. */
  reload?(): void
  /** Fulfilled when it cannot go on: it is logged, and the process exits with 1. */
  readonly failed?: Promise<Error>
  /** Fulfilled when its work is done: it is stopped, and the process exits with this code. */
  readonly finished?: Promise<number>
  /** How long `stop` may take, in milliseconds, before the process ends by force; 10 s by default. */
  readonly stop_limit_ms?: number
}

/** It will not start as it is told; `exit_code` says why to scripts (2 is usage). */
export type Refused = {
  readonly kind: 'refused'
  readonly message: string
  readonly exit_code: number
}

/** `signal` is aborted when a daemon is told to stop before it serves. */
export type Start<Table extends SettingsTable> = (
  settings: SettingsOf<Table> & Common,
  log: Log,
  signal: AbortSignal,
) => Promise<Daemon | Refused>

/** A stop that takes longer ends with exit code 1, unless the daemon says otherwise. */
const STOP_LIMIT_MS = 10_000
/** How long a start that was told to stop is given to come to an end. */
const START_LIMIT_MS = 2_000

/**
 * Runs a daemon in this process until it is told to stop; then the process exits. Exit codes: 0 stopped, 1 failed or
 * stopped by force, 2 usage, or what `start` refused with.
 */
export async function runDaemon<const Table extends SettingsTable>(
  name: string,
  table: Table,
  start: Start<Table>,
  argv: readonly string[],
): Promise<void> {
  const read = await readSettings(name, table, argv, process.env)
  if (read.kind === 'help') return console.log(read.text)
  if (read.kind === 'usage') {
    console.error(`jobz ${name}: ${read.message}${read.hint ? `\n  ${read.hint}` : ''}`)
    process.exitCode = 2
    return
  }
  await live(createLog(name), (log, signal) => start(read.settings, log, signal))
}

async function live(
  log: Log,
  start: (log: Log, signal: AbortSignal) => Promise<Daemon | Refused>,
): Promise<void> {
  surviveClosedOutput()
  process.on('uncaughtException', (error) => fail(log, error))
  const told = new AbortController()
  let daemon: Daemon | undefined
  const stop = (why: string, exit_code = 0): void => {
    if (told.signal.aborted) return
    log.info('stopping', { why })
    told.abort()
    if (daemon) void stopInTime(daemon, log, exit_code)
    else setTimeout(() => process.exit(0), START_LIMIT_MS).unref()
  }
  onSignals({
    stop: (signal) => {
      if (!told.signal.aborted) return stop(signal)
      log.warn('stopped at once by a second signal')
      process.exit(1)
    },
    reload: () => (hungUp() ? stop('the terminal is gone') : reload(daemon, log)),
  })
  if (process.env['JOBZ_STOP_WITH_INPUT'] === '1') stopsWithInput(stop)

  let started: Daemon | Refused
  try {
    started = await start(log, told.signal)
  } catch (error) {
    if (told.signal.aborted) process.exit(0)
    return fail(log, error)
  }
  if ('kind' in started) {
    log.error(started.message)
    process.exit(told.signal.aborted ? 0 : started.exit_code)
  }
  daemon = started
  void daemon.failed?.then((error) => fail(log, error))
  void daemon.finished?.then((exit_code) => stop('its work is done', exit_code))
  if (told.signal.aborted) return stopInTime(daemon, log, 0)
  process.stdout.write(`ready ${daemon.ready}\n`)
  log.info('ready', { serves: daemon.ready })
}

function reload(daemon: Daemon | undefined, log: Log): void {
  if (daemon?.reload) daemon.reload()
  else log.info('nothing to reload')
}

async function stopInTime(daemon: Daemon, log: Log, exit_code: number): Promise<void> {
  const limit_ms = daemon.stop_limit_ms ?? STOP_LIMIT_MS
  setTimeout(() => {
    log.error('did not stop in time', { limit_ms })
    process.exit(1)
  }, limit_ms).unref()
  try {
    await daemon.stop()
  } catch (error) {
    return fail(log, error)
  }
  log.info('stopped')
  process.exit(exit_code)
}

function fail(log: Log, error: unknown): never {
  log.error('failed', { error: error instanceof Error ? error : new Error(String(error)) })
  process.exit(1)
}

/** Who read the log may be gone; a daemon goes on without being read. */
function surviveClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
}
