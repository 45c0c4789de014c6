/** Keys of an earlier start: used as they are, or refused with what mends them. */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { makeOwnKeys } from '../../../cli/supervisor/own-keys.ts'

const GONE: readonly (readonly string[])[] = [
  ['broker.key'],
  ['up-worker.key'],
  ['authorised/up-worker.pub'],
  ['authorised/up-frontend.pub', 'up-semaphore.key'],
  ['authorised'],
]
for (const gone of GONE)
  test(`without ${gone.join(', ')} it says what to remove, and goes on after that`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'jobz-own-keys-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const made = makeOwnKeys(folder)
    if (made.kind !== 'keys') return t.fail(made.message)
    const before = readFileSync(made.worker, 'utf8')
    t.deepEqual(makeOwnKeys(folder), made)
    t.is(readFileSync(made.worker, 'utf8'), before)
    for (const path of gone) rmSync(join(folder, path), { recursive: true })
    let refused = 0
    for (;;) {
      const again = makeOwnKeys(folder)
      if (again.kind === 'keys') break
      const remove = /: rm -f (\S+) (\S+), and it is made anew/.exec(again.message)
      if (!remove || ++refused > 3) return t.fail(again.message)
      for (const path of remove.slice(1)) rmSync(path, { force: true })
    }
    t.true(refused > 0)
  })

test('a key that others may read is refused', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-own-keys-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const made = makeOwnKeys(folder)
  if (made.kind !== 'keys') return t.fail(made.message)
  chmodSync(made.worker, 0o644)
  t.like(makeOwnKeys(folder), { kind: 'refused' })
})
