/** Collects what is wrong or doubtful in one file, each with its place. */
import type { Problem } from './job.ts'
import type { Path, Place, Tree } from './yaml-tree.ts'

export type Report = {
  readonly problems: Problem[]
  /** At the value of a path. */
  readonly error: (path: Path, message: string, hint: string | null) => void
  /** At the key that ends a path. */
  readonly errorAtKey: (path: Path, message: string, hint: string | null) => void
  /** At a character inside a text. */
  readonly errorIn: (path: Path, offset: number, message: string, hint: string | null) => void
  readonly warnIn: (path: Path, offset: number, message: string, hint: string | null) => void
  readonly warnAtKey: (path: Path, message: string, hint: string | null) => void
}

export function startReport(tree: Tree): Report {
  const problems: Problem[] = []
  const add = (severity: Problem['severity'], place: Place, message: string, hint: string | null) =>
    void problems.push({ severity, file: tree.file, ...place, message, hint })
  return {
    problems,
    error: (path, message, hint) => add('error', tree.placeOf(path), message, hint),
    errorAtKey: (path, message, hint) => add('error', tree.keyPlaceOf(path), message, hint),
    errorIn: (path, offset, message, hint) =>
      add('error', tree.placeIn(path, offset), message, hint),
    warnIn: (path, offset, message, hint) =>
      add('warning', tree.placeIn(path, offset), message, hint),
    warnAtKey: (path, message, hint) => add('warning', tree.keyPlaceOf(path), message, hint),
  }
}
