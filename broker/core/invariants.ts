/** What must be true after every turn, in one place. A broken one is a defect: it throws, and the broker starts anew. */
import { isOver } from './finish.ts'
import { placeOf } from './gathering.ts'
import { isActive, laneNamed } from './lanes.ts'
import { type Run, type State, taskId } from './state.ts'
import { emptyTally, tallyAll } from './tally.ts'

/** Checks the whole state; costs as much as there are runs, so tests call it after every turn, and nobody else. */
export function checkInvariants(state: State): void {
  for (const run of state.runs.values()) checkRun(run)
  checkTallies(state)
  checkLanes(state)
  checkWorkers(state)
  checkFlows(state)
  checkGates(state)
}

function hold(condition: boolean, what: string): void {
  if (!condition) throw new Error(`broken invariant: ${what}`)
}

function checkRun(run: Run): void {
  const { run_id } = run
  hold(run.finished_ms === null, `${run_id} is over and still in memory`)
  hold(run.card !== null || run.state === 'waiting', `${run_id} is ${run.state} without a card`)
  hold(run.counted === run.tasks.some(isActive), `${run_id} is counted wrongly`)
  hold(
    run.state !== 'running' || run.tasks.some((task) => !isOver(task)),
    `${run_id} runs with every task over`,
  )
  hold(run.state === 'running' || run.tasks.length === 0, `${run_id} is ${run.state} and has tasks`)
  for (const task of run.tasks) {
    const attempts = task.attempts.map(({ attempt }) => attempt)
    hold(
      attempts.every((attempt, at) => at === 0 || attempt > (attempts[at - 1] ?? 0)),
      `${taskId(task)}: attempts grow`,
    )
    hold(!isActive(task) || task.worker !== null, `${taskId(task)} is ${task.state} on no worker`)
    hold((attempts.at(-1) ?? 0) === task.attempt, `${taskId(task)}: its newest attempt is kept`)
  }
  if (run.deliver === 'one' && run.state === 'running') {
    const ready = run.tasks.some((task) => task.state === 'ready')
    hold(ready === run.in_queue, `${run_id} is ready and not queued, or the other way round`)
  }
  hold(run.state !== 'queued' || run.in_queue, `${run_id} is queued in no lane`)
}

function checkTallies(state: State): void {
  const counted = emptyTally()
  for (const { state: at } of state.runs.values())
    if (at === 'waiting' || at === 'queued' || at === 'running') counted[at] += 1
  hold(JSON.stringify(counted) === JSON.stringify(tallyAll(state)), 'runs are tallied')
}

function checkLanes(state: State): void {
  const running = new Map<string, number>()
  const queued = new Map<string, number>()
  for (const run of state.runs.values()) {
    if (run.counted) running.set(run.lane, (running.get(run.lane) ?? 0) + 1)
    if (run.in_queue) queued.set(run.lane, (queued.get(run.lane) ?? 0) + 1)
  }
  for (const name of new Set([...state.lanes.keys(), ...running.keys(), ...queued.keys()])) {
    const lane = laneNamed(state, name)
    hold(lane.running === (running.get(name) ?? 0), `lane ${name} counts ${lane.running} running`)
    hold(lane.queued === (queued.get(name) ?? 0), `lane ${name} counts ${lane.queued} queued`)
  }
  for (const [key, use] of state.keys) {
    const counted = [...use.runs].filter((run) => run.counted).length
    hold(use.running === counted, `key ${key} counts ${use.running} of ${counted}`)
  }
}

function checkWorkers(state: State): void {
  for (const worker of state.workers.values()) {
    hold(worker.given <= worker.credit, `${worker.name} was given more than its credit`)
    for (const [task_id, task] of worker.holds) {
      hold(!isOver(task), `${worker.name} holds ${task_id}, which is over`)
      hold(
        (task.state === 'ready') === worker.waiting.has(task),
        `${task_id} waits for ${worker.name}`,
      )
      hold(task.worker === worker.name, `${worker.name} holds ${task_id} of ${task.worker}`)
    }
    if (worker.session)
      hold(
        state.sessions.get(worker.session.token) === worker,
        `${worker.name}: its session is known`,
      )
  }
  for (const run of state.runs.values())
    for (const task of run.tasks) {
      const worker = isActive(task) ? state.workers.get(task.worker ?? '') : undefined
      hold(
        !isActive(task) || worker?.holds.get(taskId(task)) === task,
        `${taskId(task)} is held by its worker`,
      )
    }
}

function checkFlows(state: State): void {
  const runs = new Map<string, number>()
  for (const { flow_id } of state.runs.values()) runs.set(flow_id, (runs.get(flow_id) ?? 0) + 1)
  for (const [flow_id, flow] of state.flows)
    hold(flow.runs === (runs.get(flow_id) ?? 0), `flow ${flow_id} counts its runs`)
  for (const flow_id of runs.keys()) hold(state.flows.has(flow_id), `flow ${flow_id} is known`)
}

/** What a gate keeps beside its arrivals says the same as they do. */
function checkGates(state: State): void {
  for (const [id, gate] of state.gates) {
    const counts = new Map<number, number>()
    const by_value = new Map<string, string>()
    for (const [run_id, arrival] of gate.arrivals) {
      counts.set(arrival.member, (counts.get(arrival.member) ?? 0) + 1)
      const place = placeOf(arrival)
      hold(place === null || !by_value.has(place), `gate ${id} holds a distinct value twice`)
      if (place !== null) by_value.set(place, run_id)
      hold(arrival.run_id === run_id, `gate ${id} knows ${run_id} as ${arrival.run_id}`)
    }
    hold(isSame(counts, gate.counts), `gate ${id} counts its members`)
    hold(isSame(by_value, gate.by_value), `gate ${id} knows its distinct values`)
  }
}

const isSame = <K, V>(a: ReadonlyMap<K, V>, b: ReadonlyMap<K, V>): boolean =>
  a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)
