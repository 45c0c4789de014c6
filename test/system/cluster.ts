/**
 * Real daemons on loopback: each is a process of its own, started as a user would start it, and everything is waited for
 * by what it says. Whatever a test starts is ended with it.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { createInterface } from 'node:readline'
import type { ExecutionContext } from 'ava'
import { execa } from 'execa'
import type { FlowView, RunView } from '../../common/protocol/answers.ts'
import { freePorts } from './ports.ts'

const CLI = join(import.meta.dirname, '../../cli/main.ts')
const READY_LIMIT_MS = 30_000

export type DaemonName = 'broker' | 'worker' | 'semaphore' | 'frontend'
export type Process = {
  readonly pid: number
  /** Everything it wrote to standard error so far. */
  log(): string
  kill(signal: NodeJS.Signals): void
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}
export type Cluster = Awaited<ReturnType<typeof makeCluster>>

export async function makeCluster(t: ExecutionContext, yaml: string) {
  const folder = await mkdtemp(join(tmpdir(), 'jobz-system-'))
  const jobs = join(folder, 'jobs')
  await mkdir(jobs)
  await writeFile(join(jobs, 'jobs.yaml'), yaml)
  const first = await freePorts(4)
  const door = `tcp://127.0.0.1:${first}`
  const url = `http://127.0.0.1:${first + 3}`
  const processes = new Set<Process>()

  const launch = async (args: readonly string[]): Promise<Process> => {
    const child = execa(process.execPath, [CLI, ...args], {
      cwd: folder,
      reject: false,
      buffer: false,
      stdin: 'ignore',
      env: { NO_COLOR: '1' },
    })
    let log = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
    const ended = child.then(({ exitCode, signal }) => exitCode ?? signal ?? 'unknown')
    const one: Process = {
      pid: child.pid ?? 0,
      log: () => log,
      kill: (signal) => void child.kill(signal),
      ended,
    }
    processes.add(one)
    void ended.then(() => processes.delete(one))
    await untilReady(child.stdout, ended, () => `${args.join(' ')}\n${log}`)
    return one
  }
  const json = async (path: string, init?: RequestInit): Promise<unknown> => {
    const response = await fetch(url + path, init)
    return response.json()
  }
  t.teardown(async () => {
    for (const one of processes) one.kill('SIGTERM')
    const all = [...processes]
    const late = setTimeout(() => all.forEach((one) => one.kill('SIGKILL')), 10_000)
    await Promise.all(all.map((one) => one.ended))
    clearTimeout(late)
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  return {
    folder,
    url,
    doors: { worker: door, client: `tcp://127.0.0.1:${first + 1}` },
    launch,
    json,
    broker: () => launch(['broker', '--data', join(folder, 'broker'), '--bind', door]),
    worker: (name = 'web1', ...more: string[]) =>
      launch([
        'worker',
        '--name',
        name,
        '--jobs',
        jobs,
        '--spool',
        join(folder, `spool-${name}`),
        '--broker',
        door,
        '--url',
        url,
        '--allow-root',
        ...more,
      ]),
    semaphore: () => launch(['semaphore', '--jobs', jobs, '--broker', door]),
    frontend: () => launch(['frontend', '--listen', `127.0.0.1:${first + 3}`, '--broker', door]),
    /** Starts a job and gives what the frontend says. */
    start: (query: string) =>
      json(`/job_start?${query}`) as Promise<RunView & { flow_state?: string; error?: unknown }>,
    run: (run_id: string) => json(`/api/runs/${run_id}`) as Promise<RunView>,
    runs: async (query: string): Promise<RunView[]> =>
      ((await json(`/api/runs?limit=1000&${query}`)) as { runs: RunView[] }).runs,
    flow: (flow_id: string) => json(`/api/flows/${flow_id}`) as Promise<FlowView>,
    /** Waits, by the feed, until a run has one of these states. */
    reached: (run_id: string, ...states: string[]) => reached(url, run_id, states),
    file: (name: string) => join(folder, name),
  }
}

/** Follows the server-sent events; each one is a reason to look again. */
async function reached(url: string, run_id: string, states: readonly string[]): Promise<RunView> {
  const stop = AbortSignal.timeout(60_000)
  for (;;) {
    const events = await fetch(`${url}/api/events`, { signal: stop }).catch(() => null)
    const reader = events?.body?.getReader()
    for (;;) {
      const response = await fetch(`${url}/api/runs/${run_id}`, { signal: stop }).catch(() => null)
      const run = response?.ok ? ((await response.json()) as RunView) : null
      if (run && states.includes(run.state)) {
        await reader?.cancel()
        return run
      }
      const next = await reader?.read().catch(() => ({ done: true }))
      if (!next || next.done) break
    }
  }
}

/** Fulfilled by its `ready` line; rejected when it ends before that, or takes too long. */
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
