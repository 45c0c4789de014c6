/** What a token that is limited to some jobs, or a run's own token, may see and touch of what a request names. */
import { matchesAny } from '../../common/definition/name-patterns.ts'
import type { FlowView, RunView } from '../../common/protocol/answers.ts'
import type { Failure } from '../../common/protocol/client-door.ts'
import type { BrokerLink } from '../broker-link.ts'
import { textOf } from '../routes/route.ts'
import type { Call, Route } from '../routes/route.ts'
import { wholeRunId } from '../run-ids.ts'
import type { Identity } from './identity.ts'
import { FLOW_TOO_LONG, needsAllJobs, notItsJob, notItsRun, sayWhichJob } from './refusals.ts'

export const mayTouch = ({ jobs }: Identity, job: string): boolean =>
  jobs === null || matchesAny(jobs, job)

/** Why a request is none of its sender's business; null when it is. */
export async function outOfScope(
  broker: BrokerLink,
  route: Route,
  call: Call,
): Promise<Failure | null> {
  const { who } = call
  const { scope } = route
  if (who.run) return route.run_token === 'own_run' ? outOfRun(route, call) : null
  if (who.jobs === null || scope === 'nothing' || scope === 'itself') return null
  if (scope === 'everything') return needsAllJobs(who)
  if ('job' in scope) {
    const job = named(route, call, scope.job)
    if (job === null) return sayWhichJob(who, scope.job)
    return mayTouch(who, job) ? null : notItsJob(who, job)
  }
  const [what, id] = 'run' in scope ? ['run', scope.run] : ['flow', scope.flow]
  const value = named(route, call, id)
  // The route says itself what is missing, or that there is none.
  if (value === null) return null
  const jobs =
    what === 'run' ? await jobOfRun(broker, value) : await jobsOfFlow(broker, value, route.role)
  return Array.isArray(jobs) ? outsider(who, jobs) : jobs
}

/** A part of the path, or else a field. */
export const named = (route: Route, call: Call, name: string): string | null =>
  route.path.includes(`{${name}}`) ? call.path(name) : textOf(call.fields, name)

function outOfRun(route: Route, call: Call): Failure | null {
  const given = named(route, call, 'run_id')
  const own = call.who.run?.run_id ?? ''
  return given === null || isThat(own, given) ? null : notItsRun(call.who, given)
}

const SHORT = 8
const isThat = (run_id: string, given: string): boolean =>
  given.length >= SHORT && run_id.endsWith(given)

const outsider = (who: Identity, jobs: readonly string[]): Failure | null =>
  jobs.every((job) => mayTouch(who, job)) ? null : notItsJob(who, null)

async function jobOfRun(broker: BrokerLink, run_id: string): Promise<string[] | Failure> {
  const asked = await broker.ask<RunView>({ kind: 'query', question: { what: 'run', run_id } })
  return asked.kind === 'answered' ? [asked.result.job] : asked.error
}

/** What the answer has no room for is not shown either; but an action is on all of the flow. */
async function jobsOfFlow(
  broker: BrokerLink,
  flow_id: string,
  role: Route['role'],
): Promise<string[] | Failure> {
  const asked = await broker.ask<FlowView>({ kind: 'query', question: { what: 'flow', flow_id } })
  if (asked.kind === 'refused') return asked.error
  const { runs, omitted = 0 } = asked.result
  return omitted > 0 && role !== 'read' ? FLOW_TOO_LONG : runs.map(({ job }) => job)
}

/** The whole id of the run below which a trigger is put, or why not. A run's own token puts its triggers below its run. */
export async function parentFor(
  broker: BrokerLink,
  who: Identity,
  given: string | null,
): Promise<{ readonly parent_run_id: string | null } | Failure> {
  if (who.run) {
    const { run_id } = who.run
    if (given === null || isThat(run_id, given)) return { parent_run_id: run_id }
    return notItsRun(who, given)
  }
  if (given === null) return { parent_run_id: null }
  if (who.jobs !== null) {
    const jobs = await jobOfRun(broker, given)
    const problem = Array.isArray(jobs) ? outsider(who, jobs) : jobs
    if (problem) return problem
  }
  const whole = await wholeRunId(broker, given)
  return whole.kind === 'refused' ? whole.error : { parent_run_id: whole.result }
}
