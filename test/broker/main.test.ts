/** A broker that will not start says why, and touches nothing; one that starts hears whoever is knocking already. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { Dealer } from 'zeromq'
import { BROKER, start } from '../../broker/main.ts'
import type { BrokerSettings } from '../../broker/settings.ts'
import { encodeFrame } from '../../common/protocol/codec.ts'
import { freePorts } from '../system/ports.ts'
import { SILENT } from '../worker/silent.ts'

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
    const refused = await start(given, SILENT)
    if (!('kind' in refused)) return t.fail('it started')
    t.is(refused.exit_code, 2)
    t.regex(refused.message, said)
    t.false(existsSync(given.data))
  })

const WORKERS = 60

const hello = (name: string) => ({
  kind: 'hello',
  protocol: 1,
  version: 'test',
  name,
  instance: name,
  slots: 1,
  credit: 1,
  cards: [],
  lanes: {},
  held: [],
  reload_error: null,
})

test('whoever says hello the moment its door is open is welcomed, without saying it again', async (t) => {
  const bind = `tcp://127.0.0.1:${await freePorts(3)}`
  const sockets = Array.from({ length: WORKERS }, (_, n) => {
    const socket = new Dealer({ linger: 0, immediate: true, reconnectInterval: 1 })
    socket.events.on('handshake', () => void socket.send(encodeFrame([hello(`web${n}`)])))
    socket.connect(bind)
    return socket
  })
  const welcomes = sockets.map(async (socket) => String((await socket.receive())[0]))
  const broker = await start(settings(t, { bind }), SILENT)
  t.teardown(async () => {
    for (const socket of sockets) socket.close()
    if (!('kind' in broker)) await broker.stop()
  })
  t.false('kind' in broker)
  for (const welcome of await Promise.all(welcomes)) t.regex(welcome, /^\[\{"kind":"welcome"/)
})
