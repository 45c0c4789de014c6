import test from 'ava'
import * as fc from 'fast-check'
import { fillText, placeholdersOf } from '../../../common/definition/template.ts'

const FILLED: readonly (readonly [string, string])[] = [
  ['', ''],
  ['plain', 'plain'],
  ['%(date)s', '2026'],
  ['a%(date)sb%(n)d', 'a2026b7'],
  ['%%(date)s', '%(date)s'],
  ['%%%(date)s', '%%(date)s'],
  ['date +%Y 100% %%', 'date +%Y 100% %%'],
  ['${f%%.*}', '${f%%.*}'],
  ['%(date)', '%(date)'],
  ['%(date)x', '%(date)x'],
  ['%( date )s', '%( date )s'],
  ['%()s', '%()s'],
  ['%(evil)s', '%(date)s $(x)'],
]

const VALUES = { date: '2026', n: '7', word: 'seven', evil: '%(date)s $(x)', empty: '' }

test('placeholders are filled once, and every other % is itself', (t) => {
  for (const [template, text] of FILLED) {
    t.deepEqual(fillText(template, VALUES), { kind: 'filled', text }, template)
  }
})

test('a value that is not there is missing, and so is what is no integer for %(name)d', (t) => {
  const missing = [
    ['%(other)s', 'other'],
    ['%(date)s %(other)s', 'other'],
    ['%(word)d', 'word'],
    ['%(empty)d', 'empty'],
    ['%(toString)s', 'toString'],
    ['%(__proto__)s', '__proto__'],
    ['%(constructor)s', 'constructor'],
  ] as const
  for (const [template, name] of missing)
    t.deepEqual(fillText(template, VALUES), { kind: 'missing', name })
  t.deepEqual(fillText('%(empty)s', VALUES), { kind: 'filled', text: '' })
})

test('the placeholders of a template are told in order', (t) => {
  t.deepEqual(placeholdersOf('%(a)s %%(b)s %(c)d%(a)s'), [
    { name: 'a', integer: false },
    { name: 'c', integer: true },
    { name: 'a', integer: false },
  ])
  t.deepEqual(placeholdersOf(`%(${'x'.repeat(64)})s`).length, 1)
  t.deepEqual(placeholdersOf(`%(${'x'.repeat(65)})s %(1a)s %(a-b)s`), [])
})

test('any value comes out as it went in', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const filled = fillText('<%(v)s>', { v: value })
      return filled.kind === 'filled' && filled.text === `<${value}>`
    }),
  )
  t.pass()
})
