/** What the schema finds wrong, in words for the author of the file: where, what, and what was probably meant. */
import type { z } from 'zod'
import type { Problem } from './job.ts'
import { nearestName } from './nearest.ts'
import {
  ConcurrencyYaml,
  DefaultsYaml,
  FileYaml,
  JobYaml,
  LaneYaml,
  LimitsYaml,
  MemberYaml,
  ParamYaml,
  RESERVED_KEYS,
  RetriesYaml,
  SemaphoreYaml,
  StepYaml,
} from './schema.ts'
import type { Path, Tree } from './yaml-tree.ts'

type Issue = z.core.$ZodIssue

/** One problem for each thing wrong, in the order of the file. */
export function schemaProblems(tree: Tree, issues: readonly Issue[]): Problem[] {
  const problems = issues.flatMap((issue) => problemsOf(tree, issue, []))
  return problems.toSorted((left, right) => left.line - right.line || left.column - right.column)
}

function problemsOf(tree: Tree, issue: Issue, around: Path): Problem[] {
  const path = [...around, ...(issue.path as (string | number)[])]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(tree, path, key))
  }
  if (issue.code === 'invalid_union') {
    // The alternative that fits in kind is the one that was meant, and what is wrong inside of it is the answer.
    const meant = issue.errors.find((errors) =>
      errors.every((inner) => inner.path.length > 0 || isUnknownKey(inner)),
    )
    if (meant !== undefined) return meant.flatMap((inner) => problemsOf(tree, inner, path))
  }
  const key = labelOf(path)
  const isMissing = valueAt(tree.value, path) === undefined
  if (issue.code === 'invalid_key') {
    const rule = issue.issues[0]?.message ?? 'is no name'
    return [
      {
        ...base(tree, tree.keyPlaceOf(path)),
        message: `${JSON.stringify(key)} ${rule}`,
        hint: null,
      },
    ]
  }
  if (isMissing) {
    const message = `${key} is missing${path.length > 1 ? ` in ${String(path.at(-2))}` : ''}`
    return [{ ...base(tree, tree.keyPlaceOf(path.slice(0, -1))), message, hint: `add ${key}: …` }]
  }
  return [{ ...base(tree, tree.placeOf(path)), message: `${key} ${ruleOf(issue)}`, hint: null }]
}

/** What a place is called: its key, or its number in a list. */
function labelOf(path: Path): string {
  const last = path.at(-1)
  if (typeof last !== 'number') return last ?? 'the file'
  return `item ${last + 1} of ${labelOf(path.slice(0, -1))}`
}

function isUnknownKey(issue: Issue): boolean {
  return issue.code === 'unrecognized_keys'
}

/** The rule in a few words. The schema's own messages are such; the library's are made into one. */
function ruleOf(issue: Issue): string {
  if (/^(?:must|is) /.test(issue.message)) return issue.message
  if (issue.code === 'too_big') return `has more than ${issue.maximum}`
  if (issue.code === 'too_small') return 'must not be empty'
  if (issue.code !== 'invalid_type') return issue.message
  const isMapping = issue.expected === 'object' || issue.expected === 'record'
  return isMapping ? 'must be a mapping of keys' : `must be a ${issue.expected}`
}

function unknownKey(tree: Tree, path: Path, key: string): Problem {
  const where = base(tree, tree.keyPlaceOf([...path, key]))
  if (RESERVED_KEYS.has(key)) {
    const message = `${key} is reserved for a later version and does nothing yet, so it is refused`
    return { ...where, message, hint: 'leave it out' }
  }
  const known = Object.keys(shapeAt(path))
  const near = nearestName(key, known)
  const hint = near === null ? `known here: ${known.join(', ')}` : `did you mean ${near}?`
  return { ...where, message: `unknown key ${JSON.stringify(key)}`, hint }
}

/** The schema whose keys are known at a place of the file. */
function shapeAt(path: Path): object {
  const [section, , key] = path
  const last = path.findLast((part) => typeof part === 'string')
  if (path.length === 0) return FileYaml.shape
  if (section === 'lanes') return LaneYaml.shape
  if (section === 'defaults' && path.length === 1) return DefaultsYaml.shape
  if (section === 'jobs' && path.length === 2) return JobYaml.shape
  if (section === 'semaphores' && path.length === 2) return SemaphoreYaml.shape
  if (section === 'jobs' && key === 'params') return ParamYaml.shape
  if (last === 'retries') return RetriesYaml.shape
  if (last === 'limits') return LimitsYaml.shape
  if (last === 'concurrency') return ConcurrencyYaml.shape
  return last === 'wait_for' ? MemberYaml.shape : StepYaml.shape
}

function base(tree: Tree, place: { line: number; column: number }) {
  return { severity: 'error' as const, file: tree.file, ...place }
}

function valueAt(value: unknown, path: Path): unknown {
  let inner = value
  for (const key of path) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, key)) return undefined
    inner = (inner as Record<string | number, unknown>)[key]
  }
  return inner
}
