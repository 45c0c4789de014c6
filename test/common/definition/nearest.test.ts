import test from 'ava'
import { nearestName } from '../../../common/definition/nearest.ts'

const KNOWN = ['date', 'command', 'on_success', 'on_failure', 'of', 'wait']

const NEAR: readonly (readonly [string, string | null])[] = [
  ['dat', 'date'],
  ['da', null],
  ['dats', 'date'],
  ['data', 'date'],
  ['Date', 'date'],
  ['comand', 'command'],
  ['commnad', 'command'],
  ['onsuccess', 'on_success'],
  ['on_succes', 'on_success'],
  ['on_faliure', 'on_failure'],
  ['on-success', 'on_success'],
  ['or', null],
  ['state', null],
  ['source', null],
  ['date', null],
  ['', null],
]

test('only a name that is really near is suggested', (t) => {
  for (const [name, near] of NEAR) t.is(nearestName(name, KNOWN), near, name)
})

test('the nearest of several is taken', (t) => {
  t.is(nearestName('import_catalogs', ['import_catalag', 'import_catalog']), 'import_catalog')
})

test('long names cost little', (t) => {
  t.is(nearestName('x'.repeat(100_000), ['y'.repeat(100_001)]), null)
})
