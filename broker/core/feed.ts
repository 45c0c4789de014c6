/** The numbered record of what happened. Entries of a turn are written with it, and followers are woken after that. */
import { runChannel } from '../../common/protocol/feed.ts'
import type { Now } from './event.ts'
import type { FeedRecord } from './records.ts'
import type { Run, State } from './state.ts'

/** Adds an entry; returns its number. */
export function note(state: State, now: Now, entry: Omit<FeedRecord, 'n' | 'at_ms'>): number {
  state.feed_head += 1
  state.touched.feed.push({ n: state.feed_head, at_ms: now.wall_ms, ...entry })
  return state.feed_head
}

/** Notes that a run reached the state it is in. */
export function noteRun(state: State, now: Now, run: Run): number {
  const { run_id, flow_id, job } = run
  return note(state, now, {
    topic: runChannel(run.state, job),
    run_id,
    flow_id,
    job,
    state: run.state,
    ...(run.reason === null ? {} : { reason: run.reason }),
  })
}
