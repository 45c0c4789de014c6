import test from 'ava'
import { cursorOf, numberOf } from '../../../common/protocol/cursor.ts'

test('a cursor gives back the number it was made of', (t) => {
  for (const n of [0, 1, 42, Number.MAX_SAFE_INTEGER]) t.is(numberOf(cursorOf(n)), n)
})

test('what is no cursor has no number', (t) => {
  const bad = ['', '0', '-', '0-', '0--1', '1-5', '0-1.5', '0-01', '0-1e3', ' 0-1', '0-1\n', 'head']
  for (const text of [...bad, '0-9007199254740993', `0-${'9'.repeat(400)}`])
    t.is(numberOf(text), null, text)
})
