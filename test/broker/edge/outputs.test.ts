import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { array, assert, boolean, integer, nat, property, tuple } from 'fast-check'
import { openOutputs } from '../../../broker/edge/outputs.ts'
import type { Outputs, StreamRef } from '../../../broker/edge/outputs.ts'
import { idOf } from '../store/samples.ts'

const RUN_ID = idOf(7)
const REF: StreamRef = { task_id: `${RUN_ID}.0`, attempt: 1, stream: 'stdout' }

function place(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'jobz-outputs-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'output')
}

function opened(t: ExecutionContext, directory: string, stream_bytes?: number): Outputs {
  const outputs = openOutputs(directory, stream_bytes)
  t.teardown(() => outputs.close())
  return outputs
}

const add = (outputs: Outputs, offset: number, text: string, ref = REF) =>
  outputs.append({ ...ref, offset, data: Buffer.from(text) })
const look = (outputs: Outputs, offset = 0, limit = 1000, ref = REF) => {
  const { data, ...rest } = outputs.read({ ...ref, offset, limit })
  return { text: data.toString(), ...rest }
}

test('chunks are kept in order and read from any offset', (t) => {
  const outputs = opened(t, place(t))
  t.deepEqual(add(outputs, 0, 'hello '), { next: 6 })
  t.deepEqual(add(outputs, 6, 'world'), { next: 11 })
  t.deepEqual(look(outputs), { text: 'hello world', next_offset: 11, size: 11, cut_bytes: 0 })
  t.deepEqual(look(outputs, 6, 3), { text: 'wor', next_offset: 9, size: 11, cut_bytes: 0 })
  t.deepEqual(look(outputs, 11), { text: '', next_offset: 11, size: 11, cut_bytes: 0 })
  t.deepEqual(look(outputs, 99), { text: '', next_offset: 99, size: 11, cut_bytes: 0 })
})

test('a chunk that is kept already is only acknowledged; an overlapping one is trimmed', (t) => {
  const outputs = opened(t, place(t))
  add(outputs, 0, 'abcdef')
  t.deepEqual(add(outputs, 0, 'ABC'), { next: 6 })
  t.deepEqual(add(outputs, 3, 'DEF'), { next: 6 })
  t.deepEqual(add(outputs, 4, 'EFgh'), { next: 8 })
  t.is(look(outputs).text, 'abcdefgh')
})

test('a chunk beyond the end says that the middle was cut', (t) => {
  const outputs = opened(t, place(t))
  add(outputs, 0, 'begin')
  t.deepEqual(add(outputs, 1_000_000, 'end'), { next: 1_000_003 })
  t.deepEqual(look(outputs), {
    text: 'begin',
    next_offset: 1_000_000,
    size: 1_000_003,
    cut_bytes: 999_995,
  })
  t.deepEqual(look(outputs, 1_000_000).text, 'end')
  t.deepEqual(look(outputs, 500), {
    text: '',
    next_offset: 1_000_000,
    size: 1_000_003,
    cut_bytes: 999_500,
  })
  t.deepEqual(look(outputs, 0, 3), { text: 'beg', next_offset: 3, size: 1_000_003, cut_bytes: 0 })
})

test('a cut needs no room on the disk', (t) => {
  const directory = place(t)
  const outputs = opened(t, directory)
  add(outputs, 2 ** 40, 'end')
  const blocks = filesUnder(directory).reduce((sum, path) => sum + statSync(path).blocks, 0)
  t.true(blocks < 100)
})

test('a stream that begins with a cut', (t) => {
  const outputs = opened(t, place(t))
  add(outputs, 10, 'x')
  t.deepEqual(look(outputs), { text: '', next_offset: 10, size: 11, cut_bytes: 10 })
})

test('another broker goes on where the last one stopped, cuts included', (t) => {
  const directory = place(t)
  const before = opened(t, directory)
  add(before, 0, 'one')
  add(before, 10, 'two')
  const after = opened(t, directory)
  t.deepEqual(add(after, 10, 'two'), { next: 13 })
  t.deepEqual(add(after, 13, ' three'), { next: 19 })
  t.deepEqual(look(after), { text: 'one', next_offset: 10, size: 19, cut_bytes: 7 })
  t.is(look(after, 10).text, 'two three')
})

