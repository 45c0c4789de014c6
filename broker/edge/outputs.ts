/**
 * What commands wrote, as files: one per task, attempt and stream, in a folder per run.
 *
 * A chunk is acknowledged once it is in its file, and it is there before the attempt's outcome is committed. It is not
 * synced: output explains an outcome and decides nothing, and a sync per chunk would cost more than everything else
 * together. So a killed broker loses none of it, and a power cut may lose the last seconds; offsets stay true even then.
 *
 * Offsets count from the start of the whole stream. Where the middle of a stream was cut (by the job's `output_limit`,
 * or here, past `STREAM_BYTES`), the file is sparse, and a file beside it (`.cuts`) says from where to where.
 */
import { closeSync, constants, fstatSync, ftruncateSync, mkdirSync, openSync } from 'node:fs'
import { readFileSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Which stream of which attempt. `task_id` is `run_id.n`; attempt 0 is one that has not started, and has no output. */
export type StreamRef = {
  readonly task_id: string
  readonly attempt: number
  readonly stream: 'stdout' | 'stderr'
}

/** `next`: everything before this offset is kept (or known to be cut). */
export type Appended = { readonly next: number } | AppendRefused
export type AppendRefused = {
  readonly kind: 'refused'
  readonly code: 'bad_ref' | 'not_written'
  readonly message: string
}

export type OutputRead = {
  readonly data: Buffer
  readonly next_offset: number
  /** Where the stream ends, so far. */
  readonly size: number
  /** Bytes that were cut between the end of `data` and `next_offset`. */
  readonly cut_bytes: number
}

export type Outputs = {
  /** Keeps a chunk. One that is kept already is acknowledged again; of one that overlaps, the new part is kept. */
  append(chunk: StreamRef & { readonly offset: number; readonly data: Buffer }): Appended
  /** At most `limit` bytes from `offset` on. What was never written reads as empty. */
  read(from: StreamRef & { readonly offset: number; readonly limit: number }): OutputRead
  /** Removes all output of a run, off the event loop. Rejects when files are left. */
  remove(run_id: string): Promise<void>
  close(): void
}

/** Of one stream no more than this is kept, whatever its job allows; what comes then is acknowledged, and cut. */
const STREAM_BYTES = 1024 ** 3
/** Far past what a command can write, and within what file systems can address. */
const LAST_OFFSET = 2 ** 43
/** Files held open for appending; beyond this, the one that was used longest ago is closed. */
const OPEN_FILES = 256

type Cut = { readonly from: number; readonly to: number }
/** A file open for appending: its length, and how much of that is not cut. */
type Growing = { readonly fd: number; readonly path: string; size: number; kept_bytes: number }

/** Output files under a directory, which is created when it is first needed. `stream_bytes` is for tests. */
export function openOutputs(directory: string, stream_bytes = STREAM_BYTES): Outputs {
  const growing = new Map<string, Growing>()
  const close = (path: string): void => {
    const file = growing.get(path)
    growing.delete(path)
    if (file) closeSync(file.fd)
  }
  const grow = (path: string): Growing => {
    const file = growing.get(path) ?? openGrowing(path)
    growing.delete(path)
    growing.set(path, file)
    const [oldest] = growing.keys()
    if (growing.size > OPEN_FILES && oldest !== undefined) close(oldest)
    return file
  }
  return {
    append: ({ offset, data, ...ref }) => {
      const path = pathOf(directory, ref)
      if (path === null || !isOffset(offset)) return refused('bad_ref', 'no such stream or offset')
      try {
        return { next: appendTo(grow(path), offset, data, stream_bytes) }
      } catch (error) {
        // What the file holds now is read anew next time: the write may have been done in part.
        close(path)
        return refused('not_written', error instanceof Error ? error.message : String(error))
      }
    },
    read: ({ offset, limit, ...ref }) => {
      const path = pathOf(directory, ref)
      return path === null ? nothing(offset) : readFrom(path, offset, limit)
    },
    remove: async (run_id) => {
      const folder = folderOf(directory, run_id)
      if (folder === null) return
      for (const path of growing.keys()) if (dirname(path) === folder) close(path)
      await rm(folder, { recursive: true, force: true })
    },
    close: () => {
      for (const path of growing.keys()) close(path)
    },
  }
}

const refused = (code: AppendRefused['code'], message: string): AppendRefused => ({
  kind: 'refused',
  code,
  message,
})

const RUN_ID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const RUN_PATTERN = new RegExp(`^${RUN_ID}$`)
const TASK_PATTERN = new RegExp(`^(${RUN_ID})\\.(\\d{1,10})$`)
const STREAMS: ReadonlySet<string> = new Set(['stdout', 'stderr'])

/** Ids come over the wire: only what looks exactly like one becomes part of a path. */
function pathOf(directory: string, { task_id, attempt, stream }: StreamRef): string | null {
  const [, run_id = '', n = ''] = TASK_PATTERN.exec(task_id) ?? []
  const folder = folderOf(directory, run_id)
  const isAttempt = Number.isSafeInteger(attempt) && attempt >= 0
  if (folder === null || !isAttempt || !STREAMS.has(stream)) return null
  return join(folder, `${Number(n)}.${attempt}.${stream}`)
}

/** The last characters of an id differ between neighbours, so they spread the runs evenly. */
const folderOf = (directory: string, run_id: string): string | null =>
  RUN_PATTERN.test(run_id) ? join(directory, run_id.slice(-3), run_id) : null

const isOffset = (offset: number): boolean =>
  Number.isSafeInteger(offset) && offset >= 0 && offset <= LAST_OFFSET

function openGrowing(path: string): Growing {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // Not in appending mode, which would ignore positions.
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  const { size } = fstatSync(fd)
  const cut_bytes = cutsOf(path, size).reduce((sum, { from, to }) => sum + to - from, 0)
  return { fd, path, size, kept_bytes: size - cut_bytes }
}

/** Returns the offset up to which the stream is kept now. Throws what the file system throws. */
function appendTo(file: Growing, offset: number, data: Buffer, stream_bytes: number): number {
  const end = offset + data.length
  if (end <= file.size) return file.size
  if (offset > file.size) cut(file, offset)
  const news = data.subarray(file.size - offset)
  if (file.kept_bytes + news.length > stream_bytes) {
    cut(file, end)
    return file.size
  }
  for (let done = 0; done < news.length;) {
    const written = writeSync(file.fd, news, done, news.length - done, file.size)
    done += written
    file.size += written
    file.kept_bytes += written
  }
  return file.size
}

/** The note is written before the file grows: growth without a note would read as zeros. */
function cut(file: Growing, to: number): void {
  writeFileSync(`${file.path}.cuts`, `\n${file.size} ${to};`, { flag: 'a', mode: 0o600 })
  ftruncateSync(file.fd, to)
  file.size = to
}

const CUT_PATTERN = /^(\d{1,16}) (\d{1,16});$/

/** The cuts of a file of `size` bytes, in order, none touching another. Half-written notes are passed over. */
function cutsOf(path: string, size: number): Cut[] {
  const cuts: Cut[] = []
  for (const line of readIfThere(`${path}.cuts`).split('\n')) {
    const [, start, end] = CUT_PATTERN.exec(line) ?? []
    const from = Number(start)
    const to = Math.min(Number(end), size)
    if (!(from < to)) continue
    const last = cuts.at(-1)
    if (last !== undefined && from <= last.to)
      cuts[cuts.length - 1] = { from: last.from, to: Math.max(last.to, to) }
    else cuts.push({ from, to })
  }
  return cuts
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

const nothing = (offset: number): OutputRead => ({
  data: Buffer.alloc(0),
  next_offset: offset,
  size: 0,
  cut_bytes: 0,
})

/** Reads up to the next cut, and steps over it. */
function readFrom(path: string, offset: number, limit: number): OutputRead {
  const fd = openIfThere(path)
  if (fd === null) return nothing(offset)
  try {
    const { size } = fstatSync(fd)
    if (offset >= size) return { ...nothing(offset), size }
    const next = cutsOf(path, size).find((one) => one.to > offset)
    const stop = Math.min(next?.from ?? size, offset + limit)
    const data = Buffer.alloc(Math.max(stop - offset, 0))
    const length = readSync(fd, data, 0, data.length, offset)
    const read_to = offset + length
    const at_cut = next !== undefined && read_to >= next.from
    return {
      data: data.subarray(0, length),
      next_offset: at_cut ? next.to : read_to,
      size,
      cut_bytes: at_cut ? next.to - read_to : 0,
    }
  } finally {
    closeSync(fd)
  }
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r')
  } catch {
    return null
  }
}
