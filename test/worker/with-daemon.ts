/** Starts worker daemons as real processes on a spool and jobs directory of their own. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import type { Daemon } from '../../common/daemon/run.ts'
import { start } from '../../worker/main.ts'
import type { WorkerSettings } from '../../worker/settings.ts'
import { SILENT } from './silent.ts'
import { temporaryFolder } from './runner/with-runner.ts'
import { until } from './until.ts'

export type Site = {
  readonly folder: string
  /** Writes the jobs, as YAML or JSON. */
  setJobs(jobs: string | Readonly<Record<string, unknown>>): void
  /** In this process, which is quicker: for tests that do not kill it. */
  begin(address: string, rest?: Partial<WorkerSettings>): Promise<Daemon>
  /** As a process of its own. */
  start(address: string, ...flags: string[]): DaemonProcess
}

export type DaemonProcess = {
  readonly child: ChildProcess
  /** What it logged. */
  log(): string
  /** Sends a signal and waits for the end; answers the exit code. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
  exitCode(): Promise<number | null>
}

const MAIN = fileURLToPath(new URL('worker-daemon.ts', import.meta.url))

/** @param before Words before a daemon's own command: a program that becomes it. */
export function openSite(
  t: ExecutionContext,
  jobs: Readonly<Record<string, unknown>>,
  before: readonly string[] = [],
): Site {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'jobs'))
  const setJobs: Site['setJobs'] = (given) =>
    writeFileSync(
      join(folder, 'jobs', 'jobs.yaml'),
      typeof given === 'string' ? given : JSON.stringify({ jobs: given }),
    )
  setJobs(jobs)
  return {
    folder,
    setJobs,
    begin: async (broker, rest = {}) => {
      const settings: WorkerSettings = {
        name: 'web17',
        jobs: join(folder, 'jobs'),
        topics: ['*'],
        slots: 4,
        spool: join(folder, 'spool'),
        broker,
        url: 'http://127.0.0.1:1',
        allow_root: true,
        key: '',
        insecure: false,
        policy: '',
        ...rest,
      }
      const daemon = await start(settings, SILENT, new AbortController().signal)
      if ('kind' in daemon) throw new Error(daemon.message)
      let stopped: Promise<void> | null = null
      const stop = (): Promise<void> => (stopped ??= daemon.stop())
      t.teardown(stop)
      return { ...daemon, stop }
    },
    start: (address, ...flags) => {
      const usual = ['--broker', address, '--spool', 'spool', '--name', 'web17']
      const [program = '', ...words] = [...before, process.execPath, MAIN, ...usual, ...flags]
      const child = spawn(program, words, {
        cwd: folder,
        env: { ...process.env, JOBZ_ALLOW_ROOT: '1' },
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      const exited = once(child, 'exit').then(() => child.exitCode)
      let text = ''
      child.stderr.on('data', (data) => (text += String(data)))
      t.teardown(async () => {
        child.kill('SIGKILL')
        await exited
      })
      return {
        child,
        log: () => text,
        exitCode: () => exited,
        end: (signal) => {
          child.kill(signal)
          return exited
        },
      }
    },
  }
}

/** The daemon said this in its log. */
export const logged = (daemon: DaemonProcess, words: string): Promise<boolean> =>
  until(`it logs "${words}" (it logged ${daemon.log()})`, () => daemon.log().includes(words))