test('a cut that was noted but not made, and a note half written, do no harm', (t) => {
  const directory = place(t)
  const before = opened(t, directory)
  add(before, 0, 'one')
  before.close()
  const file = filesUnder(directory).find((path) => path.endsWith('.stdout')) ?? ''
  writeFileSync(`${file}.cuts`, '\n3 10;\n3 1')
  const after = opened(t, directory)
  t.deepEqual(look(after), { text: 'one', next_offset: 3, size: 3, cut_bytes: 0 })
  t.deepEqual(add(after, 10, 'two'), { next: 13 })
  t.deepEqual(look(after), { text: 'one', next_offset: 10, size: 13, cut_bytes: 7 })
})

test('streams, attempts and tasks have output of their own', (t) => {
  const outputs = opened(t, place(t))
  const others: StreamRef[] = [
    { ...REF, stream: 'stderr' },
    { ...REF, attempt: 2 },
    { ...REF, task_id: `${RUN_ID}.1` },
    { ...REF, task_id: `${idOf(8)}.0` },
  ]
  for (const [at, ref] of [REF, ...others].entries()) add(outputs, 0, `text ${at}`, ref)
  for (const [at, ref] of [REF, ...others].entries())
    t.is(look(outputs, 0, 100, ref).text, `text ${at}`)
})

test('what was never written is empty', (t) => {
  const outputs = opened(t, place(t))
  t.deepEqual(look(outputs, 5), { text: '', next_offset: 5, size: 0, cut_bytes: 0 })
  t.is(look(outputs, 0, 10, { ...REF, attempt: 0 }).text, '')
})

test('the output of a run is removed whole, and nobody else’s', async (t) => {
  const directory = place(t)
  const outputs = opened(t, directory)
  const other = { ...REF, task_id: `${idOf(8)}.0` }
  add(outputs, 0, 'mine')
  add(outputs, 100, 'mine')
  add(outputs, 0, 'yours', other)
  await outputs.remove(RUN_ID)
  t.is(look(outputs).size, 0)
  t.is(look(outputs, 0, 10, other).text, 'yours')
  t.deepEqual(add(outputs, 0, 'again'), { next: 5 })
  t.is(look(outputs).text, 'again')
  await t.notThrowsAsync(outputs.remove('unheard'))
})

test('an id that is not exactly one never becomes a path', (t) => {
  const directory = place(t)
  const outputs = opened(t, directory)
  const ids = ['', '.', '../../x.0', RUN_ID, `${RUN_ID}.`, `${RUN_ID}.-1`, `${RUN_ID}.0/../x`]
  for (const task_id of [...ids, `${RUN_ID}.0\n`, `/${RUN_ID}.0`, `${RUN_ID}.${'9'.repeat(99)}`]) {
    const kept = add(outputs, 0, 'x', { ...REF, task_id })
    t.like(kept, { kind: 'refused', code: 'bad_ref' }, task_id)
    t.is(look(outputs, 0, 10, { ...REF, task_id }).text, '')
  }
  const stream = '../x' as 'stdout'
  t.like(add(outputs, 0, 'x', { ...REF, stream }), { code: 'bad_ref' })
  for (const attempt of [-1, 1.5, Number.NaN])
    t.like(add(outputs, 0, 'x', { ...REF, attempt }), { code: 'bad_ref' })
  for (const offset of [-1, 0.5, Number.NaN, Infinity, Number.MAX_SAFE_INTEGER])
    t.like(add(outputs, offset, 'x'), { code: 'bad_ref' })
  void outputs.remove('../..')
  t.false(existsSync(directory))
})

test('past its bound a stream is acknowledged and cut', (t) => {
  const outputs = opened(t, place(t), 10)
  t.deepEqual(add(outputs, 0, '12345678'), { next: 8 })
  t.deepEqual(add(outputs, 8, 'abcd'), { next: 12 })
  t.deepEqual(add(outputs, 12, 'efgh'), { next: 16 })
  t.deepEqual(look(outputs), { text: '12345678', next_offset: 16, size: 16, cut_bytes: 8 })
  t.deepEqual(add(outputs, 16, 'ij'), { next: 18 })
  t.is(look(outputs, 16).text, 'ij')
})

