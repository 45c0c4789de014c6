/** Tables fit the terminal, whatever is in them. */
import test from 'ava'
import * as fc from 'fast-check'
import { table } from '../../../cli/show/columns.ts'
import type { Column } from '../../../cli/show/columns.ts'
import { displayWidth, fit } from '../../../cli/show/width.ts'
import type { Terminal } from '../../../cli/terminal.ts'
import { ACTS } from '../views.ts'

const COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'NAME', least: 6 },
  { title: 'N', right: true, leave: 1 },
  { title: 'WORDS', least: 5, leave: 2 },
]

const terminal = (width: number | null): Terminal => {
  const output = { write: () => {}, isTerminal: width !== null, colours: false }
  const interrupted = new AbortController().signal
  return { out: output, err: output, width: width ?? 80, env: {}, interrupted }
}

const ROW = ['12345678', 'a_long_name_of_a_job', '7', 'many words that say a lot']

test('with room everything is shown in full, numbers at the right', (t) => {
  const lines = table(terminal(200), COLUMNS, [ROW, ['1', 'b', '12', '']]).split('\n')
  t.is(lines[0], 'ID        NAME                   N  WORDS')
  t.is(lines[1], '12345678  a_long_name_of_a_job   7  many words that say a lot')
  t.is(lines[2], '1         b                     12')
})

test('a pipe gets everything in full, however narrow the terminal', (t) => {
  t.true(table(terminal(null), COLUMNS, [ROW]).includes(ROW.join('  ')))
})

test('with less room the widest columns shrink first', (t) => {
  const [, line = ''] = table(terminal(40), COLUMNS, [ROW]).split('\n')
  t.regex(line, /^12345678 {2}a_long_nam\S*… {2}7 {2}many wor.*…$/)
  t.true(displayWidth(line) <= 40)
})

test('with little room columns are left out, the least important first', (t) => {
  const [titles = '', line = ''] = table(terminal(22), COLUMNS, [ROW]).split('\n')
  t.is(titles, 'ID        NAME       N')
  t.is(line, '12345678  a_long_n…  7')
  t.is(table(terminal(17), COLUMNS, [ROW]).split('\n')[0], 'ID        NAME')
})

test('wide and joined characters count as the columns they take', (t) => {
  t.is(displayWidth('日本'), 4)
  t.is(displayWidth('🎉'), 2)
  t.is(displayWidth('e\u0301'), 1)
  t.is(fit('日本語', 5), '日本…')
  t.is(fit('abc', 3), 'abc')
  t.is(fit('abcd', 3), 'ab…')
  t.is(fit('abcd', 0), '')
})

test('any text fits 40, 80 and 200 columns, on one line, without acting', (t) => {
  const texts = fc.array(fc.array(fc.string({ unit: 'binary' }), { minLength: 4, maxLength: 4 }))
  fc.assert(
    fc.property(texts, fc.constantFrom(40, 80, 200), (rows, width) => {
      const short = rows.map(([id = '', ...rest]) => [id.slice(0, 4), ...rest])
      const lines = table(terminal(width), COLUMNS, short).split('\n')
      t.is(lines.length, rows.length + 2)
      for (const line of lines) t.true(displayWidth(line) <= width && !ACTS.test(line))
    }),
    { numRuns: 300 },
  )
})
