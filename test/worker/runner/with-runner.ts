/** A runner on a spool of its own, with real keepers, for tests. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Job } from '../../../common/definition/job.ts'
import type { Event, Exit, Restored } from '../../../worker/core/event.ts'
import { prepare } from '../../../worker/core/prepare.ts'
import type { AttemptTask } from '../../../worker/core/state.ts'
import { keyOf } from '../../../worker/core/state.ts'
import { ALLOW_ALL } from '../../../worker/policy.ts'
import { ownAccount } from '../../../worker/runner/accounts.ts'
import { meansOf } from '../../../worker/runner/as-user.ts'
import { baseEnvironment } from '../../../worker/runner/environment.ts'
import type { LaunchOptions } from '../../../worker/runner/launch.ts'
import { Runner } from '../../../worker/runner/runner.ts'
import { prepareSpool } from '../../../worker/runner/spool-folder.ts'
import { openSpool } from '../../../worker/runner/spool.ts'
import type { Spool } from '../../../worker/runner/spool.ts'
import { jobOf } from '../jobs-of.ts'
import { SILENT } from '../silent.ts'
import { until } from '../until.ts'

export type TestRunner = {
  readonly runner: Runner
  readonly spool: Spool
  readonly events: Event[]
  readonly restored: readonly Restored[]
  /** Lines of warnings. */
  readonly warnings: string[]
  /** Starts a command; answers its key. */
  start(job: Job, params?: Readonly<Record<string, string>>): string
  exited(key: string): Promise<Exit>
  stdout(key: string): string
  stderr(key: string): string
}

export function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-worker-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

/** The prepared folder of a spool. */
export function spoolAt(folder: string): string {
  const prepared = prepareSpool(folder)
  if (prepared.kind === 'refused') throw new Error(prepared.message)
  return prepared.root
}

export function withRunner(
  t: ExecutionContext,
  folder = temporaryFolder(t),
  rest: Partial<LaunchOptions> = {},
): TestRunner {
  const { spool, stored } = openSpool(spoolAt(folder))
  const events: Event[] = []
  const warnings: string[] = []
  const runner = new Runner({
    spool,
    worker: 'web17',
    url: 'http://127.0.0.1:1',
    environment: baseEnvironment(process.env),
    own: ownAccount(),
    means: meansOf(ownAccount().uid),
    policy: () => ALLOW_ALL,
    ...rest,
    onEvent: (event) => events.push(event),
    log: {
      ...SILENT,
      warn: (message, facts) => warnings.push(`${message} ${JSON.stringify(facts)}`),
    },
  })
  t.teardown(() => runner.leave())
  const restored = runner.adopt(stored)
  let sequence = 0
  const read = (key: string, stream: 'stdout' | 'stderr'): string =>
    readFileSync(spool.pathOf(spool.entryOf(key) ?? '', stream), 'utf8')
  return {
    runner,
    spool,
    events,
    restored,
    warnings,
    start: (job, params = {}) => {
      sequence += 1
      const task = taskOf(job.card.job, runId(folder, sequence), params)
      const prepared = prepare(new Map([[task.job, job]]), 'web17', task, Date.now())
      if (prepared.kind === 'refused') throw new Error(prepared.message)
      const { timeout_ms, kill_after_ms, output_limit_bytes } = job.card
      const key = keyOf(task)
      spool.keep(key, task)
      const limits = { timeout_ms, kill_after_ms, output_limit_bytes }
      runner.start({ kind: 'start', key, task, job, values: prepared.values, limits })
      return key
    },
    exited: (key) =>
      until(`${key} exits`, () =>
        events.find((event) => event.kind === 'exited' && event.key === key),
      ).then((event) => {
        if (event.kind !== 'exited') throw new Error('unreachable')
        return event.exit
      }),
    stdout: (key) => read(key, 'stdout'),
    stderr: (key) => read(key, 'stderr'),
  }
}

/** Differs from test to test: processes are found by it on the whole host. */
export const runId = (folder: string, sequence: number): string =>
  `${basename(folder)}-run${sequence}`

/** Runs one command to its end. */
export async function runOnce(
  t: ExecutionContext,
  rest: Readonly<Record<string, unknown>>,
  params: Readonly<Record<string, string>> = {},
): Promise<{ readonly exit: Exit; readonly stdout: string; readonly stderr: string }> {
  const world = withRunner(t)
  const key = world.start(jobOf(rest), params)
  const exit = await world.exited(key)
  if (exit.how.kind === 'not_started') return { exit, stdout: '', stderr: '' }
  return { exit, stdout: world.stdout(key), stderr: world.stderr(key) }
}

function taskOf(
  job: string,
  run_id: string,
  params: Readonly<Record<string, string>>,
): AttemptTask {
  return {
    task_id: `${run_id}.0`,
    attempt: 1,
    run_id,
    flow_id: 'flow1',
    job,
    params: { ...params },
    context: {},
  }
}
