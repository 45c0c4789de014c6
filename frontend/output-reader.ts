/**
 * Reads what a run's commands wrote, to its end or as it comes: task by task, stream by stream, attempt by attempt.
 *
 * It pulls: a piece is fetched when the last one was taken, so a slow reader costs no memory, and a lost notice of new
 * output costs at most two seconds.
 */
import type { OutputAnswer, RunView, TaskView } from '../common/protocol/answers.ts'
import type { Failure } from '../common/protocol/client-door.ts'
import type { Api } from './routes/route.ts'
import { unlessLeft } from './standing.ts'
import type { Stay } from './standing.ts'
import { isOver } from './waits.ts'

export type Stream = 'stdout' | 'stderr'
export type Piece = {
  readonly task: TaskView
  readonly several: boolean
  readonly stream: Stream
  readonly attempt: number
  readonly data: Buffer
  readonly next_offset: number
  /** Bytes after `data` that were not kept. */
  readonly cut_bytes: number
}

export type Wanted = {
  readonly run_id: string
  readonly streams: readonly Stream[]
  /** Which of the tasks; all of them by default. */
  readonly isWanted?: (task: TaskView) => boolean
  /** Begin here: `latest` attempt, or one by its number. */
  readonly attempt: number | 'latest'
  readonly offset: number
  /** Only that attempt, not the later ones. */
  readonly only: boolean
  /** Go on until the run is over. */
  readonly follow: boolean
}

/** How it ended: all was read (`run` as last seen), the reader or the frontend went away, or the broker cannot say. */
export type End =
  | { readonly kind: 'read'; readonly run: RunView }
  | { readonly kind: 'left' }
  | { readonly kind: 'failed'; readonly failure: Failure }

type Place = { attempt: number; offset: number; over: boolean }

const CHUNK_BYTES = 128 * 1024
const ASK_AGAIN_MS = 2_000

export async function* readOutput(
  api: Api,
  stay: Stay,
  wanted: Wanted,
): AsyncGenerator<Piece, End> {
  const { run_id, follow } = wanted
  const places = new Map<string, Place>()
  const watch = api.feed.watch(follow ? [`run:${run_id}`, `output:${run_id}`] : [])
  try {
    for (;;) {
      const question = { what: 'run', run_id } as const
      const asked = await unlessLeft(stay, api.broker.ask<RunView>({ kind: 'query', question }))
      if (asked === null) return { kind: 'left' }
      let problem: Failure | null = asked.kind === 'refused' ? asked.error : null
      if (asked.kind === 'answered') {
        const run = asked.result
        problem = yield* readOnce(api, stay, wanted, run, places)
        // A pass that was broken off has not read all.
        if (stay.signal.aborted) return { kind: 'left' }
        if (problem === null && (isOver(run) || !follow)) return { kind: 'read', run }
      }
      if (problem && (!follow || problem.status < 500)) return { kind: 'failed', failure: problem }
      await watch.changed(ASK_AGAIN_MS, stay.signal)
      await stay.pace()
    }
  } finally {
    watch.end()
  }
}

/** Everything that is there now. A refusal ends the pass; the places stay, and the next pass goes on from them. */
async function* readOnce(
  api: Api,
  stay: Stay,
  wanted: Wanted,
  run: RunView,
  places: Map<string, Place>,
): AsyncGenerator<Piece, Failure | null> {
  const tasks = (run.tasks ?? []).filter(wanted.isWanted ?? (() => true))
  for (const task of tasks)
    for (const stream of wanted.streams) {
      if (task.attempt < 1) continue
      const id = `${task.task_id} ${stream}`
      const attempt = wanted.attempt === 'latest' ? task.attempt : wanted.attempt
      const place = places.get(id) ?? { attempt, offset: wanted.offset, over: false }
      places.set(id, place)
      while (!place.over && !stay.signal.aborted) {
        const answer = await unlessLeft(stay, fetchPiece(api, task, stream, place))
        if (answer === null) return null
        if ('status' in answer) {
          if (answer.status !== 404) return answer
          // An attempt that was leased and never began has nothing to be read.
          if (moveOn(place, task, wanted.only)) continue
          break
        }
        const piece = pieceOf(answer, task, tasks.length > 1)
        place.offset = answer.next_offset
        if (piece.data.length > 0 || piece.cut_bytes > 0) yield piece
        const isMore = piece.data.length > 0 || piece.cut_bytes > 0
        if (answer.complete) place.over = wanted.only || FINAL.has(task.state)
        if ((answer.complete || !isMore) && !moveOn(place, task, wanted.only)) break
      }
    }
  return null
}

async function fetchPiece(
  api: Api,
  task: TaskView,
  stream: Stream,
  place: Place,
): Promise<OutputAnswer | Failure> {
  const asked = await api.broker.ask<OutputAnswer>({
    kind: 'query',
    question: {
      what: 'output',
      run_id: task.task_id.slice(0, task.task_id.lastIndexOf('.')),
      task: task.task_id,
      attempt: place.attempt,
      stream,
      offset: place.offset,
      limit: CHUNK_BYTES,
    },
  })
  return asked.kind === 'answered' ? asked.result : asked.error
}

const pieceOf = (answer: OutputAnswer, task: TaskView, several: boolean): Piece => ({
  task,
  several,
  stream: answer.stream,
  attempt: answer.attempt,
  data: Buffer.from(answer.data, 'base64'),
  next_offset: answer.next_offset,
  cut_bytes: answer.cut_bytes,
})

const FINAL: ReadonlySet<TaskView['state']> = new Set([
  'succeeded',
  'failed',
  'timed_out',
  'canceled',
  'lost',
  'missed',
])

/** From an attempt that is read to the next one, if there is a next one; a later pass may find it. */
function moveOn(place: Place, task: TaskView, only: boolean): boolean {
  if (only || place.attempt >= task.attempt) return false
  place.attempt += 1
  place.offset = 0
  place.over = false
  return true
}
