/** Answers to questions: history from the store's reader, what is going on from the state. */
import type {
  ExplainView,
  FlowView,
  RunTokenAnswer,
  RunsAnswer,
  RunView,
  SemaphoreView,
} from '../../common/protocol/answers.ts'
import { cursorOf, numberOf } from '../../common/protocol/cursor.ts'
import type { FromClient, Question, RunFilter } from '../../common/protocol/client-door.ts'
import type { Now } from '../core/event.ts'
import { explainJob } from '../core/explain-job.ts'
import { explainRun, shortReason } from '../core/explain.ts'
import { isSettled } from '../core/flows.ts'
import { failures } from '../core/refusals.ts'
import type { State } from '../core/state.ts'
import { viewSemaphores, within } from '../core/view-gates.ts'
import { hideEntry, hideExplanation, hideRun, showsParams } from '../core/view-secrets.ts'
import { viewJobs, viewLanes, viewMetrics, viewWorkers } from '../core/views.ts'
import type { History } from '../store/store.ts'
import type { Answer } from './client-door.ts'
import type { Counters } from './counters.ts'
import type { Outputs } from './outputs.ts'
import type { RunTokens } from './run-tokens.ts'
import { VERSION } from '../../common/daemon/version.ts'

export type QuestionPorts = {
  readonly state: State
  readonly history: History
  readonly outputs: Outputs
  readonly counters: Counters
  readonly now: () => Now
  readonly runTokens: Pick<RunTokens, 'read'>
}

const OPEN_GATES = 100
/** An answer travels in a frame of 1 MiB. */
const GATES_BYTES = 384 * 1024

export function answerQuestions(ports: QuestionPorts): (request: Request) => Promise<Answer> {
  const { state, history } = ports
  return async (request) => {
    if (request.kind === 'query') return answerQuestion(ports, request.question)
    if (request.after === 'head') {
      const head = cursorOf(state.feed_head)
      return { result: { entries: [], complete_to: head, head } }
    }
    const after = request.after === null ? 0 : numberOf(request.after)
    if (after === null) return { error: failures.badPlace(request.after ?? '') }
    const { entries, complete_to } = await history.replay(after, request.topics, request.limit)
    const shown = entries.map((entry) => hideEntry(state.secret_names, entry))
    return {
      result: {
        entries: shown,
        complete_to: cursorOf(complete_to),
        head: cursorOf(state.feed_head),
      },
    }
  }
}

type Request = FromClient & { kind: 'query' | 'replay' }
type Asked<What extends Question['what']> = Question & { what: What }

async function answerQuestion(ports: QuestionPorts, question: Question): Promise<Answer> {
  const { state, history, now } = ports
  switch (question.what) {
    case 'run':
      return withRun(ports, question.run_id, (run) => hideRun(state.secret_names, run))
    case 'runs':
      return answerRuns(ports, question.filter)
    case 'flow':
      return answerFlow(ports, question.flow_id)
    case 'explain':
      return withRun(ports, question.run_id, (run) =>
        hideExplanation(state.secret_names, run, explainView(ports, run)),
      )
    case 'explain_job':
      return explainJob(state, now(), question.job, question.params)
    case 'jobs':
      return { result: viewJobs(state) }
    case 'workers':
      return { result: viewWorkers(state, now()) }
    case 'semaphores':
      return { result: await semaphores(ports) }
    case 'lanes':
      return { result: viewLanes(state) }
    case 'refusals':
      return { result: await history.refusals(question.job ?? null, question.limit) }
    case 'output':
      return answerOutput(ports, question)
    case 'metrics': {
      const uptime_s = Math.round(process.uptime())
      return {
        result: {
          version: VERSION,
          uptime_s,
          totals: ports.counters.totals(),
          ...viewMetrics(state, now()),
        },
      }
    }
    case 'health':
      return { result: { version: VERSION } }
    case 'run_token':
      return answerRunToken(ports, question.token)
  }
}

/** A token is good while its run goes on: what the broker has in memory. */
function answerRunToken({ state, runTokens }: QuestionPorts, token: string): Answer {
  const run = state.runs.get(runTokens.read(token) ?? '')
  if (!run || run.finished_ms !== null) return { error: failures.badRunToken() }
  const result: RunTokenAnswer = { run_id: run.run_id, flow_id: run.flow_id }
  return { result }
}

