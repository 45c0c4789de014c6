/** What a test says to the simulated broker, and what it looks at. */
import type { ExecutionContext } from 'ava'
import { explainRun } from '../../../broker/core/explain.ts'
import type { Limits } from '../../../broker/core/limits.ts'
import type { Run } from '../../../broker/core/state.ts'
import type { Store } from '../../../broker/store/store.ts'
import type { Card, Lanes, Semaphore } from '../../../common/definition/card.ts'
import type { TriggerAccepted } from '../../../common/protocol/answers.ts'
import type { Failure, Trigger } from '../../../common/protocol/client-door.ts'
import type {
  AttemptRef,
  Ended,
  Hello,
  Held,
  Task,
  ToWorker,
} from '../../../common/protocol/worker-door.ts'
import { memoryDisk, openMemory } from '../store/memory.ts'
import { simulateBroker, type WithoutId } from './simulated.ts'

export { START_MS } from './simulated.ts'

type Outcome = Partial<
  Pick<Ended, 'exit_code' | 'signal' | 'reason' | 'output' | 'error_tail' | 'message'>
>
type Sent<Kind extends ToWorker['kind']> = ToWorker & { kind: Kind }
type Simulated = ReturnType<typeof simulateBroker>
type Command = Parameters<Simulated['ask']>[0]

export type World = ReturnType<typeof makeWorld>

export function makeWorld(
  t: ExecutionContext,
  store: Store = openMemory(memoryDisk()),
  limits?: Limits,
) {
  const broker = simulateBroker(store, limits)
  return {
    ...broker,
    ...workersOf(broker),
    ...clientsOf(broker),
    ...looksOf(broker),
    /** Nothing was sent to any worker that the test has not looked at. */
    nothingElse: (): void => {
      for (const [worker, messages] of broker.inboxes)
        t.deepEqual(
          messages.filter(({ kind }) => !QUIET.has(kind)),
          [],
          `nothing else was sent to ${worker}`,
        )
    },
  }
}

const QUIET: ReadonlySet<string> = new Set(['welcome', 'heartbeat', 'ack'])

export type Given = Task & { task_id: string }

type WorkerOptions = Partial<
  Pick<Hello, 'slots' | 'credit' | 'instance' | 'version' | 'reload_error'>
> & {
  cards?: Card[]
  held?: Held[]
  lanes?: Lanes
}

/** What workers say, and what was said to them. */
function workersOf({ says, now, inboxes, inbox }: Simulated) {
  const takeFrom = (worker: string, wanted: (item: ToWorker) => boolean): ToWorker[] => {
    const all = inbox(worker)
    inboxes.set(
      worker,
      all.filter((item) => !wanted(item)),
    )
    return all.filter(wanted)
  }
  /** Worker to the attempts it knows: like a real one, it takes each only once. */
  const known = new Map<string, Set<string>>()
  /** Takes the tasks a worker was given, as (task_id, attempt, …); broadcasts that name it count. */
  const tasks = (worker: string): Given[] =>
    takeFrom(worker, (item) => item.kind === 'task').flatMap((item) => {
      if (item.kind !== 'task') return []
      const n = item.tasks && Object.hasOwn(item.tasks, worker) ? item.tasks[worker] : undefined
      const task_id = item.task_id ?? (n === undefined ? undefined : `${item.run_id}.${n}`)
      const attempts = known.get(worker) ?? new Set<string>()
      if (task_id === undefined || attempts.has(`${task_id}#${item.attempt}`)) return []
      known.set(worker, attempts.add(`${task_id}#${item.attempt}`))
      return [{ ...item, task_id }]
    })
  return {
    tasks,
    /** The one task a worker was given since the last look. */
    given: (worker: string): Given => {
      const [task, ...others] = tasks(worker)
      if (!task || others.length > 0)
        throw new Error(`${worker} was given ${task ? others.length + 1 : 0} tasks`)
      return task
    },
    /** A worker says hello with these jobs. */
    worker: (name: string, options: WorkerOptions = {}): void => {
      const held = options.held ?? []
      known.set(name, new Set(held.map(({ task_id, attempt }) => `${task_id}#${attempt}`)))
      says(name, {
        kind: 'hello',
        protocol: 1,
        version: options.version ?? 'test',
        name,
        instance: options.instance ?? `spool of ${name}`,
        slots: options.slots ?? 4,
        credit: options.credit ?? options.slots ?? 4,
        cards: options.cards ?? [],
        lanes: options.lanes ?? {},
        held,
        reload_error: options.reload_error ?? null,
      })
    },
    /** Takes what was sent to a worker since the last look, of one kind. */
    sent: <Kind extends ToWorker['kind']>(worker: string, kind: Kind): Sent<Kind>[] =>
      takeFrom(worker, (item) => item.kind === kind) as Sent<Kind>[],
    accept: (worker: string, { task_id, attempt }: AttemptRef): void =>
      says(worker, { kind: 'accepted', task_id, attempt }),
    begin: (worker: string, { task_id, attempt }: AttemptRef): void =>
      says(worker, { kind: 'started', task_id, attempt, at_ms: now().wall_ms }),
    end: (worker: string, { task_id, attempt }: AttemptRef, outcome: Outcome = {}): void =>
      says(worker, {
        kind: 'ended',
        task_id,
        attempt,
        exit_code: 0,
        signal: null,
        reason: null,
        message: null,
        started_at_ms: now().wall_ms,
        finished_at_ms: now().wall_ms,
        output: {},
        stdout_bytes: 0,
        stderr_bytes: 0,
        error_tail: '',
        ...outcome,
      }),
  }
}

