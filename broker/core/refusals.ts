/** Every way in which the broker refuses, in one table: a stable code, an HTTP status, a sentence, and what to do. */
import type { Failure, NO_SESSION } from '../../common/protocol/client-door.ts'
import type { Run } from './state.ts'
import { MAX_VALUES_BYTES } from './values.ts'

const failure = (
  status: number,
  code: string,
  message: string,
  hint: string | null = null,
  retry_after_s: number | null = null,
): Failure => ({ status, code, message, hint, retry_after_s })

const near = (name: string | null): string | null =>
  name === null ? null : `did you mean ${name}?`
const short = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)

export const failures = {
  badJobName: (job: string) =>
    failure(
      400,
      'bad_job_name',
      `${short(job)} cannot be a job's name`,
      'names are up to 128 letters, digits, _, . and -',
    ),
  noWorkers: () =>
    failure(
      503,
      'no_workers',
      'no worker has announced any job yet',
      'start a worker: jobz worker --jobs jobs',
      5,
    ),
  unknownJob: (job: string, nearest: string | null) =>
    failure(
      404,
      'unknown_job',
      `no worker has ever announced a job called ${short(job)}`,
      near(nearest) ?? 'jobz jobs lists those that are known',
    ),
  /** `message` names the parameter and the rule. */
  badParameter: (message: string, hint: string | null = null) =>
    failure(400, 'bad_parameter', message, hint),
  secretFilter: (name: string) =>
    failure(
      400,
      'bad_parameter',
      `param.${name}: its values are secret, so no run is found by them`,
      'find it by its job, its flow or another parameter',
    ),
  unknownParent: (run_id: string) =>
    failure(400, 'bad_parameter', `parent_run_id: there is no run ${short(run_id)}`),
  requestIdTaken: (request_id: string, run_id: string) =>
    failure(
      409,
      'request_id_taken',
      `request_id ${short(request_id)} was used before, with other parameters, priority, delay or flow (run ${run_id})`,
      'give every different request an id of its own',
    ),
  /** The promise is one run for each request, also when nobody can be told any more how it ended. */
  runForgotten: (request_id: string, run_id: string) =>
    failure(
      409,
      'run_forgotten',
      `request_id ${short(request_id)} was used before, and its run ${run_id} is over and not kept any more`,
      'to run it once more, give it an id of its own',
    ),
  concurrencyFull: (job: string) =>
    failure(
      429,
      'concurrency_full',
      `${job} has reached its concurrency limit, and its when_full is refuse`,
      'try again when one of its runs is over',
      10,
    ),
  busy: () =>
    failure(
      503,
      'busy',
      'more is asked of the broker than it can answer',
      'try again in a second',
      1,
    ),
  full: (limit: number) =>
    failure(
      503,
      'full',
      `${limit} runs are unfinished, and no more are taken`,
      'try again later',
      30,
    ),
  tooManySemaphores: (limit: number) =>
    failure(
      429,
      'too_many',
      `${limit} semaphores are known, and no more are taken`,
      'jobz semaphores lists them',
      60,
    ),
  unknownRun: (run_id: string) =>
    failure(404, 'unknown_run', `there is no run ${short(run_id)}`, 'jobz runs lists the newest'),
  unknownFlow: (flow_id: string) =>
    failure(404, 'unknown_flow', `there is no flow ${short(flow_id)}`),
  alreadyOver: (run: Run) =>
    failure(409, 'already_over', `run ${run.run_id} is ${run.state} already`),
  flowOver: (flow_id: string) =>
    failure(409, 'already_over', `every run of flow ${flow_id} is over already`),
  notFailed: (run: Run) =>
    failure(
      409,
      'not_failed',
      `run ${run.run_id} is ${run.state}; only failed and expired runs are retried`,
    ),
  nothingFailed: (flow_id: string) =>
    failure(409, 'not_failed', `flow ${flow_id} has no failed run that was not retried already`),
  alreadyRetried: (run_id: string) =>
    failure(
      409,
      'already_retried',
      `run ${run_id} was retried before`,
      `jobz show ${run_id} names its retry; jobz retry ${run_id} makes another`,
    ),
  retriedElsewhere: (run: Run, worker: string) =>
    failure(409, 'not_failed', `run ${run.run_id} did not fail on ${short(worker)}`),
  unknownWorker: (worker: string, nearest: string | null) =>
    failure(
      404,
      'unknown_worker',
      `there is no worker called ${short(worker)}`,
      near(nearest) ?? 'jobz workers lists them',
    ),
  workerPresent: (worker: string) =>
    failure(
      409,
      'worker_present',
      `${worker} is connected`,
      'stop it first; jobz drain only keeps new tasks from it',
    ),
  unknownSemaphore: (name: string, nearest: string | null) =>
    failure(
      404,
      'unknown_semaphore',
      `there is no semaphore called ${short(name)}`,
      near(nearest) ?? 'jobz semaphores lists them',
    ),
  semaphorePresent: (name: string) =>
    failure(
      409,
      'semaphore_present',
      `a semaphore process has named ${name} within the last minute, or the broker is not up that long`,
      'take it out of the jobs of every semaphore process, reload them (SIGHUP), and try again in a minute',
    ),
  unknownGate: (semaphore: string, key: string) =>
    failure(
      404,
      'unknown_gate',
      `semaphore ${semaphore} has no gate ${short(key)}`,
      'jobz semaphores lists them',
    ),
  notArrived: (run: Run) =>
    failure(
      409,
      'not_arrived',
      `run ${run.run_id} is ${run.state}; it arrives when it has succeeded, and is told of when it has failed`,
    ),
  gateOpen: (semaphore: string, key: string) =>
    failure(
      409,
      'gate_open',
      `gate ${short(key)} of ${semaphore} is open already`,
      'jobz semaphores reset shuts it',
    ),
  ambiguousRun: (run_id: string, run_ids: readonly string[]) =>
    failure(
      409,
      'ambiguous_run',
      `${short(run_id)} fits more than one run`,
      `give more of it: ${run_ids.slice(0, 5).join(', ')}`,
    ),
  answerTooLarge: (bytes: number) =>
    failure(
      500,
      'too_large',
      `the answer takes ${bytes} bytes, more than a frame holds`,
      'ask for less: a filter, a smaller limit',
    ),
  valuesTooLarge: (bytes: number) =>
    failure(
      413,
      'too_large',
      `the parameters take ${bytes} bytes on the wire, more than ${MAX_VALUES_BYTES}`,
      'send fewer or shorter values',
    ),
  cannotAnswer: () => failure(500, 'internal', 'the broker could not answer; its log says why'),
  badRequest: (reason: string) =>
    failure(
      400,
      'bad_request',
      `the request cannot be read: ${reason}`,
      'docs/PROTOCOL.md has its fields; what a later version of jobz asks needs a later broker, too',
    ),
  noSession: () =>
    failure(
      401,
      'no_session' satisfies typeof NO_SESSION,
      'the request came without a session of its sender',
      'knock, prove the key, and say it again under the session of the welcome (docs/PROTOCOL.md)',
    ),
  notItsRole: (kind: string, role: string, roles: readonly string[]) =>
    failure(
      403,
      'not_its_role',
      `a ${role} may not say ${kind}`,
      `that is for: ${roles.join(', ')}; see \`jobz keys\``,
    ),
  noSuchChannel: (channel: string) =>
    failure(
      403,
      'not_its_channel',
      `${short(channel)} is no channel of the feed`,
      'they begin with run., flow., gate., worker., output. or head.',
    ),
  tooManyChannels: () =>
    failure(503, 'busy', 'too many different channels are followed', 'follow run. as a whole', 60),
  badRunToken: () =>
    failure(
      401,
      'unauthorised',
      "the token is no run's, or its run is over",
      "a command's JOBZ_TOKEN is good until its run is over",
    ),
  /** 503, because it is over when the older one of the two daemons is updated; it is not whoever asked them that is wrong. */
  badProtocol: (message: string) =>
    failure(503, 'bad_protocol', message, 'docs/OPERATIONS.md, "Upgrades", says in which order'),
  badPlace: (after: string) =>
    failure(400, 'bad_cursor', `${short(after)} is no place in the feed`),
}
