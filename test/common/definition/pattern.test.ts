import test from 'ava'
import * as fc from 'fast-check'
import { compilePattern } from '../../../common/definition/pattern.ts'

function matches(pattern: string, value: string): boolean {
  const compiled = compilePattern(pattern)
  if (compiled.kind === 'refused') throw new Error(`${pattern}: ${compiled.message}`)
  return compiled.pattern.test(value)
}

const MATCHES: readonly (readonly [string, string, boolean])[] = [
  ['abc', 'abc', true],
  ['abc', 'xabc', false],
  ['abc', 'abcx', false],
  ['^abc$', 'abc', true],
  ['a\\$', 'a$', true],
  ['', '', true],
  ['', 'a', false],
  ['a|bc|', 'bc', true],
  ['a|bc|', '', true],
  ['[a-c]+', 'abcabc', true],
  ['[^a-c]+', 'xyz', true],
  ['[^a-c]', 'a', false],
  ['[-a]', '-', true],
  ['[a-]', '-', true],
  ['[\\]\\d]+', ']5', true],
  ['[^]', '\n', true],
  ['[]', 'a', false],
  ['.', '\n', false],
  ['.', '🙂', true],
  ['\\w+@\\w+\\.com', 'me@example.com', true],
  ['a{2,3}', 'a', false],
  ['a{2,3}', 'aaa', true],
  ['a{2,3}', 'aaaa', false],
  ['a{2,}', 'aaaa', true],
  ['a{0}', '', true],
  ['(?:ab)*?c', 'ababc', true],
  ['(a*)*', 'aaaa', true],
  ['(|a)+', 'aa', true],
  ['v\\d+(?:\\.\\d+){1,2}', 'v1.22.3', true],
]

test('a pattern matches whole values', (t) => {
  for (const [pattern, value, expected] of MATCHES) {
    t.is(matches(pattern, value), expected, `${pattern} on ${JSON.stringify(value)}`)
  }
})

test('what cannot be matched in linear time, or means nothing, is refused with its place', (t) => {
  const refused = [
    '(a)\\1',
    '(?=a)b',
    '(?<n>a)',
    '(?<!a)',
    'a**',
    '*a',
    '(a',
    'a)',
    '[a',
    'a{',
    'a{3,1}',
  ]
  const more = ['a{999}', '\\b', '\\p{L}', 'a^b', 'a$b', '[b-a]', '[\\d-z]', '\\', 'a}', ']', '[[]']
  const large = ['(a{200}){200}', '((((){255}){255}){255}){255}', '('.repeat(100) + ')'.repeat(100)]
  for (const pattern of [...refused, ...more, ...large]) {
    const compiled = compilePattern(pattern)
    t.is(compiled.kind, 'refused', pattern)
    if (compiled.kind === 'refused') t.regex(compiled.message, /at character \d+|states/)
  }
})

test('patterns that stop a backtracking engine take no longer than others', (t) => {
  const started = process.cpuUsage().user
  for (const pattern of ['(a+)+b', '(a|a)*b', '(.*a){20}', '(a*)*b', 'a*a*a*a*a*b']) {
    t.false(matches(pattern, 'a'.repeat(4095) + 'c'))
  }
  t.true(process.cpuUsage().user - started < 20_000_000)
})

const atom = fc.constantFrom(
  'a',
  'b',
  '.',
  '[ab]',
  '[^a]',
  '\\d',
  '\\w',
  '(a|b)',
  '(?:ab)',
  '(a|)',
  '\\.',
)
const repeat = fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,2}', '{0,}', '*?')
const piece = fc.tuple(atom, repeat).map((parts) => parts.join(''))
const pattern = fc
  .array(fc.array(piece, { maxLength: 4 }), { minLength: 1, maxLength: 3 })
  .map((alternatives) => alternatives.map((pieces) => pieces.join('')).join('|'))
const value = fc
  .array(fc.constantFrom('a', 'b', '1', '.', '_', '\n', '🙂'), { maxLength: 8 })
  .map((characters) => characters.join(''))

test("it agrees with JavaScript's own engine", (t) => {
  fc.assert(
    fc.property(pattern, value, (source, text) => {
      return matches(source, text) === new RegExp(`^(?:${source})$`, 'u').test(text)
    }),
    { numRuns: 2000 },
  )
  t.pass()
})
