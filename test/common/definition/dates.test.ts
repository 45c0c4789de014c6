import test from 'ava'
import * as fc from 'fast-check'
import { formatProblem, isZone, readDay, writeDay } from '../../../common/definition/dates.ts'

const NOW_MS = Date.parse('2026-07-01T23:30:00Z')

function read(text: string, format = '%Y-%m-%d', zone: string | null = 'UTC'): string | null {
  const day = readDay(text, { format, zone, now_ms: NOW_MS })
  return day === null ? null : writeDay(day, format)
}

test('a day is read in its format only', (t) => {
  t.is(read('2026-07-01'), '2026-07-01')
  t.is(read('2026_07_01', '%Y_%m_%d'), '2026_07_01')
  t.is(read('2026-07-01', '%Y_%m_%d'), null)
  t.is(read('20260701', '%Y%m%d'), '20260701')
  t.is(read('26.182', '%y.%j'), '26.182')
  t.is(read('2026-07-01', '%F'), '2026-07-01')
  t.is(read('100%2026-07-01', '100%%%F'), '100%2026-07-01')
})

test('a day that never was is no day', (t) => {
  const never = [
    '2026-02-30',
    '2026-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-7-1',
    '2026-07-01 ',
    '26-07-01',
  ]
  for (const text of [...never, '', 'tomorrow', '-3', '-d', '--3d', '-999999d', '２０２６-07-01'])
    t.is(read(text), null, text)
  t.is(read('2024-02-29'), '2024-02-29')
  t.is(read('2025.366', '%Y.%j'), null)
  t.is(read('2024.366', '%Y.%j'), '2024.366')
  t.is(read('2026-07-01/2027', '%Y-%m-%d/%Y'), null)
})

test('today is what the calendar of the zone says', (t) => {
  t.is(read('today'), '2026-07-01')
  t.is(read('today', '%Y-%m-%d', 'Europe/Berlin'), '2026-07-02')
  t.is(read('today', '%Y-%m-%d', 'America/New_York'), '2026-07-01')
  t.is(read('yesterday'), '2026-06-30')
  t.is(read('-3d'), '2026-06-28')
  t.is(read('-0d'), '2026-07-01')
  t.is(read('-365d'), '2025-07-01')
})

test('a format must name one day', (t) => {
  for (const format of ['%Y-%m-%d', '%F', '%y%j', '%d.%m.%Y'])
    t.is(formatProblem(format), null, format)
  for (const format of [
    '',
    '%Y',
    '%m-%d',
    '%Y-%m',
    '%Y-%m-%d %H',
    '%Y%m%d;',
    '%Y-%m-%d%',
    '%Y%m%d\n',
  ]) {
    t.is(typeof formatProblem(format), 'string', format)
  }
})

test('a zone is known or not', (t) => {
  t.true(isZone('Europe/Berlin'))
  t.true(isZone('UTC'))
  t.false(isZone('Nowhere/City'))
})

test('every day is read back as it is written', (t) => {
  const formats = ['%Y-%m-%d', '%d.%m.%Y', '%Y%j', '%F']
  fc.assert(
    fc.property(
      fc.integer({ min: -700_000, max: 2_900_000 }),
      fc.constantFrom(...formats),
      (day, format) => {
        return readDay(writeDay(day, format), { format, zone: 'UTC', now_ms: 0 }) === day
      },
    ),
  )
  t.pass()
})
