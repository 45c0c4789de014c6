/** A broker that starts while its workers are knocking already. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { Dealer } from 'zeromq'
import { start } from '../../broker/main.ts'
import { encodeFrame } from '../../common/protocol/codec.ts'
import { quietLog } from '../frontend/with-frontend.ts'
import { freePorts } from '../system/ports.ts'

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
  const data = await mkdtemp(join(tmpdir(), 'jobz-main-'))
  const bind = `tcp://127.0.0.1:${await freePorts(3)}`
  const sockets = Array.from({ length: WORKERS }, (_, n) => {
    const socket = new Dealer({ linger: 0, immediate: true, reconnectInterval: 1 })
    socket.events.on('handshake', () => void socket.send(encodeFrame([hello(`web${n}`)])))
    socket.connect(bind)
    return socket
  })
  const welcomes = sockets.map(async (socket) => String((await socket.receive())[0]))
  const broker = await start({ data, bind, keep_days: 30, keep_runs: 1_000 }, quietLog())
  t.teardown(async () => {
    for (const socket of sockets) socket.close()
    if (!('kind' in broker)) await broker.stop()
    await rm(data, { recursive: true, force: true })
  })
  t.false('kind' in broker)
  for (const welcome of await Promise.all(welcomes)) t.regex(welcome, /^\[\{"kind":"welcome"/)
})
