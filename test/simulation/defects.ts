import { execFile } from 'node:child_process'
import { join } from 'node:path'

/**
 * Defects to be planted: each is one small change to the real code that breaks a promise. The checkers must catch every one
 * of them, or they prove nothing. plant.ts makes the change while the file is loaded; no file is touched.
 */
export type Defect = {
  readonly name: string
  /** Its file, from the root of the repository. */
  readonly file: string
  /** Stands there once. */
  readonly find: string
  readonly replace: string
  /** A history that showed it, when it was looked for last: a good one to begin with. */
  readonly seed: number
}

export const DEFECTS: readonly Defect[] = [
  {
    name: 'a commit is skipped now and then',
    seed: 1,
    file: 'broker/turn.ts',
    find: 'if (!isEmpty(records)) store.commit(records)',
    replace: 'if (!isEmpty(records) && records.feed.length % 5 !== 3) store.commit(records)',
  },
  {
    name: 'effects leave before the commit',
    seed: 1,
    file: 'broker/turn.ts',
    find: 'if (!isEmpty(records)) store.commit(records)\n  perform(effects, records)',
    replace: 'perform(effects, records)\n  if (!isEmpty(records)) store.commit(records)',
  },
  {
    name: 'the fence is missing: an older attempt counts too',
    seed: 19,
    file: 'broker/core/leases.ts',
    find: 'if (isOver(task) || newest?.attempt !== attempt || newest.worker !== worker.name) return false',
    replace: 'if (isOver(task) || newest === undefined) return false',
  },
  {
    name: 'what is queued wakes nobody',
    seed: 1,
    file: 'broker/core/lanes.ts',
    find: 'lane.queued += 1\n  state.may_start = true',
    replace: 'lane.queued += 1',
  },
  {
    name: 'a gate counts repeats',
    seed: 11,
    file: 'broker/core/arrivals.ts',
    find: 'if (gate.arrivals.has(arrival.run_id) || found.arrived.has(id) || state.touched.arrivals.has(id))',
    replace: 'if (gate.arrivals.has(arrival.run_id))',
  },
  {
    name: 'a gate opens whatever generation is said to be complete',
    seed: 2,
    file: 'broker/core/gates.ts',
    find: 'if (gate.opened_ms !== null || (!by_hand && gate.generation !== command.generation))',
    replace: 'if (gate.opened_ms !== null)',
  },
  {
    name: 'a request is not known again',
    seed: 1,
    file: 'broker/core/triggers.ts',
    find: 'if (earlier) return repeat(state, trigger, earlier, findParent(state, trigger, found))',
    replace: '',
  },
  {
    name: 'on_lost: fail is taken for retry',
    seed: 29,
    file: 'broker/core/leases.ts',
    find: "else if (run.cancel_requested || card?.on_lost === 'fail')",
    replace: 'else if (run.cancel_requested)',
  },
  {
    name: 'a lane takes one more than its limit',
    seed: 1,
    file: 'broker/core/dispatch.ts',
    find: 'limit !== null && running >= limit',
    replace: 'limit !== null && running > limit',
  },
  {
    name: 'a concurrency limit is not looked at',
    seed: 2,
    file: 'broker/core/dispatch.ts',
    find: 'if (isKeyFull(state, bucket)) return false',
    replace: '',
  },
  {
    name: 'who came last starts first',
    seed: 1,
    file: 'broker/core/lanes.ts',
    find: 'a.priority < b.priority : a.sequence < b.sequence',
    replace: 'a.priority < b.priority : a.sequence > b.sequence',
  },
  {
    name: 'what expired has no handler',
    seed: 29,
    file: 'broker/core/finish.ts',
    find: "} else if (run.state === 'failed' || run.state === 'expired') {",
    replace: "} else if (run.state === 'failed') {",
  },
  {
    name: 'next steps are born in the turn after',
    seed: 1,
    file: 'broker/turn.ts',
    find: '  followUp()\n  const { records, effects }',
    replace: '  const { records, effects }',
  },
  {
    name: 'a canceled run ends as its command did',
    seed: 1,
    file: 'broker/core/finish.ts',
    find: "if (run.cancel_requested) finish(state, now, run, 'canceled', run.reason ?? 'canceled')\n  else if",
    replace: 'if',
  },
  {
    name: 'a delay is forgotten by a restart',
    seed: 3,
    file: 'broker/core/load.ts',
    find: 'dueTask(state, now, task, longest_ms)',
    replace: '',
  },
  {
    name: 'a lease is not given up',
    seed: 19,
    file: 'broker/core/leases.ts',
    find: 'for (const task of worker.holds.values()) if (isActive(task)) loseByPolicy(state, now, task)',
    replace: '',
  },
  {
    name: 'what was not accepted is not said again',
    seed: 5,
    file: 'broker/core/reports.ts',
    find: 'remind(state, run, task, worker)\n  }',
    replace: '{}\n  }',
  },
  {
    name: 'an entry of the feed is left out at a restart',
    seed: 1,
    file: 'broker/core/load.ts',
    find: 'state.feed_head = alive.feed_head',
    replace: 'state.feed_head = alive.feed_head + 1',
  },
  {
    name: 'a flow that a semaphore has passed is not looked at',
    seed: 1,
    file: 'broker/core/flows.ts',
    find: 'if (flow) flow.semaphores -= 1\n    state.settling.add(flow_id)',
    replace: 'if (flow) flow.semaphores -= 1',
  },
  {
    name: 'a worker runs a task that it has reported already',
    seed: 6,
    file: 'worker/core/tasks.ts',
    find: 'if (over !== undefined) return []',
    replace: '',
  },
  {
    name: 'a worker starts more than it has slots',
    seed: 2,
    file: 'worker/core/slots.ts',
    find: 'let free = worker.slots - countRunning(worker)',
    replace: 'let free = worker.slots',
  },
  {
    name: 'a worker says what ended once, and no more',
    seed: 3,
    file: 'worker/core/reports.ts',
    find: "if (stage.kind === 'reporting') stage.told = false",
    replace: '',
  },
  {
    name: 'a worker stops as overdue what has ended',
    seed: 32,
    file: 'worker/core/state.ts',
    find: 'LISTEN_MS = 500',
    replace: 'LISTEN_MS = 0',
  },
  {
    name: 'a worker says hello again whatever session was meant',
    seed: 291,
    file: 'worker/core/decide.ts',
    find: "const isOld = link.kind === 'open' &&",
    replace: "const isOld = link.kind === 'apart' &&",
  },
  {
    name: 'a semaphore saves its place before its arrivals are heard',
    seed: 19,
    file: 'semaphore/reader.ts',
    find: 'const gates = noticesByGate(page.entries, waiting, places)',
    replace:
      'const gates = noticesByGate(page.entries, waiting, places)\n  await savePlaces(door, places, page)',
  },
  {
    name: 'a gate is complete with one member less',
    seed: 1,
    file: 'semaphore/gate.ts',
    find: '(arrived[place] ?? 0) >= member.count',
    replace: '(arrived[place] ?? 0) >= Math.max(1, member.count - 1)',
  },
]

const SIMULATION = import.meta.dirname

export type Hunt = { readonly caught: boolean; readonly said: string }

/** Lives through so many histories from this seed on with a defect planted, in a process of its own, until it is caught. */
export function hunt({ name }: Defect, from: number, seeds: number): Promise<Hunt> {
  const args = ['--import', join(SIMULATION, 'plant.ts'), join(SIMULATION, 'main.ts'), '--first']
  const range = ['--from', String(from), '--seeds', String(seeds)]
  const options = { env: { ...process.env, JOBZ_DEFECT: name }, maxBuffer: 64 * 1024 * 1024 }
  return new Promise((resolve) => {
    execFile(process.execPath, [...args, ...range], options, (error, stdout, stderr) => {
      const violation = /^ {2}seed .*$/m.exec(stdout)?.[0]
      resolve({ caught: error !== null && violation !== undefined, said: violation ?? stderr })
    })
  })
}
