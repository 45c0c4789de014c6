import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { watchFiles } from '../../../common/keys/watched.ts'

test('every way of changing a file or a folder is noticed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-watched-'))
  const file = join(folder, 'file')
  const inside = join(folder, 'folder')
  mkdirSync(inside)
  let wake = (): void => undefined
  const watched = watchFiles([file, inside], () => wake(), 5)
  t.teardown(() => {
    watched.stop()
    rmSync(folder, { recursive: true })
  })
  const changes: (() => void)[] = [
    () => writeFileSync(file, 'a'),
    () => writeFileSync(file, 'b'),
    () => {
      writeFileSync(`${file}.new`, 'c')
      renameSync(`${file}.new`, file)
    },
    () => writeFileSync(join(inside, 'one'), 'x'),
    () => rmSync(join(inside, 'one')),
    () => rmSync(file),
  ]
  for (const change of changes) {
    const noticed = new Promise<void>((resolve) => (wake = resolve))
    // Its looks do not keep a process alive, and this wait does.
    const alive = setInterval(() => undefined, 1_000)
    change()
    await noticed
    clearInterval(alive)
  }
  t.pass()
})
