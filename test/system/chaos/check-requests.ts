/** What was answered over HTTP is true, and stays true. */
import type { History, Request, Violation } from './history.ts'
import { FINAL_STATES } from './history.ts'
import type { Indexed } from './index-of.ts'

const isAccepted = (status: number): boolean => (status >= 200 && status < 300) || status === 424

/** Every trigger that was answered is a run; one `request_id` is one run, however often it was said. */
export function* checkRequests(history: Indexed): Iterable<Violation> {
  const roots = rootsByTag(history)
  for (const request of history.requests) {
    const { request_id, job, answers } = request
    const accepted = answers.filter(({ status }) => isAccepted(status))
    const ids = new Set(accepted.flatMap(({ run_id }) => run_id ?? []))
    const found = roots.get(request_id) ?? []
    const what = `${job} under ${request_id}`
    if (accepted.length === 0) yield { kind: 'hanging', message: `${what} was never answered` }
    if (ids.size > 1)
      yield { kind: 'doubled', message: `${what} was answered ${[...ids].join(', ')}` }
    if (found.length > 1) yield { kind: 'doubled', message: `${what} is ${found.length} runs` }
    for (const id of ids)
      if (!history.runs.has(id)) yield { kind: 'lost', message: `${what}: there is no run ${id}` }
      else if (!found.includes(id))
        yield { kind: 'wrong', message: `${what}: the run ${id} is another one` }
    yield* refusals(request)
  }
}

/** Nothing that the rig asks is wrong, so no answer may say so. */
function* refusals({ job, request_id, answers }: Request): Iterable<Violation> {
  for (const { status } of answers)
    if (status >= 400 && status < 500 && !isAccepted(status))
      yield { kind: 'wrong', message: `${job} under ${request_id} was refused with ${status}` }
}

/** Runs that nothing but a trigger made, by the tag that they were started with. */
function rootsByTag({ runs }: History): Map<string, string[]> {
  const roots = new Map<string, string[]>()
  for (const run of runs.values()) {
    const { tag } = run.params
    if (run.parent_run_id !== null || run.retry_of !== null || tag === undefined) continue
    if (run.context['gate_key'] !== undefined) continue
    roots.set(tag, [...(roots.get(tag) ?? []), run.run_id])
  }
  return roots
}

/** An outcome that somebody was told is the run's outcome for good. */
export function* checkAnswers({ requests, acts, runs }: Indexed): Iterable<Violation> {
  for (const { run_id, final_state } of [...requests, ...acts].flatMap(({ answers }) => answers)) {
    const run = runs.get(run_id ?? '')
    if (run && final_state !== null && FINAL_STATES.has(final_state) && run.state !== final_state)
      yield {
        kind: 'wrong',
        message: `${run.job} ${run_id} was ${final_state}, and is ${run.state}`,
      }
  }
}

/** A cancel that was answered 202 holds, and nothing else is canceled. */
export function* checkCancels({ acts, runs }: Indexed): Iterable<Violation> {
  const cancels = acts.filter(({ kind }) => kind === 'cancel')
  for (const { run_id, answers } of cancels) {
    const run = runs.get(run_id)
    if (run && answers.some(({ status }) => status === 202) && run.state !== 'canceled')
      yield { kind: 'wrong', message: `${run.job} ${run_id} was canceled, and is ${run.state}` }
  }
  const asked = new Set(cancels.map(({ run_id }) => run_id))
  for (const run of runs.values())
    if (run.state === 'canceled' && !asked.has(run.run_id))
      yield { kind: 'wrong', message: `${run.job} ${run.run_id}: nobody asked to cancel it` }
}

/** A retry by hand makes one run; one without an answer made one or none. */
export function* checkRetries({ acts, runs, retriesOf }: Indexed): Iterable<Violation> {
  for (const { kind, run_id, tries, answers } of acts) {
    if (kind !== 'retry') continue
    const made = retriesOf(run_id).length
    const sure = answers.filter(({ status }) => status === 202).length
    const refused = answers.filter(({ status }) => status === 409).length
    if (made < sure)
      yield { kind: 'lost', message: `${sure} retries of ${run_id} made ${made} runs` }
    if (made > tries - refused)
      yield { kind: 'doubled', message: `${tries} retries of ${run_id} made ${made} runs` }
  }
  const asked = new Set(acts.filter(({ kind }) => kind === 'retry').map(({ run_id }) => run_id))
  for (const { retry_of, run_id } of runs.values())
    if (retry_of !== null && !asked.has(retry_of))
      yield { kind: 'wrong', message: `nobody asked for the retry ${run_id}` }
}
