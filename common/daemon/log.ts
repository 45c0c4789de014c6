/**
 * What a daemon says about itself, on standard error: one JSON object a line for machines, readable text when a
 * person watches on a terminal. Standard output stays free for the `ready` line.
 */
import process from 'node:process'
import winston from 'winston'
import { jsonLine, textLine } from './log-line.ts'
import type { Level, LogEntry } from './log-line.ts'

/** Facts are values by name that belong to the message: `{worker: 'web17', run_id: '…'}`. */
export type Log = Readonly<
  Record<Level, (message: string, facts?: Readonly<Record<string, unknown>>) => void>
>

/**
 * A log of one daemon (`broker`, `worker` …) to standard error, or to another stream. `JOBZ_LOG_LEVEL` (`debug`,
 * `info`, `warn`, `error`; by default `info`) says how much.
 */
export function createLog(
  daemon: string,
  stream: NodeJS.WritableStream & { isTTY?: boolean } = process.stderr,
  level: string | undefined = process.env['JOBZ_LOG_LEVEL'],
): Log {
  const show = stream.isTTY === true ? textLine : jsonLine
  const logger = winston.createLogger({
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    level: isLevel(level) ? level : 'info',
    format: winston.format.printf((info) => show(info['entry'] as LogEntry)),
    transports: [new winston.transports.Stream({ stream })],
  })
  const at =
    (level: Level) =>
    (message: string, facts: Readonly<Record<string, unknown>> = {}): void => {
      const entry = { time: new Date().toISOString(), level, daemon, message, facts }
      logger.log({ level, message: '', entry })
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

const isLevel = (level: string | undefined): level is Level =>
  level === 'debug' || level === 'info' || level === 'warn' || level === 'error'
