/** `/api/runs/ID/output`: what a command wrote, as it is; or as Server-Sent Events for who asks for those. */
import type { RunView, TaskView } from '../../common/protocol/answers.ts'
import type { Failure } from '../../common/protocol/client-door.ts'
import { openBody } from '../body-stream.ts'
import { badRequest, failure, isFailure } from '../failure.ts'
import { readOutput } from '../output-reader.ts'
import type { Stream, Wanted } from '../output-reader.ts'
import { createLines } from '../run-text.ts'
import { EVENT_HEADERS, EVENT_STREAM, eventText, keepAlive } from '../server-sent.ts'
import { BUSY } from '../standing.ts'
import type { Stay } from '../standing.ts'
import { countOf, refuse, switchOf, textOf } from './route.ts'
import type { Answer, Api, Call, Route } from './route.ts'

const MAX_ATTEMPT = 0xffffffff

export function outputRoutes(api: Api): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/runs/{run_id}/output',
      id: 'run_output',
      role: 'read',
      scope: { run: 'run_id' },
      summary: "A command's output, as it is; Server-Sent Events by Accept",
      description:
        'Events are `output` with `{task_id, attempt, stream, text, cut_bytes}`, and at last `end` with `{state, reason}`.',
      fields: [
        {
          name: 'stream',
          description: 'stdout by default',
          schema: { type: 'string', enum: ['stdout', 'stderr'] },
        },
        {
          name: 'task',
          description: 'task_id, its number, or the worker; needed when there are several',
          schema: { type: 'string' },
        },
        {
          name: 'attempt',
          description: 'the newest by default',
          schema: { type: 'integer', minimum: 1 },
        },
        {
          name: 'follow',
          description: 'go on until the run is over',
          schema: { type: 'string', enum: ['1', '0'] },
        },
      ],
      head: false,
      answers: {
        200: { description: 'the bytes that were kept', type: 'text/plain', schema: {} },
        404: { description: 'no such run or task' },
      },
      handle: (call) => sendOutput(api, call),
    },
  ]
}

async function sendOutput(api: Api, call: Call): Promise<Answer> {
  const asked = await api.broker.ask<RunView>({
    kind: 'query',
    question: { what: 'run', run_id: call.path('run_id') },
  })
  if (asked.kind === 'refused') return refuse(asked.error)
  const wanted = readWanted(call, asked.result)
  if (isFailure(wanted)) return refuse(wanted)
  const stay = api.standing.enter(call.res)
  if (!stay) return refuse(BUSY)
  try {
    const isEvents = call.req.accepts(['text/plain', EVENT_STREAM]) === EVENT_STREAM
    return await (isEvents ? sendEvents : sendText)(api, call, stay, wanted)
  } finally {
    stay.leave()
  }
}

/** The text begins only when the first piece is there, so that a refusal can still be a refusal. */
async function sendText(api: Api, call: Call, stay: Stay, wanted: Wanted): Promise<Answer> {
  const pieces = readOutput(api, stay, wanted)
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Accel-Buffering': 'no' }
  const first = wanted.follow ? null : await pieces.next()
  if (first?.done && first.value.kind === 'failed') return refuse(first.value.failure)
  const body = openBody(call.res, stay, headers)
  const lines = createLines()
  let step = first ?? (await pieces.next())
  while (!step.done) {
    if (!(await body.write(lines.take(step.value)))) return { kind: 'streamed' }
    step = await pieces.next()
  }
  await body.write(lines.rest())
  if (step.value.kind === 'read') body.end()
  else body.cut()
  return { kind: 'streamed' }
}

async function sendEvents(api: Api, call: Call, stay: Stay, wanted: Wanted): Promise<Answer> {
  const from = readPlace(call.req.headers['last-event-id'])
  const body = openBody(call.res, stay, EVENT_HEADERS)
  const alive = keepAlive(call.res)
  const decoders = new Map<string, InstanceType<typeof TextDecoder>>()
  try {
    const pieces = readOutput(api, stay, { ...wanted, ...from })
    let step = await pieces.next()
    while (!step.done) {
      const { task, attempt, stream, data, cut_bytes, next_offset } = step.value
      const decoder = decoders.get(task.task_id) ?? new TextDecoder()
      decoders.set(task.task_id, decoder)
      const text = decoder.decode(data, { stream: cut_bytes === 0 })
      const event = { task_id: task.task_id, attempt, stream, text, cut_bytes }
      const id = `${attempt}-${next_offset}`
      if (!(await body.write(eventText('output', id, event)))) return { kind: 'streamed' }
      step = await pieces.next()
    }
    if (step.value.kind === 'read') {
      const { state, reason } = step.value.run
      await body.write(`event: end\ndata: ${JSON.stringify({ state, reason })}\n\n`)
    }
    body.end()
    return { kind: 'streamed' }
  } finally {
    alive.stop()
  }
}

/** Where a client that comes back left off: `attempt-offset`. */
function readPlace(id: string | string[] | undefined): { attempt?: number; offset?: number } {
  const match = /^(\d{1,10})-(\d{1,15})$/.exec(typeof id === 'string' ? id : '')
  return match ? { attempt: Math.max(1, Number(match[1])), offset: Number(match[2]) } : {}
}

function readWanted({ fields }: Call, run: RunView): Wanted | Failure {
  const stream = textOf(fields, 'stream') ?? 'stdout'
  if (stream !== 'stdout' && stream !== 'stderr') return badRequest('stream: stdout or stderr')
  const follow = switchOf(fields, 'follow')
  if (follow === null) return badRequest('follow: 1 or 0')
  const given = textOf(fields, 'attempt')
  const attempt = given === null ? null : countOf(given, 1, MAX_ATTEMPT)
  if (given !== null && attempt === null) return badRequest('attempt: a number from 1')
  const isWanted = chooseTask(run.tasks ?? [], textOf(fields, 'task'))
  if (typeof isWanted !== 'function') return isWanted
  const streams: Stream[] = [stream]
  return {
    run_id: run.run_id,
    streams,
    isWanted,
    attempt: attempt ?? 'latest',
    offset: 0,
    only: attempt !== null || !follow,
    follow,
  }
}

/** By task_id, by its number or by its worker. Without a name there must be one at most, now and later. */
function chooseTask(
  tasks: readonly TaskView[],
  name: string | null,
): ((task: TaskView) => boolean) | Failure {
  const names = tasks.map((task) => task.worker ?? task.task_id).join(', ')
  if (name === null)
    return tasks.length > 1
      ? failure(400, 'several_tasks', 'the run has several tasks', `add task= one of: ${names}`)
      : () => true
  const isNamed = (task: TaskView): boolean =>
    task.worker === name || task.task_id === name || task.task_id.endsWith(`.${name}`)
  return tasks.length > 0 && !tasks.some(isNamed)
    ? failure(404, 'unknown_task', 'the run has no such task', `its tasks: ${names}`)
    : isNamed
}
