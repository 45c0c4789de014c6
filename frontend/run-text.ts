/**
 * A run's output as one text for people: `curl …&follow=1`. Several tasks are told apart by their worker's name in
 * front of each line. A run that does not succeed ends the text with a line that says so, and cuts the body short: the
 * only way in which a status that was sent long ago can still turn into a failure of curl.
 */
import type { RunView } from '../common/protocol/answers.ts'
import { openBody } from './body-stream.ts'
import type { BodyStream } from './body-stream.ts'
import { readOutput } from './output-reader.ts'
import type { End, Piece } from './output-reader.ts'
import type { Api, Call } from './routes/route.ts'
import type { Stay } from './standing.ts'

/** A line that is longer is broken. */
const MAX_LINE_BYTES = 64 * 1024
const NEWLINE = 0x0a

/** Writes the text of a run that was just started, until the run is over. */
export async function followRun(
  api: Api,
  call: Call,
  stay: Stay,
  run_id: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const body = openBody(call.res, stay, {
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Accel-Buffering': 'no',
    ...headers,
  })
  const lines = createLines()
  const pieces = readOutput(api, stay, {
    run_id,
    streams: ['stdout', 'stderr'],
    attempt: 1,
    offset: 0,
    only: false,
    follow: true,
  })
  let step = await pieces.next()
  while (!step.done) {
    if (!(await body.write(lines.take(step.value)))) return
    step = await pieces.next()
  }
  await body.write(lines.rest())
  await close(body, step.value, stay, run_id)
}

async function close(body: BodyStream, end: End, stay: Stay, run_id: string): Promise<void> {
  if (end.kind === 'read' && end.run.state === 'succeeded') return body.end()
  await body.write(`jobz: ${lastLine(end, stay, run_id)}\n`)
  body.cut()
}

function lastLine(end: End, stay: Stay, run_id: string): string {
  if (end.kind === 'read') return outcome(end.run)
  if (end.kind === 'failed') return `run ${run_id}: ${end.failure.message}`
  return stay.stopping()
    ? `this frontend is stopping; run ${run_id} goes on: see /api/runs/${run_id}`
    : `run ${run_id} goes on`
}

const outcome = ({ run_id, state, reason }: RunView): string =>
  `run ${run_id} ${state}${reason ? `: ${reason}` : ''}`

/** What stands where the output limit left bytes out. */
const cutNotice = (bytes: number): string => `\n[jobz: ${bytes} bytes were not kept]\n`

/** One task's pieces pass as they are; those of several become whole lines with the worker's name in front. */
export function createLines(): { take(piece: Piece): Buffer; rest(): Buffer } {
  const partial = new Map<string, Buffer>()
  return {
    take: (piece) => {
      const data = piece.cut_bytes
        ? Buffer.concat([piece.data, Buffer.from(cutNotice(piece.cut_bytes))])
        : piece.data
      if (!piece.several) return data
      const id = `${piece.stream} ${piece.task.worker ?? piece.task.task_id}`
      const text = Buffer.concat([partial.get(id) ?? Buffer.alloc(0), data])
      const end = text.length > MAX_LINE_BYTES ? text.length : text.lastIndexOf(NEWLINE) + 1
      partial.set(id, text.subarray(end))
      return prefixed(prefixOf(id), text.subarray(0, end))
    },
    rest: () => Buffer.concat([...partial].map(([id, text]) => prefixed(prefixOf(id), text))),
  }
}

/** The worker's name out of a key of `stream worker`. */
const prefixOf = (id: string): Buffer => Buffer.from(`${id.slice(id.indexOf(' ') + 1)}| `)

/** Each line with the prefix, the last one ended. */
function prefixed(prefix: Buffer, text: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let from = 0; from < text.length;) {
    const at = text.indexOf(NEWLINE, from)
    const to = at < 0 ? text.length : at + 1
    parts.push(prefix, text.subarray(from, to))
    if (at < 0) parts.push(Buffer.from('\n'))
    from = to
  }
  return Buffer.concat(parts)
}
