import test from 'ava'
import { array, assert, integer, property } from 'fast-check'
import { occurrencesOf } from '../../../common/definition/occurrences.ts'
import { hideIn } from '../../../common/definition/secrets.ts'
import { makeMask } from '../../../worker/runner/masks.ts'

const few = (least: number, most: number) =>
  array(integer({ min: 0, max: 1 }), { minLength: least, maxLength: most })

test('they are found as whoever looks at each place finds them', (t) => {
  assert(
    property(few(0, 40), few(1, 6), (text, form) => {
      const covered = text.map((_, at) =>
        form.some((_, back) => form.every((unit, i) => text[at - back + i] === unit)),
      )
      const found = text.map(() => false)
      for (const [start, end] of occurrencesOf(text, form)) found.fill(true, start, end)
      t.deepEqual(found, covered)
    }),
  )
})

test('a secret outside of the plane of most letters is hidden where it stands', (t) => {
  t.is(hideIn('a 🗝️🗝️🗝️ b 🗝️', ['🗝️🗝️🗝️']), 'a *** b 🗝️')
})

/** By looking at each place anew, each of these takes minutes. */
const LONG = 2_000_000
const FORM = 100_000
const MOST_CPU_US = 20_000_000

test('a secret that repeats itself is hidden without looking at all of it at each place', (t) => {
  const before = process.cpuUsage()
  t.is(hideIn('a'.repeat(LONG), ['a'.repeat(FORM)]), '***')
  const secret = `${'a'.repeat(FORM / 2)}b${'a'.repeat(FORM / 2)}`
  const output = Buffer.alloc(LONG, 'a')
  makeMask([secret]).hide(output)
  t.is(output.indexOf('*'), -1)
  t.true(process.cpuUsage(before).user < MOST_CPU_US)
})
