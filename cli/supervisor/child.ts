/**
 * One daemon under supervision: started, waited for, started again when it dies, and stopped.
 *
 * Its standard input stays open for as long as this process lives. A daemon that sees it end stops in order, so that
 * nothing is left behind even when the supervisor is killed without a chance to say so. It leads a session of its own:
 * Ctrl-C in the terminal reaches the supervisor alone, which then stops the daemons in their order.
 */
import { createInterface } from 'node:readline'
import { execa } from 'execa'

export type ChildSpec = {
  readonly name: string
  /** The program that node runs, and its words. */
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export type ChildHooks = {
  /** A line of its standard error. */
  readonly onLine: (line: string) => void
  /** It died and is started again after so long. */
  readonly onDeath: (how: string, again_ms: number) => void
  /** It serves again. */
  readonly onReady: (line: string) => void
}

export type Timing = {
  /** How long it may take to say `ready` for the first time. */
  readonly ready_limit_ms: number
  /** How long it may take to stop, before it is killed. */
  readonly stop_limit_ms: number
  /** Before the first restart; doubled for each further one up to the most. */
  readonly backoff_ms: number
  readonly most_backoff_ms: number
  /** Who served this long starts with the first backoff again. */
  readonly steady_ms: number
}

type Started = { readonly kind: 'ready' } | { readonly kind: 'dead'; readonly how: string }

export type Child = {
  readonly name: string
  /** Fulfilled when it serves, or when it will not. Called once. */
  start(): Promise<Started>
  signal(signal: 'SIGHUP'): void
  /** Fulfilled when it has ended. Tolerates never started and already over. */
  stop(): Promise<void>
  /** The process id, while it lives. */
  pid(): number | undefined
}

type Life = {
  readonly pid: number | undefined
  readonly ready: Promise<boolean>
  /** How it ended: `ended with code 1`, `was ended by SIGKILL`. */
  readonly ended: Promise<string>
  kill(signal: 'SIGTERM' | 'SIGKILL' | 'SIGHUP'): void
}

export function createChild(spec: ChildSpec, timing: Timing, hooks: ChildHooks): Child {
  let life: Life | null = null
  let stopping = false
  let again: NodeJS.Timeout | undefined
  let deaths = 0

  const live = async (first: boolean): Promise<Started> => {
    const current = launch(spec, hooks)
    life = current
    const since_ms = performance.now()
    void current.ended.then(() => (life = null))
    const ready = await (first ? within(current.ready, timing.ready_limit_ms) : current.ready)
    if (!ready && first) {
      const how = await stopLife(current, timing.stop_limit_ms)
      return { kind: 'dead', how: ready === null ? 'did not become ready in time' : how }
    }
    const goOn = (how: string): void => {
      if (stopping) return
      if (performance.now() - since_ms > timing.steady_ms) deaths = 0
      const again_ms = Math.min(timing.backoff_ms * 2 ** deaths, timing.most_backoff_ms)
      deaths += 1
      hooks.onDeath(how, again_ms)
      again = setTimeout(() => void live(false), again_ms)
    }
    void current.ended.then(goOn)
    return { kind: 'ready' }
  }
  return {
    name: spec.name,
    start: () => live(true),
    signal: (signal) => life?.kill(signal),
    pid: () => life?.pid,
    async stop() {
      stopping = true
      clearTimeout(again)
      if (life) await stopLife(life, timing.stop_limit_ms)
    },
  }
}

async function stopLife(life: Life, limit_ms: number): Promise<string> {
  life.kill('SIGTERM')
  const how = await within(life.ended, limit_ms)
  if (how !== null) return how
  life.kill('SIGKILL')
  return life.ended
}

function launch(spec: ChildSpec, hooks: ChildHooks): Life {
  const subprocess = execa(process.execPath, [spec.file, ...spec.args], {
    env: { ...spec.env, JOBZ_STOP_WITH_INPUT: '1' },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    detached: true,
    cleanup: false,
  })
  const { nodeChildProcess } = subprocess
  // Its exit, not the end of its output, which a command that it left behind may hold open.
  const ended = new Promise<string>((resolve) => {
    nodeChildProcess.once('error', (error) => resolve(`could not be started: ${error.message}`))
    nodeChildProcess.once('exit', (code, signal) =>
      resolve(signal ? `was ended by ${signal}` : `ended with code ${code}`),
    )
  })
  subprocess.stdin.on('error', () => {})
  createInterface({ input: subprocess.stderr }).on('line', hooks.onLine)
  const ready = new Promise<boolean>((resolve) => {
    createInterface({ input: subprocess.stdout }).on('line', (line) => {
      if (!line.startsWith('ready ')) return
      hooks.onReady(line)
      resolve(true)
    })
    void ended.then(() => resolve(false))
  })
  return {
    pid: subprocess.pid,
    ready,
    ended,
    kill: (signal) => void nodeChildProcess.kill(signal),
  }
}

/** The promise's value, or null when it took too long. */
async function within<Value>(promise: Promise<Value>, limit_ms: number): Promise<Value | null> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), limit_ms)
  })
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}
