/**
 * Real daemons on loopback: each is a process of its own, started as a user would start it, and everything is waited for
 * by what it says. Whatever a test starts is ended with it.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { FlowView, RunView } from '../../common/protocol/answers.ts'
import { launch, type LaunchOptions, type Process } from './launch.ts'
import { freePorts } from './ports.ts'

export type Cluster = Awaited<ReturnType<typeof makeCluster>>

export async function makeCluster(t: ExecutionContext, yaml: string) {
  const folder = await mkdtemp(join(tmpdir(), 'jobz-system-'))
  const jobs = join(folder, 'jobs')
  await mkdir(jobs)
  await writeFile(join(jobs, 'jobs.yaml'), yaml)
  const first = await freePorts(8)
  const door = `tcp://127.0.0.1:${first}`
  const url = `http://127.0.0.1:${first + 3}`
  const processes = new Set<Process>()

  const args = {
    broker: ['broker', '--data', join(folder, 'broker'), '--bind', door],
    worker: (name: string) =>
      ['worker', '--name', name, '--jobs', jobs, '--spool', join(folder, `spool-${name}`)].concat([
        '--broker',
        door,
        '--url',
        url,
        '--allow-root',
      ]),
    semaphore: ['semaphore', '--jobs', jobs, '--broker', door],
    frontend: ['frontend', '--listen', `127.0.0.1:${first + 3}`, '--broker', door],
  }
  /** Fulfilled when it serves. */
  const serving = async (
    args: readonly string[],
    options?: Omit<LaunchOptions, 'cwd'>,
  ): Promise<Process> => {
    const one = launch(args, { cwd: folder, ...options })
    processes.add(one)
    void one.ended.then(() => processes.delete(one))
    await one.ready
    return one
  }
  const json = async (path: string, init?: RequestInit): Promise<unknown> => {
    const response = await fetch(url + path, init)
    return response.json()
  }
  t.teardown(async () => {
    const all = [...processes]
    for (const one of all) {
      one.kill('SIGTERM')
      one.kill('SIGCONT')
    }
    const late = setTimeout(() => all.forEach((one) => one.kill('SIGKILL')), 10_000)
    await Promise.all(all.map((one) => one.ended))
    clearTimeout(late)
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  return {
    folder,
    url,
    doors: { worker: door, client: `tcp://127.0.0.1:${first + 1}` },
    /** Four in a row that nobody uses: for a proxy, and one more. */
    spare_port: first + 4,
    launch: serving,
    json,
    /** What each daemon is started with; a flag that is said again later counts. */
    args,
    broker: () => serving(args.broker),
    worker: (name = 'web1', ...more: string[]) => serving([...args.worker(name), ...more]),
    semaphore: () => serving(args.semaphore),
    frontend: () => serving(args.frontend),
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
      if (stop.aborted) throw new Error(`${run_id} is ${run?.state}, not ${states.join(' or ')}`)
      const next = await reader?.read().catch(() => ({ done: true }))
      if (!next || next.done) break
    }
  }
}
