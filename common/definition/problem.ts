/** How a problem of a definition is shown to people: one line that editors and terminals can jump from. */
import type { Problem } from './job.ts'

/** `jobs/catalog.yaml:4:3: error: unknown key "comand" (did you mean "command"?)` */
export function showProblem(problem: Problem): string {
  const hint = problem.hint === null ? '' : ` (${problem.hint})`
  const place = `${problem.file}:${problem.line}:${problem.column}`
  return `${place}: ${problem.severity}: ${problem.message}${hint}`
}
