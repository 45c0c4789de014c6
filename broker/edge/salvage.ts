/**
 * What the worker door makes of messages that matter and that it cannot read as they are: those of a newer worker, or of one
 * that somebody wrote. If they were skipped like all others, a worker would stay outside because of one job, and a task
 * would hang for ever because its report says something new.
 */
import { z } from 'zod'
import { Card, LaneLimit, NAME_PATTERN } from '../../common/definition/card.ts'
import { Ended, Held, Hello } from '../../common/protocol/worker-door.ts'

const MAX_NOTE = 4096
const MAX_REASON = 200
/** To look at each of more would hold everybody up for seconds. */
const [MOST_CARDS, MOST_HELD] = [10_000, 100_000]

/**
 * A `hello` without the jobs and lanes that cannot be read; `reload_error` says which they are. Null when it cannot be read
 * even so.
 */
export function salvageHello(message: unknown): Hello | null {
  const { cards, lanes, held, reload_error } = Object(message) as Record<string, unknown>
  if (listOf(cards).length > MOST_CARDS || listOf(held).length > MOST_HELD) return null
  const left_out: string[] = []
  const read = <T>(schema: z.ZodType<T>, what: string, item: unknown): T[] => {
    const parsed = schema.safeParse(item)
    if (parsed.success) return [parsed.data]
    left_out.push(`${what}: ${firstIssue(parsed.error)}`)
    return []
  }
  const good = {
    cards: listOf(cards).flatMap((card) => read(Card, `job ${nameOf(card)}`, card)),
    lanes: Object.fromEntries(
      Object.entries(Object(lanes) as Record<string, unknown>)
        .filter(([name]) => NAME_PATTERN.test(name))
        .flatMap(([name, lane]) =>
          read(LaneLimit, `lane ${name}`, lane).map((each) => [name, each]),
        ),
    ) as Hello['lanes'],
    // Whatever has become of it, it is there: what is left out here is taken for lost.
    held: listOf(held).map(
      (each) => Held.safeParse(each).data ?? { ...Object(each), state: 'running' },
    ),
  }
  const note = `this broker cannot read ${left_out.join('; ')} (is it older than the worker? update it)`
  const notes = left_out.length === 0 ? [] : [note]
  if (typeof reload_error === 'string') notes.unshift(reload_error)
  const parsed = Hello.safeParse({
    ...(message as object),
    ...good,
    reload_error: notes.length === 0 ? null : notes.join('; ').slice(0, MAX_NOTE),
  })
  return parsed.success ? parsed.data : null
}

const Said = Ended.pick({ kind: true, task_id: true, attempt: true })

/** A report that cannot be read still says that the attempt is over. Null when it does not say which. */
export function salvageEnded(message: unknown, why: string, now_ms: number): Ended | null {
  const said = Said.safeParse(message)
  if (!said.success) return null
  return {
    ...said.data,
    exit_code: null,
    signal: null,
    reason: 'unreadable_report',
    message: `the worker's report cannot be read (${why})`,
    started_at_ms: null,
    finished_at_ms: now_ms,
    output: {},
    stdout_bytes: 0,
    stderr_bytes: 0,
    error_tail: '',
  }
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : [])

const nameOf = (card: unknown): string => {
  const { job } = Object(card) as { job?: unknown }
  return typeof job === 'string' ? job.slice(0, 128) : 'without a name'
}

function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues
  return `${issue?.path.join('.')} ${issue?.message}`.slice(0, MAX_REASON)
}
