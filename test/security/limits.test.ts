/** How much of a frontend one client can have: time, headers, connections. */
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { boundConnections } from '../../frontend/connections.ts'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { ask, withFrontend } from '../frontend/with-frontend.ts'
import { RUN_ID } from '../frontend/fake-broker.ts'
import { closedFrontend, runToken, tell, twoRuns } from './closed.ts'

/** Says these bytes, and gives all that is answered until the connection ends. */
function say(url: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text))
    socket.on('data', (data) => (answer += data.toString()))
    socket.on('close', () => resolve(answer))
    socket.on('error', () => {})
  })
}

const hurried = (t: ExecutionContext) =>
  withFrontend(t, twoRuns, { manner: { headers_ms: 50, request_ms: 100 } })

test('headers that do not end are given up', async (t) => {
  const { url } = await hurried(t)
  t.regex(await say(url, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: '), /^HTTP\/1\.1 408 /)
  t.is((await tell(url, '/healthz')).status, 200)
})

test('a body that does not end is given up, and starts nothing', async (t) => {
  const { url, broker } = await hurried(t)
  const head = 'POST /job_start HTTP/1.1\r\nHost: localhost\r\n'
  const type = 'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{'
  t.regex(await say(url, head + type), /^HTTP\/1\.1 408 .*"code":"timeout"/s)
  t.deepEqual(broker.seen, [])
})

test('too many headers are refused, not forgotten', async (t) => {
  const { url, broker } = await withFrontend(t, twoRuns)
  const many = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, 'v']))
  const path = '/job_start?job_name=load'
  t.is((await tell(url, path, { headers: many(90) })).status, 202)
  t.is((await tell(url, path, { headers: many(101) })).status, 431)
  t.is((await tell(url, path, { headers: many(1_000) })).status, 431)
  t.is(broker.seen.length, 1)
})

test('a header that comes twice is none', async (t) => {
  const { url, broker } = await withFrontend(t, twoRuns)
  const twice = 'Host: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  t.regex(await say(url, `GET /job_start?job_name=load HTTP/1.1\r\n${twice}`), /^HTTP\/1\.1 4\d\d /)
  t.deepEqual(broker.seen, [])
})

test('who leaves before it is known who it is keeps no room for a body', async (t) => {
  const known = Promise.withResolvers<void>()
  const { url, broker } = await closedFrontend(t, {})
  broker.script = async (request) => {
    if (request.kind === 'query' && request.question.what === 'run_token') await known.promise
    return twoRuns(request)
  }
  const token = runToken(RUN_ID)
  const head = `POST /api/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n`
  const type = 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'
  // Each may have 16 MiB, and there is room for 128.
  const leaving = Array.from({ length: 20 }, () => connect(Number(new URL(url).port), '127.0.0.1'))
  for (const socket of leaving) socket.write(head + type)
  for (let tries = 0; broker.seen.length < leaving.length && tries < 2_000; tries += 1)
    await pause(5)
  t.is(broker.seen.length, leaving.length)
  await Promise.all(leaving.map((socket) => once(socket.destroy(), 'close')))
  // Asked on a connection of its own, so that the frontend has seen the others go.
  t.is((await tell(url, '/healthz')).status, 200)
  known.resolve()
  const asking = { method: 'POST', token, body: [{ job: 'load' }], headers: CHUNKED }
  t.is((await tell(url, '/api/runs', asking)).status, 202)
})

const CHUNKED = { 'transfer-encoding': 'chunked' }

test('one address has so many connections, and others are not touched by that', async (t) => {
  const server = createServer((_req, res) => res.end('ok'))
  boundConnections(server, { in_all: 100, of_one: 3 }, (address) => address.endsWith('.9.9'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const open = (from: string) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from })
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
    const closed = once(socket, 'close').then(() => true)
    return { socket, closed }
  }
  const held = [open('127.0.3.1'), open('127.0.3.1'), open('127.0.3.1')]
  await Promise.all(held.map(({ socket }) => once(socket, 'connect')))
  t.true(await open('127.0.3.1').closed)
  for (const from of ['127.0.3.2', '127.0.9.9', '127.0.9.9', '127.0.9.9', '127.0.9.9'])
    t.true(await serves(port, from))
  held[0]?.socket.destroy()
  for (let tries = 0; !(await serves(port, '127.0.3.1')) && tries < 1_000; tries += 1)
    await pause(5)
  t.true(await serves(port, '127.0.3.1'))
})

const serves = (port: number, from: string): Promise<boolean> =>
  tell(`http://127.0.0.1:${port}`, '/', { from }).then(
    ({ status }) => status === 200,
    () => false,
  )

test('an answer that was promised is not held up by all that', async (t) => {
  const { url } = await withFrontend(t, twoRuns, { manner: { headers_ms: 50, request_ms: 100 } })
  const told = await ask(url, '/job_start?job_name=load&wait=2s')
  t.is(told.status, 202)
})
