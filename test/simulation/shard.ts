/** A thread that lives through some of the seeds: every `step`th from `first` on, below `end`. */
import { parentPort, workerData } from 'node:worker_threads'
import { tellStory } from './story.ts'

export type Shard = { readonly first: number; readonly step: number; readonly end: number }

const { first, step, end } = workerData as Shard
for (let seed = first; seed < end; seed += step) {
  const told = await tellStory(seed)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- it is a thread, not a window
  parentPort?.postMessage(told)
}
