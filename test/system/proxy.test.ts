/** The proxy breaks a network the way it says; otherwise no test with it shows anything. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { until } from '../worker/until.ts'
import { freePorts } from './ports.ts'
import { openProxy } from './proxy.ts'

/** An echo behind a proxy, a connection to it, and what came back. */
async function echo(t: ExecutionContext) {
  const server = createServer((socket) => socket.on('error', () => undefined).pipe(socket))
  const port = await freePorts(4)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await openProxy(port + 1, (server.address() as AddressInfo).port)
  const client = connect(port + 1, '127.0.0.1')
  t.teardown(async () => {
    client.destroy()
    await proxy.close()
    server.close()
  })
  let heard = ''
  client.on('data', (data) => (heard += String(data)))
  await say(client, 'a')
  await until('the echo is there', () => heard === 'a')
  return { proxy, client, heard: () => heard }
}

const say = (client: Socket, text: string): Promise<void> =>
  new Promise((resolve) => void client.write(text, () => resolve()))
const ended = (client: Socket): Promise<unknown> =>
  once(
    client.on('error', () => undefined),
    'close',
  )

test('a cut ends the connection', async (t) => {
  const { proxy, client } = await echo(t)
  const end = ended(client)
  t.is(proxy.cut(), 1)
  await end
  t.is(proxy.cuts(), 1)
})

test('a frozen network keeps what is sent, and lets it through when it thaws', async (t) => {
  const { proxy, client, heard } = await echo(t)
  proxy.freeze('down')
  await say(client, 'b')
  proxy.heal()
  await until('it came', () => heard() === 'ab')
  proxy.freeze()
  await say(client, 'c')
  t.is(proxy.connections(), 1)
  t.is(heard(), 'ab')
  proxy.heal()
  await until('it came', () => heard() === 'abc')
})

test('a cut in the middle of a frame lets its first bytes through', async (t) => {
  const { proxy, client, heard } = await echo(t)
  const end = ended(client)
  proxy.cutAfter('down', 3)
  await say(client, '12345')
  await end
  t.is(heard(), 'a123')
})

test('a delay holds every byte back for so long', async (t) => {
  const { proxy, client, heard } = await echo(t)
  proxy.delay(100)
  const begin_ms = performance.now()
  await say(client, 'b')
  await until('it came', () => heard() === 'ab')
  t.true(performance.now() - begin_ms >= 199, 'there and back')
})

test('a refusing network turns away who comes', async (t) => {
  const { proxy, client } = await echo(t)
  const end = ended(client)
  proxy.refuse()
  await end
  const next = connect(Number(new URL(proxy.address).port), '127.0.0.1')
  next.on('data', () => t.fail('nothing comes from a network that refuses'))
  await ended(next)
  t.is(proxy.connections(), 0)
})
