/** The ZAP handler: what it answers to ZeroMQ, and that nothing can end it. */
import test, { type ExecutionContext } from 'ava'
import { Context, curveKeyPair, Dealer } from 'zeromq'
import { makeCounters } from '../../../broker/edge/counters.ts'
import { openZap } from '../../../broker/edge/entry/zap.ts'
import type { Authorised } from '../../../common/keys/authorised.ts'
import { decodeKey } from '../../../common/keys/z85.ts'
import { quietLog } from '../../frontend/with-frontend.ts'

const key = curveKeyPair().publicKey
const credential = decodeKey(key) ?? Buffer.alloc(0)

async function openHandler(
  t: ExecutionContext,
  handshakes: { rate: number; burst: number } = { rate: 1_000, burst: 1_000 },
) {
  const context = new Context()
  const counters = makeCounters()
  const lines: string[] = []
  const one: Authorised = {
    name: 'web1',
    role: 'worker',
    public_key: key,
    workers: [],
    topics: [],
  }
  const find = (asked: string): Authorised | undefined => (asked === key ? one : undefined)
  const log = quietLog(lines)
  const zap = await openZap({ keyring: { find }, counters, log, context, handshakes })
  const socket = new Dealer({ context, linger: 0, receiveTimeout: 20_000 })
  socket.connect('inproc://zeromq.zap.01')
  t.teardown(() => {
    socket.close()
    zap.close()
  })
  let asked = 0
  return {
    counters,
    lines,
    send: (...parts: (string | Buffer)[]) => socket.send(parts),
    receive: async () => String((await socket.receive())[3]),
    /** The code of the answer, as ZeroMQ reads it. */
    ask: async (how: {
      domain?: string
      address?: string
      mechanism?: string
      credential?: Buffer
    }): Promise<string> => {
      const { domain = 'worker', address = '192.0.2.1', mechanism = 'CURVE' } = how
      const id = String(++asked)
      const rest = [domain, address, '', mechanism, how.credential ?? credential]
      await socket.send(['', '1.0', id, ...rest])
      const [, version, answered, code] = (await socket.receive()).map(String)
      t.deepEqual([version, answered], ['1.0', id])
      return code ?? ''
    },
  }
}

const ANSWERS: readonly (readonly [what: string, how: object, code: string])[] = [
  ['a key that is authorised for this door', {}, '200'],
  ['the feed', { domain: 'feed' }, '200'],
  ['the other door', { domain: 'client' }, '400'],
  ['no domain', { domain: '' }, '400'],
  ['a domain that is none', { domain: 'constructor' }, '400'],
  ['no security', { mechanism: 'NULL', credential: Buffer.alloc(0) }, '400'],
  ['a password', { mechanism: 'PLAIN', credential: Buffer.from('secret') }, '400'],
  ['a key that nobody has', { credential: Buffer.alloc(32, 7) }, '400'],
  ['half a key', { credential: Buffer.alloc(16) }, '400'],
]
for (const [what, how, code] of ANSWERS)
  test(`${what}: ${code}`, async (t) => {
    const handler = await openHandler(t)
    t.is(await handler.ask(how), code)
    t.is(handler.counters.totals()['handshakes_refused'] ?? 0, code === '400' ? 1 : 0)
  })

test('requests that are none leave it as it was', async (t) => {
  const handler = await openHandler(t)
  await handler.send('')
  await handler.send('', '1.0')
  await handler.send('x', 'y', 'z')
  await handler.send('', '9.9', 'id', 'worker')
  await handler.send(...Array.from({ length: 5_000 }, () => Buffer.alloc(100)))
  for (let answer = 0; answer < 3; answer += 1) t.is(await handler.receive(), '400')
  t.is(handler.counters.totals()['zap_unreadable'], 2)
  t.is(await handler.ask({}), '200')
})

test('too many handshakes of one address are put off, and those of others are not', async (t) => {
  const handler = await openHandler(t, { rate: 0.001, burst: 3 })
  for (const code of ['200', '200', '200', '300', '300']) t.is(await handler.ask({}), code)
  t.is(await handler.ask({ address: '192.0.2.2' }), '200')
  t.is(handler.counters.totals()['handshakes_put_off'], 2)
})

test('a flood of refusals is counted, and makes few lines', async (t) => {
  const handler = await openHandler(t)
  for (let n = 0; n < 500; n += 1)
    t.is(await handler.ask({ credential: Buffer.alloc(32, 7) }), '400')
  t.is(handler.counters.totals()['handshakes_refused'], 500)
  t.true(handler.lines.length < 50)
})
