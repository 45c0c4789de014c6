import test from 'ava'
import * as fc from 'fast-check'
import type { ParamRule } from '../../../common/definition/card.ts'
import { checkParams } from '../../../common/definition/values.ts'
import type { Checked, Source } from '../../../common/definition/values.ts'
import { isSafe } from '../../../common/definition/value-rules.ts'

const NOW_MS = Date.parse('2026-07-01T12:00:00Z')

function rule(part: Partial<ParamRule>): ParamRule {
  return {
    type: 'safe',
    pattern: null,
    values: null,
    format: null,
    zone: 'UTC',
    default: null,
    required: false,
    allow_dash: false,
    secret: false,
    description: null,
    ...part,
  }
}

function check(
  params: Record<string, ParamRule>,
  given: Record<string, unknown>,
  how: { source?: Source; params_only?: boolean } = {},
): Checked {
  const rules = { params, params_only: how.params_only ?? false }
  return checkParams(rules, given, { now_ms: NOW_MS, source: how.source ?? 'trigger' })
}

/** The one checked value, or the rule that it broke. */
function one(part: Partial<ParamRule>, value: unknown, source: Source = 'trigger'): string {
  const checked = check({ x: rule(part) }, { x: value }, { source })
  return checked.kind === 'checked' ? `= ${checked.params['x'] ?? '(absent)'}` : checked.rule
}

const DECLARED: readonly (readonly [Partial<ParamRule>, unknown, string])[] = [
  [{}, 'shop-1.2,a:b/c@d%e+f=g h', '= shop-1.2,a:b/c@d%e+f=g h'],
  [{}, 'a'.repeat(256), `= ${'a'.repeat(256)}`],
  [{}, 'a'.repeat(257), 'safe'],
  [{}, 'a;b', 'safe'],
  [{}, 'a\nb', 'safe'],
  [{}, 'a\n', 'safe'],
  [{}, 'é', 'safe'],
  [{}, ' a', 'safe'],
  [{}, '/etc', 'safe'],
  [{}, 'a/../b', 'safe'],
  [{}, 'a=../b', 'safe'],
  [{}, 'a..b', '= a..b'],
  [{}, 'a/..b', '= a/..b'],
  [{}, '-a', 'allow_dash'],
  [{}, '@a', 'allow_dash'],
  [{}, '+a', 'allow_dash'],
  [{ allow_dash: true }, '-a', '= -a'],
  [{ allow_dash: true }, '-a;b', 'safe'],
  [{ allow_dash: true }, '-$(x)', 'safe'],
  [{ type: 'text' }, "any 'thing' $(x)\n", "= any 'thing' $(x)\n"],
  [{ type: 'text' }, '-x', 'allow_dash'],
  [{ type: 'text' }, 'a\0b', 'nul'],
  [{ type: 'text' }, 'a\ud800', 'unicode'],
  [{ type: 'text' }, 'é'.repeat(2049), 'size'],
  [{ type: 'text' }, 'é'.repeat(2048), `= ${'é'.repeat(2048)}`],
  [{ type: 'int' }, '-12', '= -12'],
  [{ type: 'int' }, 12, '= 12'],
  [{ type: 'int' }, '1'.repeat(15), `= ${'1'.repeat(15)}`],
  [{ type: 'int' }, '1'.repeat(16), 'int'],
  [{ type: 'int' }, '1.5', 'int'],
  [{ type: 'int' }, '+1', 'int'],
  [{ type: 'int' }, ' 1', 'int'],
  [{ type: 'int' }, '१', 'int'],
  [{ type: 'date' }, '2026-07-01', '= 2026-07-01'],
  [{ type: 'date', format: '%Y_%m_%d' }, '2026_07_01', '= 2026_07_01'],
  [{ type: 'date', format: '%Y_%m_%d' }, 'today', '= 2026_07_01'],
  [{ type: 'date' }, '-3d', '= 2026-06-28'],
  [{ type: 'date' }, '2026-02-30', 'date'],
  [{ type: 'enum', values: ['a', 'b'] }, 'b', '= b'],
  [{ type: 'enum', values: ['a', 'b'] }, 'c', 'enum'],
  [{ type: 'path' }, '/var/tmp/a b', '= /var/tmp/a b'],
  [{ type: 'path' }, 'var/tmp', 'path'],
  [{ type: 'path' }, '/var/../etc', 'path'],
  [{ type: 'path' }, '/var/a..b', '= /var/a..b'],
  [{ type: 'path' }, '/a\nb', 'path'],
  [{ pattern: '[a-z]+' }, 'abc', '= abc'],
  [{ pattern: '[a-z]+' }, 'abc1', 'pattern'],
  [{ pattern: '(a)\\1' }, 'aa', 'pattern'],
  [{}, true, '= true'],
  [{}, 1.5, '= 1.5'],
  [{}, '', '= (absent)'],
  [{}, null, '= (absent)'],
  [{ default: 'b' }, '', '= b'],
  [{ required: true }, '', 'required'],
  [{ required: true, default: 'b' }, '', '= b'],
  [{}, ['a'], 'single'],
  [{}, ['a', 'b'], 'single'],
  [{}, { a: 'b' }, 'text'],
]

