/**
 * A keeper: a long-lived `/bin/sh` that runs commands one after another, because starting a process from Node costs a
 * millisecond and a fork of a small shell does not.
 *
 * It leads a session and process group of its own, so that a whole tree can be stopped and a daemon's death does not
 * reach it. It learns of a command by a line on its input, and writes the exit code to a file before it tells the
 * daemon: when nobody reads any more, that write ends the keeper, and the code is safe already. At the end of its input
 * (the daemon is gone) it ends by itself.
 */
import { execa } from 'execa'
import type { ProcessIdentity } from './process-table.ts'
import { identify } from './process-table.ts'

/**
 * The trap makes TERM to the group pass the keeper by: a shell that waits for a command runs a handler only after it,
 * and a handler, unlike an ignored signal, is not inherited. Standard error is opened last: that it exists is the mark
 * that the command began.
 */
const SCRIPT = `
trap : TERM
umask 022
while read -r a; do
  ( . "./$a.command" ) </dev/null >"$a.stdout" 2>"$a.stderr"
  c=$?
  echo "$c" >"$a.code"
  echo "$a $c"
done`

export type Keeper = {
  readonly identity: ProcessIdentity
  /** Runs the command of this entry (the number that its files are named by). Only when it is idle. */
  run(entry: string): void
  /** Lets it go: it ends when its command is over. */
  release(): void
}

/** Null when no process could be started. */
export function startKeeper(options: {
  /** The folder that holds the commands' files. */
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  readonly onCode: (entry: string, exit_code: number) => void
  /** The keeper is gone, whatever the reason. */
  readonly onGone: () => void
}): Keeper | null {
  const shell = execa('/bin/sh', ['-c', SCRIPT, 'sh'], {
    cwd: options.folder,
    env: { ...options.environment },
    extendEnv: false,
    detached: true,
    cleanup: false,
    buffer: false,
    reject: false,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  const child = shell.nodeChildProcess
  // A keeper that died takes nothing any more; that it is gone is told below.
  shell.stdin.on('error', () => undefined)
  shell.stdout.on('error', () => undefined)
  const identity = shell.pid === undefined ? null : identify(shell.pid)
  if (!identity) {
    shell.kill('SIGKILL')
    return null
  }
  readLines(shell.stdout, (line) => {
    const match = /^(\d+) (\d{1,3})$/.exec(line)
    if (match?.[1] !== undefined) options.onCode(match[1], Number(match[2]))
  })
  child.once('close', options.onGone)
  return {
    identity,
    run: (entry) => shell.stdin.write(`${entry}\n`),
    release: () => {
      child.off('close', options.onGone)
      shell.stdin.destroy()
      shell.stdout.destroy()
      child.unref()
    },
  }
}

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = ''
  stream.on('data', (data: Buffer) => {
    const lines = (rest + data.toString('latin1')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  })
}
