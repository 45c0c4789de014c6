/**
 * Where a command's words go, and what is known about who reads them: a terminal of some width and colours, or a
 * file or pipe that wants everything in full. Tests hand in one of their own.
 */
import process from 'node:process'
import { styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]

/** One of the two outputs. */
export type Output = {
  /** Writes text (or a command's bytes) as it is; lines need their newline. */
  write(text: string | Uint8Array): void
  readonly isTerminal: boolean
  readonly colours: boolean
}

export type Terminal = {
  /** Standard input, to its end; without it there is none. */
  readonly input?: () => AsyncIterable<Uint8Array>
  readonly out: Output
  readonly err: Output
  /** Columns. Only counts when `out` is a terminal. */
  readonly width: number
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal
}

/** The text in a style, when the output shows colours. */
export const paint = (output: Output, style: Style, text: string): string =>
  output.colours ? styleText(style, text, { validateStream: false }) : text

/** The terminal of this process. Ctrl-C aborts `interrupted`; a second one ends the process at once. */
export function processTerminal(): Terminal {
  const env = process.env
  return {
    input: () => process.stdin,
    out: outputOf(process.stdout, env),
    err: outputOf(process.stderr, env),
    width: process.stdout.columns || Number(env['COLUMNS']) || 80,
    env,
    get interrupted() {
      interrupts ??= listenForInterrupt()
      return interrupts
    },
  }
}

let interrupts: AbortSignal | undefined

/** Asked for only by commands that wait for something, so that daemons keep their own way of stopping. */
function listenForInterrupt(): AbortSignal {
  const controller = new AbortController()
  process.on('SIGINT', () => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort()
  })
  return controller.signal
}

function outputOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Output {
  // Who reads may stop reading (`jobz runs | head`): that is no error, and nobody is left to write for.
  stream.on('error', () => process.exit())
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY,
    colours: wantsColours(stream.isTTY, env),
  }
}

/** FORCE_COLOR over NO_COLOR over whether it is a terminal. */
export function wantsColours(
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  const force = env['FORCE_COLOR']
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false'
  return isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
}
