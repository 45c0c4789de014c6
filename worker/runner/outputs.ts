/** What commands wrote, read back from the spool: chunks, the tail of their errors, and their output values. */
import { execFile } from 'node:child_process'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { PARAM_NAME_PATTERN } from '../../common/definition/card.ts'
import type { Mask } from './masks.ts'

const ERROR_TAIL_BYTES = 4096
const MOST_VALUES = 64
const MOST_VALUE_BYTES = 4096
/** All values of greatest size, twice over: beyond that nobody looks. */
const MOST_OUTPUT_FILE_BYTES = 2 * MOST_VALUES * (MOST_VALUE_BYTES + 66)

/** In bytes; a file that is not there has none. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/** Exactly these bytes. What the file lost meanwhile (it was cut short by its command) reads as zeros. */
function readBytes(path: string, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    let read = 0
    while (read < length) {
      const more = readSync(file, bytes, read, length - read, offset + read)
      if (more === 0) break
      read += more
    }
  } catch {
    // The same zeros: the broker still learns how long the stream was.
  } finally {
    if (file !== undefined) closeSync(file)
  }
  return bytes
}

/** The same with what is secret hidden. Both sides are read a little further, where one may begin or end. */
export function readHidden(
  path: string,
  offset: number,
  length: number,
  mask: Mask | null,
): Buffer {
  if (mask === null) return readBytes(path, offset, length)
  const before = Math.min(offset, mask.reach)
  const bytes = readBytes(path, offset - before, before + length + mask.reach)
  mask.hide(bytes)
  return bytes.subarray(before, before + length)
}

/** How much of a stream that still grows may be read: not its end, while that may be the beginning of a secret. */
export function readableSize(path: string, mask: Mask | null): number {
  const size = sizeOf(path)
  if (mask === null || size === 0) return size
  const length = Math.min(size, mask.reach)
  return size - mask.unsure(readBytes(path, size - length, length))
}

/** The last 4 KiB as text; what is not UTF-8, and NULs, are replaced. */
export function errorTail(path: string, size: number, mask: Mask | null): string {
  if (size === 0) return ''
  const from = Math.max(0, size - ERROR_TAIL_BYTES)
  const bytes = readHidden(path, from, size - from, mask)
  // Begin with a whole character, where the cut went through one.
  const whole = bytes.subarray(0, 4).findIndex((byte) => (byte & 0xc0) !== 0x80)
  const start = from === 0 ? 0 : Math.max(0, whole)
  return bytes.subarray(start).toString('utf8').replaceAll('\0', '\uFFFD').slice(-ERROR_TAIL_BYTES)
}

export type OutputValues = {
  readonly values: Record<string, string>
  /** Why lines were left out, one text each. They do not change the outcome of the run. */
  readonly dropped: readonly string[]
}

/** Reads the `name=value` lines that a command wrote to `$JOBZ_OUTPUT`; of one name the last line counts. */
export function readValues(path: string): OutputValues {
  const size = sizeOf(path)
  if (size === 0) return { values: {}, dropped: [] }
  const text = readBytes(path, 0, Math.min(size, MOST_OUTPUT_FILE_BYTES)).toString('utf8')
  const values = new Map<string, string>()
  const dropped: string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const problem = takeLine(values, line.replace(/\r$/, ''))
    if (problem !== null) dropped.push(`line ${index + 1} ${problem}`)
  }
  if (size > MOST_OUTPUT_FILE_BYTES) dropped.push(`all past ${MOST_OUTPUT_FILE_BYTES} bytes`)
  return { values: Object.fromEntries(values), dropped: dropped.slice(0, 10) }
}

function takeLine(values: Map<string, string>, line: string): string | null {
  const at = line.indexOf('=')
  const name = line.slice(0, Math.max(0, at))
  const value = line.slice(at + 1)
  if (at === -1) return 'has no ='
  if (!PARAM_NAME_PATTERN.test(name)) return 'does not begin with the name of a value'
  if (Buffer.byteLength(value) > MOST_VALUE_BYTES)
    return `has a value of more than ${MOST_VALUE_BYTES} bytes`
  if (value.includes('\0')) return 'has a NUL character'
  if (!values.has(name) && values.size >= MOST_VALUES) return `is beyond ${MOST_VALUES} values`
  values.set(name, value)
  return null
}

/**
 * Gives bytes in the middle of a file back to the disk; offsets stay true. Node cannot do it, so the tool of
 * util-linux does; where there is none, the file stays as long as its attempt does. Answers why it could not.
 */
export function punchHole(path: string, from: number, to: number): Promise<string | null> {
  const range = ['--offset', String(from), '--length', String(to - from)]
  return new Promise((resolve) => {
    execFile('fallocate', ['--punch-hole', ...range, path], (error) =>
      resolve(error ? error.message : null),
    )
  })
}
