/** One daemon as a process of its own, started as a user would start it. */
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { createInterface } from 'node:readline'
import { execa } from 'execa'

const CLI = join(import.meta.dirname, '../../cli/main.ts')
const READY_LIMIT_MS = 30_000

export type Process = {
  readonly pid: number
  /** Everything it wrote to standard error so far. */
  log(): string
  kill(signal: NodeJS.Signals): void
  /** Fulfilled by its `ready` line; rejected when it ends before that, or takes too long. */
  readonly ready: Promise<void>
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

export type LaunchOptions = {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** What starts it instead of the shell's `exec "$@"`: `ulimit -n 40; exec "$@"`. */
  readonly through?: string
}

/** Starts `jobz ARGS`. */
export function launch(args: readonly string[], options: LaunchOptions): Process {
  const { cwd, env = {}, through } = options
  const words = [process.execPath, CLI, ...args]
  const [program = '', ...rest] =
    through === undefined ? words : ['/bin/sh', '-c', through, 'sh', ...words]
  const child = execa(program, rest, {
    cwd,
    reject: false,
    buffer: false,
    stdin: 'ignore',
    env: { NO_COLOR: '1', ...env },
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  const ended = child.then(({ exitCode, signal }) => exitCode ?? signal ?? 'unknown')
  const ready = untilReady(child.stdout, ended, () => `${args.join(' ')}\n${log}`)
  ready.catch(() => undefined)
  return {
    pid: child.pid ?? 0,
    log: () => log,
    kill: (signal) => void child.kill(signal),
    ready,
    ended,
  }
}

function untilReady(
  stdout: Readable,
  ended: Promise<number | string>,
  what: () => string,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error(`not ready: ${what()}`)), READY_LIMIT_MS)
  createInterface({ input: stdout }).on('line', (line) => {
    if (line.startsWith('ready')) resolve()
  })
  void ended.then((how) => reject(new Error(`ended with ${how}: ${what()}`)))
  return promise.finally(() => clearTimeout(timer))
}
