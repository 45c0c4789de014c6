/**
 * All the files of a jobs directory, made into checked definitions; all or nothing.
 *
 * Every problem of every file is collected, so that one look is enough. A file whose form is wrong is not looked at
 * further, since what it means would be a guess.
 */
import { buildJob } from './build-job.ts'
import { buildSemaphore } from './build-semaphores.ts'
import type { Semaphore } from './card.ts'
import { circlesOf, edgesOf, unknownMembers, unknownSteps } from './graph.ts'
import type { Job, Loaded, Problem } from './job.ts'
import { placesInJob, placesInSemaphore } from './secret-places.ts'
import { secretNamesIn } from './secrets.ts'
import { startReport } from './report.ts'
import type { Report } from './report.ts'
import { FileYaml } from './schema.ts'
import { schemaProblems } from './schema-problems.ts'
import type { Path, Tree } from './yaml-tree.ts'
import { readTree } from './yaml-tree.ts'

/** Something that a file defines, and where, for messages about it. */
type Defined<T> = { readonly it: T; readonly tree: Tree; readonly path: Path }

type Collected = {
  readonly jobs: Map<string, Defined<Job>>
  readonly semaphores: Map<string, Defined<Semaphore>>
  readonly lanes: Map<string, Defined<number | null>>
  readonly problems: Problem[]
}

/** Parses and checks the texts of all files together. `file` is for messages only. */
export function parseDefinitions(
  files: readonly { readonly file: string; readonly text: string }[],
): Loaded {
  const collected: Collected = {
    jobs: new Map(),
    semaphores: new Map(),
    lanes: new Map(),
    problems: [],
  }
  for (const { file, text } of files) collectFile(file, text, collected)
  const { problems } = collected
  problems.push(...secretProblems(collected))
  if (problems.some((problem) => problem.severity === 'error')) return { kind: 'refused', problems }
  const jobs = plain(collected.jobs)
  const semaphores = plain(collected.semaphores)
  const lanes = Object.fromEntries(
    [...plain(collected.lanes)].map(([name, limit]) => [name, { limit }]),
  )
  const warnings = [...problems, ...graphWarnings(collected, jobs, semaphores)]
  return { kind: 'loaded', definitions: { jobs, lanes, semaphores }, warnings }
}

function collectFile(file: string, text: string, collected: Collected): void {
  const read = readTree(file, text)
  if (read.kind === 'refused') return void collected.problems.push(...read.problems)
  const { tree } = read
  const report = startReport(tree)
  if (tree.value === null)
    report.warnAtKey([], 'the file defines nothing', 'add jobs, or remove it')
  const checked = FileYaml.safeParse(tree.value ?? {})
  if (checked.success) buildFile(checked.data, tree, report, collected)
  else collected.problems.push(...schemaProblems(tree, checked.error.issues))
  collected.problems.push(...report.problems)
}

function buildFile(written: FileYaml, tree: Tree, report: Report, collected: Collected): void {
  const defaults = written.defaults ?? {}
  for (const [name, job] of Object.entries(written.jobs ?? {})) {
    const path = ['jobs', name]
    const { line, column } = tree.keyPlaceOf(path)
    const pathOf = (key: string) =>
      Object.hasOwn(job, key) || !Object.hasOwn(defaults, key) ? [...path, key] : ['defaults', key]
    // A list of arguments has no use for the shell of the defaults.
    const inherited = Array.isArray(job.command) ? { ...defaults, shell: undefined } : defaults
    const it = buildJob(
      name,
      { ...inherited, ...job },
      `${tree.file}:${line}:${column}`,
      pathOf,
      report,
    )
    define(collected.jobs, 'job', name, { it, tree, path }, report)
  }
  for (const [name, semaphore] of Object.entries(written.semaphores ?? {})) {
    const path = ['semaphores', name]
    const it = buildSemaphore(name, semaphore, path, report)
    define(collected.semaphores, 'semaphore', name, { it, tree, path }, report)
  }
  for (const [name, lane] of Object.entries(written.lanes ?? {})) {
    const one = { it: lane?.limit ?? null, tree, path: ['lanes', name] }
    const other = collected.lanes.get(name)
    if (other === undefined || other.it === one.it) collected.lanes.set(name, one)
    else {
      const message = `lane ${name} has another limit in ${placeOf(other)}`
      report.errorAtKey(one.path, message, 'give it one limit, in one file')
    }
  }
}

/** Names are unique over all files: which of two jobs is meant must not hang on the order of file names. */
function define<T>(
  map: Map<string, Defined<T>>,
  kind: string,
  name: string,
  one: Defined<T>,
  report: Report,
): void {
  const other = map.get(name)
  if (other === undefined) map.set(name, one)
  else
    report.errorAtKey(
      one.path,
      `${kind} ${name} is already defined in ${placeOf(other)}`,
      'rename one of them',
    )
}

/** Once all files are read, it is known which names are secret. */
function secretProblems({ jobs, semaphores }: Collected): Problem[] {
  const names = secretNamesIn([...jobs.values()].map(({ it }) => it))
  const found = [
    ...[...jobs.values()].map((at) => ({ at, places: placesInJob(at.it.card, names) })),
    ...[...semaphores.values()].map((at) => ({ at, places: placesInSemaphore(at.it, names) })),
  ]
  return found.flatMap(({ at: { tree, path }, places }) =>
    places.map(({ path: within, ...problem }) => ({
      ...problem,
      file: tree.file,
      ...tree.keyPlaceOf([...path, ...within]),
    })),
  )
}

function graphWarnings(
  collected: Collected,
  jobs: ReadonlyMap<string, Job>,
  semaphores: ReadonlyMap<string, Semaphore>,
): Problem[] {
  const warnings: Problem[] = []
  const warn = (
    at: Defined<unknown> | undefined,
    key: string | null,
    message: string,
    hint: string,
  ) => {
    if (at === undefined) return
    const place = at.tree.keyPlaceOf(key === null ? at.path : [...at.path, key])
    warnings.push({ severity: 'warning', file: at.tree.file, ...place, message, hint })
  }
  const found = [
    ...[...collected.jobs.values()].map((at) => ({ at, unknown: unknownSteps(at.it, jobs) })),
    ...[...collected.semaphores.values()].map((at) => ({
      at,
      unknown: unknownMembers(at.it, jobs),
    })),
  ]
  for (const { at, unknown } of found) {
    for (const { key, job, near } of unknown) {
      const hint = near === null ? 'fine if another host defines it' : `did you mean ${near}?`
      warn(at, key, `${key} names ${job}, which is not in these files`, hint)
    }
  }
  for (const circle of circlesOf(edgesOf(jobs, semaphores))) {
    const way = [...circle, circle[0] ?? ''].join(' -> ')
    warn(
      collected.jobs.get(circle[0] ?? ''),
      null,
      `these jobs start each other in a circle: ${way}`,
      'it may never end',
    )
  }
  return warnings
}

function plain<T>(defined: ReadonlyMap<string, Defined<T>>): Map<string, T> {
  return new Map([...defined].map(([name, one]) => [name, one.it]))
}

function placeOf(one: Defined<unknown>): string {
  const { line, column } = one.tree.keyPlaceOf(one.path)
  return `${one.tree.file}:${line}:${column}`
}