test('a declared parameter is checked by its rule as it comes', (t) => {
  for (const [part, value, expected] of DECLARED) {
    t.is(
      one(part, value),
      expected,
      `${JSON.stringify(part)} ${JSON.stringify(value)?.slice(0, 80)}`,
    )
  }
})

test('an undeclared parameter is made harmless, and named', (t) => {
  const checked = check({}, { note: 'a; rm -rf "$HOME" #', plain: 'b' })
  t.deepEqual(checked, {
    kind: 'checked',
    params: { note: 'a rm -rf HOME ', plain: 'b' },
    undeclared: ['note', 'plain'],
    sanitized: ['note'],
  })
})

test('an undeclared parameter that is not safe even then is refused', (t) => {
  for (const value of ['-rf', '$(-x)', '../a', 'a/../b', 'é', '$$', '  a', 'x'.repeat(300)]) {
    const checked = check({}, { note: value })
    t.is(checked.kind === 'bad' ? checked.rule : 'accepted', 'safe', value)
  }
})

test('an undeclared name near a declared or reserved one is refused with the near name', (t) => {
  for (const [name, near] of [
    ['dates', 'date'],
    ['Date', 'date'],
    ['jobname', 'job_name'],
    ['prioritty', 'priority'],
  ] as const) {
    const checked = check({ date: rule({}) }, { [name]: 'x' })
    t.is(checked.kind === 'bad' ? checked.rule : '', 'undeclared')
    if (checked.kind === 'bad') t.true(checked.message.includes(near))
  }
})

test('names that mean something, or nothing, are refused', (t) => {
  const given = JSON.parse('{"__proto__": "x"}') as Record<string, unknown>
  const names = [
    'job_name',
    'wait',
    'run_id',
    'gate_key',
    '../x',
    'a-b',
    '1a',
    '',
    'x'.repeat(300),
    '__defineGetter__',
  ]
  for (const source of ['trigger', 'carried'] as const) {
    t.is(check({}, given, { source }).kind, 'bad')
    for (const name of names) t.is(check({}, { [name]: 'x' }, { source }).kind, 'bad', name)
  }
  t.is(check({}, { constructor: 'x', toString: 'y' }).kind, 'checked')
  t.is(Object.getPrototypeOf(Object.prototype), null)
})

test('params_only refuses what is not declared, and says what is', (t) => {
  const checked = check({ source: rule({}) }, { region: 'eu' }, { params_only: true })
  t.like(checked, {
    kind: 'bad',
    name: 'region',
    rule: 'params_only',
    hint: 'this job takes source',
  })
})

test('carried values travel unchanged', (t) => {
  const text = `'any' $(thing)\n`
  const carried = check(
    { date: rule({ type: 'date', format: '%Y_%m_%d' }) },
    { date: '2026_07_01', note: text, empty: '' },
    { source: 'carried' },
  )
  t.deepEqual(carried, {
    kind: 'checked',
    params: { date: '2026_07_01', note: text, empty: '' },
    undeclared: ['note', 'empty'],
    sanitized: [],
  })
  t.is(one({}, 'a;b', 'carried'), 'safe')
})

test('carried values that are not declared are dropped by params_only', (t) => {
  const checked = check(
    { a: rule({}) },
    { a: '1', b: '2' },
    { source: 'carried', params_only: true },
  )
  t.like(checked, { kind: 'checked', params: { a: '1' }, undeclared: ['b'] })
})

test('what a broker has checked passes again at the worker', (t) => {
  const params = {
    day: rule({ type: 'date', default: 'yesterday', format: '%Y%m%d' }),
    n: rule({ type: 'int', default: '010' }),
  }
  const first = check(params, { note: 'a$b' })
  if (first.kind === 'bad') return t.fail(first.message)
  t.deepEqual(first.params, { note: 'ab', day: '20260630', n: '010' })
  const later = checkParams({ params, params_only: false }, first.params, {
    now_ms: NOW_MS + 864e5 * 9,
    source: 'carried',
  })
  return t.like(later, { kind: 'checked', params: first.params })
})

function many(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`param${n}`, 'x']))
}

test('at most 64 parameters', (t) => {
  t.is(check({}, many(64)).kind, 'checked')
  t.like(check({}, many(65)), { kind: 'bad', rule: 'count' })
  t.like(check({ x: rule({ default: 'y' }) }, many(64)), { kind: 'bad', rule: 'count' })
})

test('a secret is not shown in the refusal', (t) => {
  const checked = check({ x: rule({ secret: true }) }, { x: 'pass;word' })
  if (checked.kind === 'checked') return t.fail()
  return t.false(`${checked.message} ${checked.hint}`.includes('pass'))
})

test('an undeclared value that is accepted is always safe', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const checked = check({}, { note: value })
      if (checked.kind === 'bad') return true
      return value === '' || isSafe(checked.params['note'] ?? '')
    }),
  )
  t.pass()
})
