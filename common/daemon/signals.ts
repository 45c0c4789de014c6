/** How a daemon hears that it should stop or reload: by signals, by its terminal's end, or by its supervisor's. */
import { closeSync, openSync } from 'node:fs'
import process from 'node:process'

/** SIGTERM and SIGINT stop; SIGHUP reloads. */
export function onSignals(told: { stop(why: string): void; reload(): void }): void {
  process.on('SIGTERM', () => told.stop('SIGTERM'))
  process.on('SIGINT', () => told.stop('SIGINT'))
  process.on('SIGHUP', () => told.reload())
}

/**
 * Stops when standard input ends. A supervisor holds the other end of it, so that its daemons stop in order even when
 * it was killed without a chance to tell them.
 */
export function stopsWithInput(stop: (why: string) => void): void {
  const ended = (): void => stop('its supervisor is gone')
  process.stdin.once('end', ended).once('error', ended).resume()
}

const hadTerminal = terminalOpens()

/** Whether SIGHUP came because the terminal that this process was started on has closed. */
export const hungUp = (): boolean => hadTerminal && !terminalOpens()

function terminalOpens(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}
