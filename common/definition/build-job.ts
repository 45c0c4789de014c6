/** One job as it is written, with its defaults filled in, made into the card that is announced and the part that stays. */
import { buildCommand, namesIn } from './build-command.ts'
import { buildParams } from './build-params.ts'
import { buildSteps } from './build-steps.ts'
import type { Card, Concurrency, Retries } from './card.ts'
import { parseDuration } from './durations.ts'
import type { CommandLimits, Job } from './job.ts'
import type { Report } from './report.ts'
import { offlineOf } from './schema.ts'
import type { JobYaml } from './schema.ts'
import { lacksErrorExit } from './shell-lines.ts'
import { parseSize } from './sizes.ts'
import { placeholdersOf } from './template.ts'
import type { Path } from './yaml-tree.ts'

const DEFAULT_KILL_AFTER_MS = 10_000
const DEFAULT_BACKOFF_MS = 10_000
const DEFAULT_MAX_BACKOFF_MS = 600_000
const DEFAULT_OUTPUT_LIMIT_BYTES = 10 * 1024 * 1024

/** `job` has the file's defaults already; `pathOf` says where each key is written, in the job or in the defaults. */
export function buildJob(
  name: string,
  job: JobYaml,
  where: string,
  pathOf: (key: string) => Path,
  report: Report,
): Job {
  const command = buildCommand(job, pathOf('command'), report)
  checkEnvironment(job, pathOf, report)
  if (command.kind === 'shell' && lacksErrorExit(command.shell, command.text)) {
    const message = 'a command of several lines goes on after a line that fails'
    report.warnAtKey(pathOf('command'), message, 'begin it with set -e')
  }
  if (job.deliver === 'one') {
    for (const key of ['offline', 'require'] as const) {
      const isOwn = pathOf(key)[0] === 'jobs'
      if (job[key] !== undefined && isOwn) {
        report.warnAtKey(pathOf(key), `${key} means nothing with deliver: one`, 'leave it out')
      }
    }
  }
  return {
    card: buildCard(name, job, pathOf, report),
    command,
    env: { ...job.env },
    env_file: job.env_file ?? null,
    cwd: job.cwd ?? null,
    user: job.user ?? null,
    limits: buildLimits(job.limits ?? {}),
    where,
  }
}

function buildCard(
  name: string,
  job: JobYaml,
  pathOf: (key: string) => Path,
  report: Report,
): Card {
  const stepsOf = (key: 'on_success' | 'on_failure' | 'on_each_success' | 'on_each_failure') =>
    buildSteps(job[key], pathOf(key), report)
  return {
    job: name,
    description: job.description ?? null,
    topic: job.topic ?? name,
    deliver: job.deliver ?? 'all',
    offline_wait_ms: offlineOf(job.offline ?? 'skip') ?? 0,
    require: job.require ?? 'present',
    params: buildParams(job.params ?? {}, namesIn(job), pathOf('params'), report),
    params_only: job.params_only ?? false,
    on_success: stepsOf('on_success'),
    on_failure: stepsOf('on_failure'),
    on_each_success: stepsOf('on_each_success'),
    on_each_failure: stepsOf('on_each_failure'),
    timeout_ms: millisecondsOf(job.timeout),
    kill_after_ms: millisecondsOf(job.kill_after) ?? DEFAULT_KILL_AFTER_MS,
    retries: buildRetries(job.retries ?? 0),
    on_lost: job.on_lost ?? 'retry',
    lane: job.lane ?? 'main',
    priority: job.priority ?? 512,
    concurrency: buildConcurrency(job.concurrency),
    expires_ms: millisecondsOf(job.expires),
    output_limit_bytes:
      parseSize(job.output_limit ?? DEFAULT_OUTPUT_LIMIT_BYTES) ?? DEFAULT_OUTPUT_LIMIT_BYTES,
  }
}

function buildLimits({ memory, tasks, files }: NonNullable<JobYaml['limits']>): CommandLimits {
  return {
    memory_bytes: memory === undefined ? null : parseSize(memory),
    tasks: tasks ?? null,
    files: files ?? null,
  }
}

function buildRetries(written: NonNullable<JobYaml['retries']>): Retries {
  const retries = typeof written === 'number' ? { limit: written } : written
  const backoff_ms = millisecondsOf(retries.backoff) ?? DEFAULT_BACKOFF_MS
  return {
    limit: retries.limit,
    backoff_ms,
    max_backoff_ms: Math.max(
      backoff_ms,
      millisecondsOf(retries.max_backoff) ?? DEFAULT_MAX_BACKOFF_MS,
    ),
    exit_codes: retries.exit_codes ?? null,
  }
}

function buildConcurrency(written: JobYaml['concurrency']): Concurrency | null {
  if (written === undefined) return null
  return {
    limit: written.limit,
    key: written.key ?? null,
    per: written.per ?? 'all',
    when_full: written.when_full ?? 'queue',
  }
}

function checkEnvironment(job: JobYaml, pathOf: (key: string) => Path, report: Report): void {
  for (const [name, value] of Object.entries(job.env ?? {})) {
    const path = [...pathOf('env'), name]
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      report.errorAtKey(
        path,
        `${JSON.stringify(name)} is no name for a variable`,
        'letters, digits and _',
      )
    } else if (name.startsWith('JOBZ_')) {
      report.errorAtKey(
        path,
        `${name}: variables that begin with JOBZ_ are set by jobz`,
        'choose another name',
      )
    }
    if (value.includes('\0')) report.error(path, `${name} has a NUL character`, null)
    if (placeholdersOf(value).length > 0) {
      report.warnAtKey(
        path,
        `${name} is literal: its placeholder is not filled`,
        'values are in JOBZ_P_<name>',
      )
    }
  }
}

function millisecondsOf(written: string | number | undefined): number | null {
  return written === undefined ? null : parseDuration(written)
}
