/** Cancel: at once what has not started; what runs is recorded as canceled first, and stopped after that. */
import type { Asker } from './effect.ts'
import { answer, refuse } from './effect.ts'
import type { Command, Found, Now } from './event.ts'
import { finish, isOver } from './finish.ts'
import { isActive } from './lanes.ts'
import { endTask, lose, sayStop } from './leases.ts'
import { failures } from './refusals.ts'
import type { Run, State, Task } from './state.ts'

export function decideCancel(
  state: State,
  command: Command & { kind: 'cancel' },
  asker: Asker,
  now: Now,
  found: Found,
): void {
  if (command.flow_id) return cancelFlow(state, command.flow_id, asker, now, found)
  const run_id = command.run_id ?? ''
  const run = state.runs.get(run_id) ?? found.runs.get(run_id)
  if (!run) return refuse(state, asker, failures.unknownRun(run_id))
  if (run.finished_ms !== null) return refuse(state, asker, failures.alreadyOver(run))
  cancelRun(state, now, run, 'canceled')
  answer(state, asker, { run_id, flow_id: run.flow_id, state: run.state, canceled: [run_id] })
}

/** All unfinished runs of a flow. */
function cancelFlow(state: State, flow_id: string, asker: Asker, now: Now, found: Found): void {
  const unfinished = unfinishedOf(state, flow_id, found)
  if (unfinished === null) return refuse(state, asker, failures.unknownFlow(flow_id))
  if (unfinished.length === 0) return refuse(state, asker, failures.flowOver(flow_id))
  for (const run of unfinished) cancelRun(state, now, run, 'canceled')
  answer(state, asker, { flow_id, canceled: unfinished.map((run) => run.run_id) })
}

function unfinishedOf(state: State, flow_id: string, found: Found): Run[] | null {
  const stored = found.flows.get(flow_id) ?? []
  const born = [...state.touched.runs].filter((run) => run.flow_id === flow_id)
  const ids = new Set([...stored, ...born].map((run) => run.run_id))
  if (ids.size === 0) return null
  return [...ids].flatMap((id) => {
    const run = state.runs.get(id)
    return run && run.finished_ms === null ? [run] : []
  })
}

/** From here on its result is `canceled`, whatever its commands still say. */
export function cancelRun(state: State, now: Now, run: Run, reason: string): void {
  if (run.cancel_requested) return
  run.cancel_requested = true
  run.reason = reason
  state.touched.runs.add(run)
  if (run.tasks.length === 0) return finish(state, now, run, 'canceled', reason)
  for (const task of run.tasks) {
    if (isOver(task)) continue
    if (isActive(task)) stop(state, now, run, task)
    else endTask(state, now, run, task, 'canceled', reason)
  }
}

/** Its worker is told; one that has no right to it any more is not waited for. */
function stop(state: State, now: Now, run: Run, task: Task): void {
  const worker = task.worker === null ? undefined : state.workers.get(task.worker)
  if (worker && worker.lease_until_ms > now.mono_ms) sayStop(state, worker, task, 'canceled')
  else lose(state, now, run, task, 'its worker was not heard of in time')
}