/** Finds a run by its whole or shortened id; an unfinished one says what it waits for. */
async function withRun(
  { state, history, now }: QuestionPorts,
  run_id: string,
  show: (run: RunView) => unknown,
): Promise<Answer> {
  const found = await history.find(run_id)
  if (found.kind === 'unknown') return { error: failures.unknownRun(run_id) }
  if (found.kind === 'ambiguous') return { error: failures.ambiguousRun(run_id, found.run_ids) }
  const run = await history.run(found.run_id)
  if (!run) return { error: failures.unknownRun(run_id) }
  const alive = state.runs.get(found.run_id)
  return { result: show(alive ? { ...run, reason: shortReason(state, now(), alive) } : run) }
}

function explainView({ state, now }: QuestionPorts, run: RunView): ExplainView {
  const alive = state.runs.get(run.run_id)
  if (alive) return explainRun(state, now(), alive)
  const details = (run.tasks ?? []).map(
    (task) =>
      `${task.worker ?? 'no worker'}: ${task.state}${task.reason ? `, ${task.reason}` : ''}`,
  )
  const failed = run.state === 'failed' || run.state === 'expired'
  return {
    run_id: run.run_id,
    job: run.job,
    state: run.state,
    summary: run.reason === null ? `it ${run.state}` : `${run.state}: ${run.reason}`,
    details,
    hints: failed ? [`jobz logs ${run.run_id}`, `jobz retry ${run.run_id}`] : [],
  }
}

async function answerRuns({ state, history }: QuestionPorts, filter: RunFilter): Promise<Answer> {
  const wanted = filter.params ?? {}
  const secret = Object.keys(wanted).find((name) => state.secret_names.has(name))
  if (secret !== undefined) return { error: failures.secretFilter(secret) }
  const { runs, before } = await history.runs(filter)
  const shown = runs.map((run) => hideRun(state.secret_names, run))
  const result: RunsAnswer = { runs: shown.filter((run) => showsParams(run, wanted)), before }
  return { result }
}

/** A flow is settled only when no semaphore still has something to say about it. */
async function answerFlow({ state, history }: QuestionPorts, flow_id: string): Promise<Answer> {
  const found = await history.findFlow(flow_id)
  if (found.kind === 'ambiguous') return { error: failures.ambiguousRun(flow_id, found.run_ids) }
  const flow = found.kind === 'found' ? await history.flow(found.run_id) : null
  if (!flow) return { error: failures.unknownFlow(flow_id) }
  const settled = flow.settled && isSettled(state.flows.get(flow.flow_id))
  const runs = flow.runs.map((run) => hideRun(state.secret_names, run))
  const view: FlowView = { ...flow, runs, settled, state: settled ? flow.state : 'running' }
  return { result: view }
}

/** Half of the answer is for the gates that gather, what is left of the frame for those that are open. */
async function semaphores({ state, history, now }: QuestionPorts): Promise<SemaphoreView[]> {
  const gathering = viewSemaphores(state, now(), GATES_BYTES)
  const share = GATES_BYTES / Math.max(1, gathering.length)
  const answer: SemaphoreView[] = []
  for (const semaphore of gathering) {
    const found = await history.openGates(semaphore.semaphore, OPEN_GATES)
    const open = within(share, found.gates, (gate) => gate)
    const unkeyed = within(share / 4, found.unkeyed, (one) => one)
    answer.push({ ...semaphore, gates: [...semaphore.gates, ...open], unkeyed })
  }
  return answer
}

async function answerOutput(
  { history, outputs }: QuestionPorts,
  question: Asked<'output'>,
): Promise<Answer> {
  const { stream, offset, limit } = question
  const run = await history.find(question.run_id)
  if (run.kind === 'ambiguous')
    return { error: failures.ambiguousRun(question.run_id, run.run_ids) }
  if (run.kind === 'unknown') return { error: failures.unknownRun(question.run_id) }
  const found = await history.attempt(run.run_id, question.task ?? null, question.attempt ?? null)
  if ('code' in found) return { error: found }
  const { task_id, attempt, state } = found
  const { data, next_offset, size, cut_bytes } = outputs.read({
    task_id,
    attempt,
    stream,
    offset,
    limit,
  })
  const complete = found.over && next_offset >= size
  return {
    result: {
      task_id,
      attempt,
      stream,
      offset,
      data: data.toString('base64'),
      next_offset,
      size,
      cut_bytes,
      complete,
      state,
    },
  }
}
