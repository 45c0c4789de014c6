/** `jobz keys` in a folder of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { run } from './run.ts'
import type { Ran } from './run.ts'

export type Keys = {
  readonly folder: string
  /** `jobz keys ${words}`. */
  readonly keys: (...words: string[]) => Promise<Ran>
  /** The same, which must succeed: what it shows for programs. */
  readonly json: <Body>(...words: string[]) => Promise<Body>
}

export function keysIn(t: ExecutionContext): Keys {
  const place = mkdtempSync(join(tmpdir(), 'jobz-keys-'))
  t.teardown(() => rmSync(place, { recursive: true }))
  const folder = join(place, 'keys')
  const keys = (...words: string[]): Promise<Ran> =>
    run(['keys', ...words], { env: { JOBZ_KEYS: folder } })
  return {
    folder,
    keys,
    json: async (...words) => {
      const { code, out, err } = await keys(...words, '--json')
      t.is(code, 0, err)
      return JSON.parse(out)
    },
  }
}
