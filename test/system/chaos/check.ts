/**
 * Judges a history, knowing nothing of how jobz works: only what was asked and answered, what ran, and what jobz says
 * became of it. Each check is one promise; what breaks it is a violation.
 */
import { checkAnswers, checkCancels, checkRequests, checkRetries } from './check-requests.ts'
import { checkGates } from './check-gates.ts'
import { FINAL_STATES, type History, type Violation } from './history.ts'
import { attemptKey, endOf, indexed, type Indexed } from './index-of.ts'
import { EXPECTED, FANS } from './jobs.ts'
import type { RunView, TaskView } from '../../../common/protocol/answers.ts'

export type Check = (history: Indexed) => Iterable<Violation>

const CHECKS: readonly Check[] = [
  checkRequests,
  checkAnswers,
  checkCancels,
  checkRetries,
  checkHanging,
  checkOutcomes,
  checkBegins,
  checkAtMostOnce,
  checkContinuations,
  checkOrder,
  checkKilled,
  checkGates,
]

export function check(history: History): Violation[] {
  const known = indexed(history)
  return CHECKS.flatMap((one) => [...one(known)])
}

/** Every run is over, once all faults have stopped and the time to settle has passed. */
function* checkHanging({ runs }: Indexed): Iterable<Violation> {
  for (const run of runs.values())
    if (!FINAL_STATES.has(run.state))
      yield { kind: 'hanging', message: `${nameOf(run)} is ${run.state}: ${run.reason ?? ''}` }
}

/** A task's outcome is what its command did, as far as it ended by itself. */
function* checkOutcomes(history: Indexed): Iterable<Violation> {
  for (const run of history.runs.values()) {
    const tasks = run.tasks ?? []
    const bad = tasks.filter((task) => task.state !== 'succeeded' && task.state !== 'missed')
    if (run.state === 'succeeded' && (bad.length > 0 || tasks.length === 0))
      yield { kind: 'wrong', message: `${nameOf(run)} succeeded with ${bad.length} bad tasks` }
    for (const task of tasks) {
      const said = saidBy(history, run, task)
      if (task.state === 'succeeded' && said !== 0)
        yield {
          kind: 'lost',
          message: `${nameOf(run)} on ${task.worker} succeeded, its command said ${said}`,
        }
      const byItself = task.state === 'failed' && task.exit_code !== null && task.signal === null
      if (byItself && said !== task.exit_code)
        yield {
          kind: 'wrong',
          message: `${nameOf(run)} ended with ${task.exit_code}, its command said ${said}`,
        }
    }
  }
}

/** The code that the attempt which counts wrote when it ended; null when it did not begin and end. */
function saidBy(history: Indexed, run: RunView, task: TaskView): number | null {
  const key = attemptKey(run.run_id, task.worker ?? '', task.attempt)
  const at = endOf(history, run, task)
  return at === null || !history.begins.has(key) ? null : (history.lines[at]?.code ?? null)
}

/** Only what jobz knows of ran, each attempt once, and none after the newest that jobz knows of. */
function* checkBegins({ begins, lines, runs }: Indexed): Iterable<Violation> {
  for (const [key, places] of begins) {
    const { run_id, attempt, worker } = lines[places[0] ?? 0] ?? {}
    const run = runs.get(run_id ?? '')
    if (places.length > 1)
      yield { kind: 'doubled', message: `attempt ${key} began ${places.length} times` }
    if (!run) {
      yield { kind: 'lost', message: `${key} ran, and there is no such run` }
      continue
    }
    const known = run.tasks?.some(({ attempts }) =>
      attempts.some((one) => one.attempt === attempt && one.worker === worker),
    )
    if (!known)
      yield { kind: 'wrong', message: `${nameOf(run)}: nothing is known of attempt ${key}` }
  }
}

function* checkAtMostOnce({ runs, linesOf }: Indexed): Iterable<Violation> {
  for (const run of runs.values()) {
    if (!EXPECTED[run.job]?.at_most_once) continue
    const began = linesOf(run.run_id).filter(({ what }) => what === 'begin').length
    if (began > 1) yield { kind: 'doubled', message: `${nameOf(run)} began ${began} times` }
  }
}

/** Each outcome has its next steps, each of them once, and nothing else follows from it. */
function* checkContinuations({ runs, childrenOf }: Indexed): Iterable<Violation> {
  for (const run of runs.values()) {
    const wanted = [...nextOf(run)].toSorted()
    const found = childrenOf(run.run_id)
      .map(({ job }) => job)
      .filter((job) => !OPENED.has(job))
      .toSorted()
    for (const job of new Set([...wanted, ...found])) {
      const due = wanted.filter((one) => one === job).length
      const there = found.filter((one) => one === job).length
      const message = `${nameOf(run)} (${run.state}) led to ${there} runs of ${job} instead of ${due}`
      if (there !== due) yield { kind: there < due ? 'lost' : 'doubled', message }
    }
  }
}

/** What gates start has its last arrival for a parent, and is judged as theirs. */
const OPENED: ReadonlySet<string> = new Set(FANS.map(({ then }) => then))

function nextOf({ job, state }: RunView): readonly string[] {
  const expected = EXPECTED[job]
  if (state === 'succeeded') return expected?.on_success ?? []
  return state === 'failed' || state === 'expired' ? (expected?.on_failure ?? []) : []
}

/** A next step begins after what it follows has ended. */
function* checkOrder(history: Indexed): Iterable<Violation> {
  for (const run of history.runs.values()) {
    const parent = history.runs.get(run.parent_run_id ?? '')
    const began = history.firstBegin.get(run.run_id)
    if (!parent || parent.state !== 'succeeded' || began === undefined) continue
    for (const task of parent.tasks ?? []) {
      const ended = endOf(history, parent, task)
      if (ended !== null && ended > began)
        yield { kind: 'wrong', message: `${nameOf(run)} began before ${nameOf(parent)} had ended` }
    }
  }
}

/** Nothing is reported killed but what was killed. */
function* checkKilled({ runs, keepers_killed }: Indexed): Iterable<Violation> {
  const attempts = [...runs.values()]
    .flatMap((run) => run.tasks ?? [])
    .flatMap((task) => task.attempts)
  const killed = attempts.filter(({ reason, state }) => reason === 'killed' && state === 'failed')
  if (killed.length > keepers_killed)
    yield {
      kind: 'wrong',
      message: `${killed.length} attempts were killed, by ${keepers_killed} kills`,
    }
}

const nameOf = ({ job, run_id }: RunView): string => `${job} ${run_id}`
