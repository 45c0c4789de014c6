/** A broker that will not start says why, and touches nothing. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { BROKER, start } from '../../broker/main.ts'
import type { BrokerSettings } from '../../broker/settings.ts'

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

function settings(t: ExecutionContext, differs: Partial<BrokerSettings>): BrokerSettings {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-broker-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const defaults = Object.fromEntries(
    BROKER.map((setting) => [setting.flag.replaceAll('-', '_'), setting.default]),
  ) as BrokerSettings
  return { ...defaults, data: join(folder, 'data'), ...differs }
}

const UNFIT: readonly [Partial<BrokerSettings>, RegExp][] = [
  [{ max_lost: 0 }, /^--max-lost 0: at least 1/],
  [{ max_depth: 0 }, /^--max-depth 0: at least 1/],
  [{ keep_runs: 0 }, /^--keep-runs 0: at least 1; a large number keeps them for ever/],
  [{ keep_days: 0 }, /^--keep-days 0: at least 1/],
  [{ bind: 'somewhere' }, /^--bind somewhere is not of the form/],
]
for (const [differs, said] of UNFIT)
  test(`${JSON.stringify(differs)} is refused, and no folder is made`, async (t) => {
    const given = settings(t, differs)
    const refused = await start(given, silent)
    if (!('kind' in refused)) return t.fail('it started')
    t.is(refused.exit_code, 2)
    t.regex(refused.message, said)
    t.false(existsSync(given.data))
  })
