/**
 * Reads the definitions from disk: files as they are named, and folders with what is below them.
 *
 * Whatever can't be read is a problem like any other, since half a jobs directory is worse than the last good one.
 */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Definitions, Job, Loaded, Problem } from './job.ts'
import { parseDefinitions } from './parse.ts'
import { MOST_BYTES } from './yaml-bounds.ts'

const MOST_FILES = 10_000
const DEEPEST_FOLDER = 20

type Found = { readonly files: Map<string, string>; readonly problems: Problem[] }

/**
 * Loads all `*.yaml` and `*.yml` files of the paths, sorted by name; hidden files and folders are passed over. A job's
 * `cwd` and `env_file` are made absolute, starting from the folder of the file that names them.
 */
export function loadDefinitions(paths: readonly string[]): Loaded {
  const found: Found = { files: new Map(), problems: [] }
  for (const path of paths) findPath(path, found)
  const texts = [...found.files.values()].flatMap((file) => {
    const text = readText(file, found)
    return text === null ? [] : [{ file, text }]
  })
  const loaded = parseDefinitions(texts)
  const own = found.problems
  if (loaded.kind === 'refused') return { kind: 'refused', problems: [...own, ...loaded.problems] }
  if (own.some((problem) => problem.severity === 'error')) {
    return { kind: 'refused', problems: [...own, ...loaded.warnings] }
  }
  const definitions = withAbsolutePaths(loaded.definitions)
  return { kind: 'loaded', definitions, warnings: [...own, ...loaded.warnings] }
}

function findPath(path: string, found: Found): void {
  const before = found.files.size
  const isFolder = attempt(path, found, () => statSync(path).isDirectory())
  if (isFolder === false) findFile(path, found)
  if (isFolder !== true) return
  findFolder(path, found, 0)
  if (found.files.size === before && found.problems.length === 0) {
    add(found, 'warning', path, 'there is no *.yaml file in this folder', 'no job is defined by it')
  }
}

function findFolder(folder: string, found: Found, depth: number): void {
  if (depth > DEEPEST_FOLDER)
    return add(
      found,
      'error',
      folder,
      'folders are nested too deep',
      'is there a link to a folder above?',
    )
  const entries = attempt(folder, found, () => readdirSync(folder).toSorted()) ?? []
  for (const entry of entries.filter((name) => !name.startsWith('.'))) {
    const path = join(folder, entry)
    const isYaml = /\.ya?ml$/.test(entry)
    // What neither is a folder nor looks like a definition may be a broken link, and is nobody's concern.
    const isFolder = isYaml
      ? attempt(path, found, () => statSync(path).isDirectory())
      : statSync(path, { throwIfNoEntry: false })?.isDirectory()
    if (isFolder === true) findFolder(path, found, depth + 1)
    else if (isYaml && isFolder === false) findFile(path, found)
  }
}

/** A file that is reached twice, as by `jobs` and `jobs/a.yaml`, is read once. */
function findFile(path: string, found: Found): void {
  if (found.files.size >= MOST_FILES)
    return add(found, 'error', path, `more than ${MOST_FILES} files`, 'use fewer')
  const real = attempt(path, found, () => realpathSync(path))
  if (real !== null && !found.files.has(real)) found.files.set(real, path)
}

function readText(file: string, found: Found): string | null {
  const size = attempt(file, found, () => {
    const stat = statSync(file)
    return stat.isFile() ? stat.size : -1
  })
  if (size === null) return null
  if (size === -1)
    add(found, 'error', file, 'this is no ordinary file', 'name a YAML file or a folder')
  else if (size > MOST_BYTES)
    add(found, 'error', file, 'the file is larger than 256 KiB', 'split it into several files')
  if (size < 0 || size > MOST_BYTES) return null
  const bytes = attempt(file, found, () => readFileSync(file))
  if (bytes === null) return null
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    add(found, 'error', file, 'the file is not valid UTF-8', 'save it as UTF-8')
    return null
  }
}

const REASONS = new Map([
  ['ENOENT', ['there is no such file or folder', 'check the path, or create it']],
  ['EACCES', ['it may not be read', 'give this user the right to read it']],
  ['EPERM', ['it may not be read', 'give this user the right to read it']],
  ['ELOOP', ['its links lead in a circle', 'remove the link']],
])

/** Asks the file system; a refusal is noted as a problem, and answered with null. */
function attempt<T>(path: string, found: Found, ask: () => T): T | null {
  try {
    return ask()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    const [message, hint] = REASONS.get(code) ?? [
      `it can't be read: ${code}`,
      'see whether it is what it should be',
    ]
    add(found, 'error', path, message ?? code, hint ?? '')
    return null
  }
}

function add(
  found: Found,
  severity: Problem['severity'],
  file: string,
  message: string,
  hint: string,
): void {
  found.problems.push({ severity, file, line: 1, column: 1, message, hint })
}

function withAbsolutePaths(definitions: Definitions): Definitions {
  const jobs = new Map([...definitions.jobs].map(([name, job]) => [name, withPathsFrom(job)]))
  return { ...definitions, jobs }
}

function withPathsFrom(job: Job): Job {
  const folder = resolve(dirname(job.where.replace(/:\d+:\d+$/, '')))
  const absolute = (path: string | null) => (path === null ? null : resolve(folder, path))
  return { ...job, cwd: absolute(job.cwd), env_file: absolute(job.env_file) }
}
