/** What is published on the pub/sub socket, two parts a message: the channel, then a frame. */
import { z } from 'zod'
import { Task } from './worker-door.ts'

/** Something new in the feed under this channel's topic: replay from your place. Carries nothing else on purpose. */
export const Wake = z.object({ kind: z.literal('wake'), head: z.string().max(64) })
/** The newest number, repeated every second. */
export const Head = z.object({ kind: z.literal('head'), head: z.string().max(64) })
/** New output of a run is there to be read (not durable: also look at each `head`). */
export const OutputGrew = z.object({ kind: z.literal('output'), run_id: z.string().max(64) })

export const Published = z.discriminatedUnion('kind', [Wake, Head, OutputGrew, Task])
export type Published = z.infer<typeof Published>

/** Broadcasts of a topic. The trailing dot keeps `ab` from matching a subscription to `a`. */
export const taskChannel = (topic: string): string => `task.${topic}.`
/** Wakes for runs of a job that reached a state. */
export const runChannel = (state: string, job: string): string => `run.${state}.${job}.`
/** New output of one run. */
export const outputChannel = (run_id: string): string => `output.${run_id}.`
export const HEAD_CHANNEL = 'head.'
