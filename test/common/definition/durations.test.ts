import test from 'ava'
import * as fc from 'fast-check'
import { formatDuration, parseDuration } from '../../../common/definition/durations.ts'

const DURATIONS: readonly (readonly [string | number, number | null])[] = [
  ['90s', 90_000],
  ['15m', 900_000],
  ['6h', 21_600_000],
  ['2d', 172_800_000],
  ['500ms', 500],
  ['1h30m', 5_400_000],
  ['1m500ms', 60_500],
  ['90', 90_000],
  ['1.5', 1500],
  [' 5s ', 5000],
  [0, 0],
  ['0', 0],
  [90, 90_000],
  [0.25, 250],
  ['', null],
  ['s', null],
  ['-5s', null],
  [-5, null],
  ['5x', null],
  ['5 s', null],
  ['30m1h', null],
  ['1e3', null],
  ['99999999999999s', null],
  ['999999999999d', null],
  [Number.NaN, null],
  [Number.POSITIVE_INFINITY, null],
  ['__proto__', null],
]

test('a duration is read as whole milliseconds, or refused', (t) => {
  for (const [text, ms] of DURATIONS) t.is(parseDuration(text), ms, JSON.stringify(text))
})

test('a duration is written with the fewest units that say it exactly', (t) => {
  t.is(formatDuration(21_600_000), '6h')
  t.is(formatDuration(90_000), '1m30s')
  t.is(formatDuration(0), '0s')
  t.is(formatDuration(1), '1ms')
  t.is(formatDuration(-5), '0s')
})

test('what is written is read back', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e14 }),
      (ms) => parseDuration(formatDuration(ms)) === ms,
    ),
  )
  t.pass()
})
