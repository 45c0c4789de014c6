/** The history's thread: one question at a time, in the order in which they were asked. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { Asked, Questions, Told } from './history.ts'
import { messageOf } from './lock.ts'
import { checkpointAnswer } from './reader-checkpoint.ts'
import { refusalsAnswer, replayAnswer } from './reader-feed.ts'
import { openGatesAnswer } from './reader-gates.ts'
import { countRunsAnswer, oldRequestsAnswer, oldRunsAnswer } from './reader-old.ts'
import { attemptAnswer, findAnswer, findFlowAnswer, runAnswer } from './reader-run.ts'
import { flowAnswer, runsAnswer } from './reader-runs.ts'
import { DATABASE_FILE } from './sqlite.ts'

const { directory } = workerData as { directory: string }
const path = join(directory, DATABASE_FILE)
const db = new DatabaseSync(path)
// Not opened read-only, because that would forbid the checkpoint; this forbids every other change.
db.exec('PRAGMA synchronous = FULL; PRAGMA query_only = ON')

const answers: Questions = {
  find: findAnswer(db),
  findFlow: findFlowAnswer(db),
  run: runAnswer(db),
  runs: runsAnswer(db),
  flow: flowAnswer(db),
  replay: replayAnswer(db),
  refusals: refusalsAnswer(db),
  openGates: openGatesAnswer(db),
  attempt: attemptAnswer(db),
  countRuns: countRunsAnswer(db),
  oldRuns: oldRunsAnswer(db),
  oldRequests: oldRequestsAnswer(db),
  checkpoint: checkpointAnswer(db),
}

parentPort?.on('message', ({ id, question, args }: Asked) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- windows have origins, threads do not
  parentPort?.postMessage(answer(id, question, args))
})

function answer(id: number, question: keyof Questions, args: readonly unknown[]): Told {
  try {
    const ask = answers[question] as (...args: readonly unknown[]) => unknown
    return { id, value: ask(...args) }
  } catch (error) {
    return { id, error: messageOf(error) }
  }
}