/** What clients and semaphore processes ask for. */
function clientsOf({ ask, post }: Simulated) {
  const triggered = (
    job: string,
    params: Record<string, unknown>,
    more: Partial<Trigger>,
  ): TriggerAccepted | { error: Failure } => {
    const reply = ask({ kind: 'trigger', triggers: [{ job, params, ...more }] })
    const [answer] = (reply.ok ? reply.result : []) as (TriggerAccepted | { error: Failure })[]
    if (!answer) throw new Error('a trigger had no answer')
    return answer
  }
  /** The result of a command that is expected to succeed. */
  const result = (command: Command): unknown => {
    const reply = ask(command)
    if (!reply.ok) throw new Error(`${command.kind} was refused: ${reply.error.message}`)
    return reply.result
  }
  return {
    result,
    /** The refusal of a command that is expected to be refused. */
    refusal: (command: Command): Failure => {
      const reply = ask(command)
      if (reply.ok) throw new Error(`${command.kind} was not refused`)
      return reply.error
    },
    /** A trigger whose answer is read after the turn. */
    postTrigger: (job: string, params: Record<string, unknown> = {}) =>
      post({ kind: 'trigger', triggers: [{ job, params }] } satisfies WithoutId<Command>),
    trigger: (
      job: string,
      params: Record<string, unknown> = {},
      more: Partial<Trigger> = {},
    ): TriggerAccepted => {
      const answer = triggered(job, params, more)
      if ('error' in answer) throw new Error(`refused: ${JSON.stringify(answer)}`)
      return answer
    },
    triggerRefused: (
      job: string,
      params: Record<string, unknown> = {},
      more: Partial<Trigger> = {},
    ): Failure => {
      const answer = triggered(job, params, more)
      if (!('error' in answer)) throw new Error('was not refused')
      return answer.error
    },
    /** Makes semaphores known, as their process does at its start. */
    semaphores: (...definitions: Semaphore[]): void => {
      result({
        kind: 'place',
        semaphores: definitions.map((definition) => ({
          name: definition.name,
          definition,
          after: null,
        })),
      })
    },
    retry: (run_id: string, worker: string | null = null): { run_id: string; flow_id: string } =>
      result({ kind: 'retry', run_id, worker }) as { run_id: string; flow_id: string },
    cancel: (run_id: string): unknown => result({ kind: 'cancel', run_id }),
  }
}

/** What is on disk, and what the broker says of it. */
function looksOf({ store, state, now, feed }: Simulated) {
  const run = (run_id: string): Run => {
    const found = store.runs([run_id]).get(run_id)
    if (!found) throw new Error(`no run ${run_id}`)
    return found
  }
  const values = (run_id: string) => store.values([run_id]).get(run_id)
  return {
    /** A run as it is on disk. */
    run,
    /** Its only task, or its nth. */
    task: (run_id: string, n = 0) => {
      const found = run(run_id).tasks[n]
      if (!found) throw new Error(`run ${run_id} has no task ${n}`)
      return found
    },
    /** Runs of a job that are on disk, oldest first. */
    runsOf: (job: string): Run[] => {
      const ids = new Set(
        feed.flatMap((entry) => (entry.job === job && entry.run_id ? entry.run_id : [])),
      )
      return [...store.runs([...ids]).values()].sort((a, b) => a.sequence - b.sequence)
    },
    paramsOf: (run_id: string): Readonly<Record<string, string>> => ({ ...values(run_id)?.params }),
    contextOf: (run_id: string): Readonly<Record<string, string>> => ({
      ...values(run_id)?.context,
    }),
    why: (run_id: string) => {
      const alive = state().runs.get(run_id)
      if (!alive) throw new Error(`run ${run_id} is not in memory`)
      return explainRun(state(), now(), alive)
    },
    /** How often the feed told of this topic. */
    told: (topic: string): number => feed.filter((entry) => entry.topic === topic).length,
  }
}