test('a file that cannot be written is a refusal, and works again when it can', (t) => {
  const directory = place(t)
  writeFileSync(directory, 'in the way')
  const outputs = opened(t, directory)
  t.like(add(outputs, 0, 'x'), { kind: 'refused', code: 'not_written' })
  rmSync(directory)
  t.deepEqual(add(outputs, 0, 'x'), { next: 1 })
})

test('a write that the system stops half way is a refusal, and what was written counts', (t) => {
  const directory = place(t)
  // A limit on file sizes stands in for a full disk: both end a write in its middle.
  const script = `
    import { openOutputs } from ${JSON.stringify(join(import.meta.dirname, '../../../broker/edge/outputs.ts'))}
    process.on('SIGXFSZ', () => undefined)
    const outputs = openOutputs(${JSON.stringify(directory)})
    const ref = ${JSON.stringify(REF)}
    const first = outputs.append({ ...ref, offset: 0, data: Buffer.alloc(6000, 'a') })
    const second = outputs.append({ ...ref, offset: 6000, data: Buffer.alloc(20000, 'b') })
    const { size } = outputs.read({ ...ref, offset: 0, limit: 1 })
    console.log(JSON.stringify([first, second, size]))`
  const printed = execFileSync(
    'sh',
    ['-c', 'ulimit -f 16; exec "$0" --input-type=module --eval "$1"', process.execPath, script],
    { encoding: 'utf8', timeout: 30_000 },
  )
  const [first, second, size] = JSON.parse(printed) as [object, { kind: string }, number]
  t.deepEqual(first, { next: 6000 })
  t.is(second.kind, 'refused')
  t.true(size >= 6000 && size < 26_000)
  const outputs = opened(t, directory)
  t.deepEqual(add(outputs, 6000, 'b'.repeat(20_000)), { next: 26_000 })
  t.is(look(outputs, 0, 30_000).text, 'a'.repeat(6000) + 'b'.repeat(20_000))
})

test('no more files are open than were agreed, however many streams grow', (t) => {
  const directory = place(t)
  const outputs = opened(t, directory)
  const openFiles = (): number =>
    readdirSync('/proc/self/fd').filter((fd) => targetOf(fd).startsWith(directory)).length
  const refs = Array.from({ length: 400 }, (_, n) => ({ ...REF, task_id: `${RUN_ID}.${n}` }))
  for (const text of ['first ', 'second'])
    for (const ref of refs) add(outputs, text === 'first ' ? 0 : 6, text, ref)
  t.is(openFiles(), 256)
  for (const ref of refs) t.is(look(outputs, 0, 100, ref).text, 'first second')
  outputs.close()
  t.is(openFiles(), 0)
})

test('only the owner may read it', (t) => {
  const directory = place(t)
  const outputs = opened(t, directory)
  add(outputs, 0, 'a')
  add(outputs, 10, 'a')
  t.is(statSync(directory).mode & 0o777, 0o700)
  const files = filesUnder(directory)
  t.is(files.length, 2)
  for (const path of files) t.is(statSync(path).mode & 0o777, 0o600)
})

test('whatever order chunks are told in, and however often, each byte is right or cut', (t) => {
  const text = Buffer.from(Array.from({ length: 300 }, (_, at) => 33 + (at % 90)))
  const piece = tuple(nat(299), integer({ min: 1, max: 60 }), boolean())
  assert(
    property(array(piece, { maxLength: 20 }), (pieces) => {
      const directory = mkdtempSync(join(tmpdir(), 'jobz-outputs-'))
      let outputs = openOutputs(directory)
      let end = 0
      for (const [offset, length, reopen] of pieces) {
        const data = text.subarray(offset, offset + length)
        end = Math.max(end, offset + data.length)
        t.deepEqual(outputs.append({ ...REF, offset, data }), { next: end })
        if (reopen) {
          outputs.close()
          outputs = openOutputs(directory)
        }
      }
      for (let offset = 0; offset < end;) {
        const { data, next_offset, cut_bytes } = outputs.read({ ...REF, offset, limit: 7 })
        t.true(data.equals(text.subarray(offset, offset + data.length)))
        t.is(next_offset, offset + data.length + cut_bytes)
        t.true(next_offset > offset)
        offset = next_offset
      }
      outputs.close()
      rmSync(directory, { recursive: true })
    }),
    { numRuns: 60 },
  )
})

function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}

const filesUnder = (directory: string): string[] =>
  readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
