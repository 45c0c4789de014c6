/** Secrets in output: however a stream is cut, and whenever it is looked at, what leaves is the masked whole. */
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import * as fc from 'fast-check'
import { makeMask, maskOf } from '../../../worker/runner/masks.ts'
import { errorTail, readableSize, readHidden } from '../../../worker/runner/outputs.ts'
import { CUT_MARGIN_BYTES } from '../../../worker/core/streams.ts'
import { temporaryFolder } from './with-runner.ts'

const hidden = (text: string, ...secrets: string[]): string => {
  const bytes = Buffer.from(text)
  makeMask(secrets).hide(bytes)
  return bytes.toString('latin1')
}

test('each byte of a value becomes a star, so that offsets stay true', (t) => {
  t.is(hidden('pass=hunter2!\n', 'hunter2'), 'pass=*******!\n')
  t.is(hidden('grün=grün', 'grün'), '*****=*****', 'bytes are counted, not characters')
  t.is(hidden('abcdabcdab', 'abcdab'), '**********', 'also where they overlap')
  t.is(hidden('abcdef', 'abcd', 'cdef'), '******', 'also where two do')
  t.is(hidden('hunter', 'hunter2'), 'hunter')
})

test('a value is found as it stands in JSON, in a URL, in a form and in base64', (t) => {
  const secret = 'p"w & more/ü'
  const forms = [JSON.stringify({ secret }), encodeURIComponent(secret)]
  forms.push(String(new URLSearchParams({ secret })))
  for (const text of forms) t.regex(hidden(text, secret), /^[a-z":={}]*\*{10,}["}]*$/, text)
  for (const user of ['', 'a', 'ab', 'abc:']) {
    const text = Buffer.from(`${user}${secret}`).toString('base64')
    t.regex(hidden(text, secret), /\*{14,}.{0,4}$/, text)
  }
})

test('of a value that is too short for that, nothing is hidden', (t) => {
  const task = { task_id: 'r.0', attempt: 1, run_id: 'r', flow_id: 'r', job: 'j', context: {} }
  t.is(maskOf({ ...task, params: { pin: '123' }, secret: ['pin'] }), null)
  t.is(maskOf({ ...task, params: { pin: '1234' } }), null, 'nor of one that is not secret')
  t.truthy(maskOf({ ...task, params: { pin: '1234' }, secret: ['pin'] }))
})

test('the longest form of the longest value fits between what is kept and what is cut', (t) => {
  for (const value of ['\u0001'.repeat(4096), 'ü'.repeat(2048), '%'.repeat(4096)])
    t.true(makeMask([value]).reach <= CUT_MARGIN_BYTES)
})

test('a value of one letter, in a text of that letter', (t) => {
  const mask = makeMask(['a'.repeat(4096)])
  const bytes = Buffer.from('a'.repeat(64 * 1024))
  mask.hide(bytes)
  t.is(bytes.indexOf('a'), -1)
  t.is(mask.unsure(Buffer.from('a'.repeat(5000))), 4095)
})

/** Few letters, so that values begin, overlap and nearly stand everywhere. */
const word = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b', 'ü', '"'), minLength, maxLength })
const stories = {
  values: fc.array(word(4, 7), { minLength: 1, maxLength: 3 }),
  text: fc.array(word(0, 9), { maxLength: 20 }),
}

test('any chunks of any text make the masked whole', (t) => {
  const path = join(temporaryFolder(t), 'stdout')
  const property = fc.property(
    stories.values,
    stories.text,
    fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
    (values, parts, lengths) => {
      const bytes = Buffer.from(parts.map((part, i) => part + (values[i % 4] ?? '')).join(''))
      writeFileSync(path, bytes)
      const mask = makeMask(values)
      const chunks: Buffer[] = []
      for (let at = 0, n = 0; at < bytes.length; n += 1) {
        const length = Math.min(lengths[n % lengths.length] ?? 1, bytes.length - at)
        chunks.push(readHidden(path, at, length, mask))
        at += length
      }
      mask.hide(bytes)
      t.deepEqual(Buffer.concat(chunks), bytes)
    },
  )
  fc.assert(property, { numRuns: 500 })
})

test('what is read of a stream while it grows is what is read of it in the end', (t) => {
  const path = join(temporaryFolder(t), 'stdout')
  const property = fc.property(stories.values, stories.text, (values, parts) => {
    writeFileSync(path, '')
    const mask = makeMask(values)
    const chunks: Buffer[] = []
    let sent = 0
    for (const [i, part] of parts.entries()) {
      // Half a value at a time, too.
      const value = values[i % 4] ?? ''
      for (const piece of [part, value.slice(0, 3), value.slice(3)]) {
        appendFileSync(path, piece)
        const size = readableSize(path, mask)
        t.true(size >= sent, 'what was read once is not taken back')
        chunks.push(readHidden(path, sent, size - sent, mask))
        sent = size
      }
    }
    const whole = readHidden(path, 0, readableSize(path, null), mask)
    chunks.push(whole.subarray(sent))
    t.deepEqual(Buffer.concat(chunks), whole)
    for (const value of values) t.is(whole.indexOf(value), -1)
  })
  fc.assert(property, { numRuns: 200 })
})

test('the tail of the errors hides a value that begins before it', (t) => {
  const path = join(temporaryFolder(t), 'stderr')
  const secret = 's3cret-value'
  writeFileSync(path, `${secret}${'x'.repeat(4092)}`)
  const size = readableSize(path, null)
  t.is(errorTail(path, size, makeMask([secret])), `****${'x'.repeat(4092)}`)
})
