/** The daemons' own logs, passed on: as they are into files and pipes, as readable text on a terminal. */
import { jsonLine, readLogLine, textLine } from '../../common/daemon/log-line.ts'
import type { LogEntry } from '../../common/daemon/log-line.ts'
import { paint, wantsColours } from '../terminal.ts'
import type { Style } from '../terminal.ts'

export type LogLines = {
  take(daemon: string, line: string): void
  /** The last error that a daemon told of, after `: `; '' when it told of none. */
  lastError(daemon: string): string
}

const STYLES: Readonly<Record<LogEntry['level'], Style>> = {
  debug: 'dim',
  info: 'reset',
  warn: 'yellow',
  error: 'red',
}

export function logLines(stream: NodeJS.WritableStream & { isTTY?: boolean }): LogLines {
  const isTerminal = stream.isTTY === true
  const colours = wantsColours(isTerminal, process.env)
  const output = { write: () => {}, isTerminal, colours }
  const errors = new Map<string, string>()
  return {
    take(daemon, line) {
      const entry = readLogLine(line) ?? stray(daemon, line)
      if (entry.level === 'error') errors.set(daemon, `: ${words(entry)}`)
      const shown = isTerminal
        ? paint(output, STYLES[entry.level], textLine(entry))
        : jsonLine(entry)
      stream.write(`${shown}\n`)
    },
    lastError: (daemon) => errors.get(daemon) ?? '',
  }
}

/** A line that is no log entry: a stack of an early crash, or another program's words. */
const stray = (daemon: string, line: string): LogEntry => ({
  time: new Date().toISOString(),
  level: 'warn',
  daemon,
  message: line,
  facts: {},
})

function words({ message, facts }: LogEntry): string {
  const { error } = facts
  const cause = typeof error === 'object' && error !== null && 'message' in error
  return cause ? `${message}: ${String(error.message)}` : message
}
