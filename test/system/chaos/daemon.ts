/** A daemon under a supervisor that starts it again whenever it ends, as systemd would. */
import { appendFile } from 'node:fs/promises'
import { setTimeout as after } from 'node:timers/promises'
import { launch, type Process } from '../launch.ts'

export type Kind = 'broker' | 'worker' | 'semaphore' | 'frontend'
export type Daemon = {
  readonly name: string
  readonly kind: Kind
  /** Null while it is not there. */
  pid(): number | null
  /** It said that it serves. */
  isUp(): boolean
  /** False when there was nobody to send it to. What ends it is expected from now on. */
  signal(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): boolean
  /** Fulfilled when it serves for the first time. */
  start(): Promise<void>
  /** Ends it for good. */
  stop(): Promise<void>
}

export type DaemonHooks = {
  /** It serves again, after an end. */
  readonly onReady: (name: string) => void
  /** It ended, and nobody made it. */
  readonly onCrash: (name: string, how: string) => void
}

const AGAIN_MS = 100
const STOP_LIMIT_MS = 15_000

export function supervise(
  spec: { readonly name: string; readonly kind: Kind; readonly args: readonly string[] },
  folder: string,
  hooks: DaemonHooks,
): Daemon {
  const { name, kind, args } = spec
  const life = { process: null as Process | null, up: false, told: false, over: false }

  const live = async (first: boolean): Promise<void> => {
    const one = launch(args, { cwd: folder })
    Object.assign(life, { process: one, up: false, told: false })
    void liveAgain(one)
    await one.ready
    life.up = true
    if (!first) hooks.onReady(name)
  }
  const liveAgain = async (one: Process): Promise<void> => {
    const how = await one.ended
    Object.assign(life, { process: null, up: false })
    await appendFile(`${folder}/${name}.log`, one.log())
    // A clean stop ends with 0, a kill by its signal; everything else nobody asked for.
    if (!life.told || (how !== 0 && how !== 'SIGKILL'))
      hooks.onCrash(name, `ended with ${how}: ${one.log().slice(-600)}`)
    await after(AGAIN_MS)
    if (!life.over) await live(false).catch(() => undefined)
  }
  return {
    name,
    kind,
    pid: () => life.process?.pid ?? null,
    isUp: () => life.up,
    signal: (signal) => {
      if (!life.process) return false
      if (signal === 'SIGKILL' || signal === 'SIGTERM')
        Object.assign(life, { told: true, up: false })
      life.process.kill(signal)
      return true
    },
    start: () => live(true),
    stop: async () => {
      Object.assign(life, { over: true, told: true })
      const { process: last } = life
      if (!last) return
      last.kill('SIGTERM')
      last.kill('SIGCONT')
      const late = setTimeout(() => last.kill('SIGKILL'), STOP_LIMIT_MS)
      await last.ended
      clearTimeout(late)
    },
  }
}
