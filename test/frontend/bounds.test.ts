/** What a frontend does when more comes than it can hold: 503 with Retry-After, and nobody's answer is kept for ever. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import express from 'express'
import type { Response } from 'express'
import { createBodyRoom } from '../../frontend/body-room.ts'
import { createBrokerLink } from '../../frontend/broker-link.ts'
import { sendAnswer } from '../../frontend/reply.ts'
import { createStanding } from '../../frontend/standing.ts'
import type { Answered } from '../../common/link/request.ts'
import { ask, withFrontend } from './with-frontend.ts'

test('one request too many is told to come later, and let in when another has left', async (t) => {
  const release = Promise.withResolvers<{ result: object }>()
  const { ask, broker } = await withFrontend(t, () => release.promise, { open: 2 })
  const held = [ask('/api/jobs'), ask('/api/workers')]
  await broker.request((request) => request.kind === 'query' && request.question.what === 'jobs')
  await broker.request((request) => request.kind === 'query' && request.question.what === 'workers')
  const third = await ask('/healthz')
  t.is(third.status, 503)
  t.is(third.headers['retry-after'], '1')
  t.is(third.json.error.code, 'busy')
  release.resolve({ result: {} })
  for (const one of await Promise.all(held)) t.is(one.status, 200)
  t.is((await ask('/healthz')).status, 200)
})

test('no more is asked of the broker at once than the bound', async (t) => {
  const answers: ((answered: Answered) => void)[] = []
  const requests = { request: () => new Promise<Answered>((resolve) => answers.push(resolve)) }
  const link = createBrokerLink(requests, 1_000, 2)
  const health = { kind: 'query', question: { what: 'health' } } as const
  const held = [link.ask(health), link.ask(health)]
  t.like(await link.ask(health), {
    kind: 'refused',
    error: { status: 503, code: 'busy', retry_after_s: 1 },
  })
  t.is(answers.length, 2)
  for (const answer of answers) answer({ kind: 'answered', result: {} })
  await Promise.all(held)
  void link.ask(health)
  t.is(answers.length, 3)
})

test('bodies that find no room are told to come later', async (t) => {
  const held = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  const app = express()
  app.post('/', createBodyRoom(100)(60), express.raw({ type: () => true }), async (_, res) => {
    reached.resolve()
    await held.promise
    res.json({})
  })
  const server = createServer(app).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const post = (bytes: number) => ask(url, '/', { method: 'POST', body: 'x'.repeat(bytes) })
  const first = post(50)
  await reached.promise
  const chunked = await ask(url, '/', {
    method: 'POST',
    headers: { 'transfer-encoding': 'chunked' },
    body: 'x',
  })
  t.is(chunked.status, 503, 'one that does not say how long it is may be as long as it can')
  t.is(chunked.headers['retry-after'], '1')
  t.is((await post(51)).status, 503)
  held.resolve()
  t.is((await first).status, 200)
  t.is((await post(51)).status, 200)
})

test('an answer that its client does not read is given up', async (t) => {
  const closed = Promise.withResolvers<boolean>()
  const server = createServer((_, res) => {
    res.once('close', () => closed.resolve(res.writableFinished))
    const plain = Object.assign(res, {
      status: () => plain,
      set: () => plain,
      send: (body: string) => res.end(body),
    })
    const text = { kind: 'text', status: 200, body: 'x'.repeat(64 * 1024 * 1024) } as const
    sendAnswer(plain as unknown as Response, text, 100)
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.teardown(() => client.destroy())
  client.on('error', () => undefined)
  client.pause()
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  t.false(await closed.promise)
})

test('the more stand open, the longer each rests between two questions', async (t) => {
  const rests: number[] = []
  const standing = createStanding(5_000, async (ms) => void rests.push(ms))
  const res = { once: () => res, off: () => res, closed: false } as unknown as Response
  const first = standing.enter(res)
  await first?.pace()
  const others = Array.from({ length: 99 }, () => standing.enter(res))
  await first?.pace()
  for (const one of others) one?.leave()
  await first?.pace()
  for (let n = 0; n < 4_000; n++) standing.enter(res)
  await first?.pace()
  t.deepEqual(rests, [1, 100, 1, 2_000])
})
