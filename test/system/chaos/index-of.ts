/** A history by the questions that the checks ask of it. */
import type { RunView, TaskView } from '../../../common/protocol/answers.ts'
import type { History, Line } from './history.ts'

export type Indexed = History & {
  /** By `attemptKey`, in order; `at` is the place in the log. */
  readonly begins: ReadonlyMap<string, readonly number[]>
  readonly ends: ReadonlyMap<string, readonly number[]>
  /** Where the command of a run first began. */
  readonly firstBegin: ReadonlyMap<string, number>
  readonly linesOf: (run_id: string) => readonly Line[]
  /** What followed from a run; retries by hand are not among them. */
  readonly childrenOf: (run_id: string) => readonly RunView[]
  readonly retriesOf: (run_id: string) => readonly RunView[]
}

export const attemptKey = (run_id: string, worker: string, attempt: number): string =>
  `${run_id} ${worker} ${attempt}`

export function indexed(history: History): Indexed {
  const begins = new Map<string, number[]>()
  const ends = new Map<string, number[]>()
  const lines = new Map<string, Line[]>()
  const firstBegin = new Map<string, number>()
  for (const [at, line] of history.lines.entries()) {
    const key = attemptKey(line.run_id, line.worker, line.attempt)
    push(line.what === 'begin' ? begins : ends, key, at)
    push(lines, line.run_id, line)
    if (line.what === 'begin' && !firstBegin.has(line.run_id)) firstBegin.set(line.run_id, at)
  }
  const children = new Map<string, RunView[]>()
  const retries = new Map<string, RunView[]>()
  for (const run of history.runs.values())
    if (run.retry_of !== null) push(retries, run.retry_of, run)
    else if (run.parent_run_id !== null) push(children, run.parent_run_id, run)
  return {
    ...history,
    begins,
    ends,
    firstBegin,
    linesOf: (run_id) => lines.get(run_id) ?? [],
    childrenOf: (run_id) => children.get(run_id) ?? [],
    retriesOf: (run_id) => retries.get(run_id) ?? [],
  }
}

/** Where in the log the attempt that counts ended. */
export function endOf({ ends }: Indexed, run: RunView, task: TaskView): number | null {
  return ends.get(attemptKey(run.run_id, task.worker ?? '', task.attempt))?.[0] ?? null
}

function push<T>(map: Map<string, T[]>, key: string, item: T): void {
  const items = map.get(key)
  if (items) items.push(item)
  else map.set(key, [item])
}
