import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { createStanding } from '../../frontend/standing.ts'
import { openBody } from '../../frontend/body-stream.ts'
import { start } from '../../frontend/main.ts'
import { listen, readListenAddress } from '../../frontend/server.ts'
import express from 'express'
import { openFakeBroker } from './fake-broker.ts'
import { ask, OPEN, quietLog } from './with-frontend.ts'

const serve = async (t: ExecutionContext, listen = '127.0.0.1:0', more: object = {}) => {
  const broker = await openFakeBroker()
  t.teardown(() => broker.stop())
  return start({ ...OPEN, key: '', listen, broker: broker.worker, ...more }, quietLog())
}

test('it serves where it is told to, and stops', async (t) => {
  const daemon = await serve(t)
  if ('kind' in daemon) return t.fail(daemon.message)
  const [, name, url = ''] = /^(\w+) (http:\S+)$/.exec(daemon.ready) ?? []
  t.is(name, 'frontend')
  t.is((await ask(url, '/readyz')).status, 200)
  await daemon.stop()
  await t.throwsAsync(ask(url, '/healthz'), { code: 'ECONNREFUSED' })
})

test('it will not start on what is no address, or is taken', async (t) => {
  const first = await serve(t)
  if ('kind' in first) return t.fail(first.message)
  const taken = first.ready.replace(/^.*\/\//, '')
  t.like(await serve(t, taken), { kind: 'refused', exit_code: 1 })
  await first.stop()
  t.like(await serve(t, 'nowhere'), { kind: 'refused', exit_code: 2 })
  t.like(await serve(t, '127.0.0.1:99999'), { kind: 'refused', exit_code: 2 })
  const settings = { ...OPEN, key: '', listen: '127.0.0.1:0', broker: 'http://x' }
  t.like(await start(settings, quietLog()), { kind: 'refused', exit_code: 2 })
})

test('where others reach it, it will not start without asking who they are', async (t) => {
  const told = await serve(t, '0.0.0.0:0')
  t.like(told, { kind: 'refused', exit_code: 2 })
  t.regex('kind' in told ? told.message : '', /--tokens FILE or --tls-ca FILE.*--insecure/)
  const open = await serve(t, '0.0.0.0:0', { insecure: true })
  if ('kind' in open) return t.fail(open.message)
  const [, port] = /:(\d+)$/.exec(open.ready) ?? []
  t.is((await ask(`http://127.0.0.1:${port}`, '/api/jobs')).status, 200)
  await open.stop()
})

test('a file of tokens that is not there, or that others may read, is no start', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-tokens-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const tokens = join(folder, 'tokens.yaml')
  t.like(await serve(t, '127.0.0.1:0', { tokens }), { kind: 'refused', exit_code: 2 })
  writeFileSync(tokens, 'tokens: {}\n', { mode: 0o644 })
  const told = await serve(t, '127.0.0.1:0', { tokens })
  t.like(told, { kind: 'refused', exit_code: 2 })
  t.regex('kind' in told ? told.message : '', /chmod 600/)
})

test('addresses to listen on', (t) => {
  t.deepEqual(readListenAddress('127.0.0.1:6769'), { host: '127.0.0.1', port: 6769 })
  t.deepEqual(readListenAddress('[::1]:80'), { host: '::1', port: 80 })
  t.deepEqual(readListenAddress('*:80'), { host: '::', port: 80 })
  for (const bad of ['', ':80', '80', 'a b:80', '127.0.0.1:', '127.0.0.1:65536', '::1:80'])
    t.is(readListenAddress(bad), null, bad)
})

test('what is not HTTP is answered too', async (t) => {
  const daemon = await serve(t)
  if ('kind' in daemon) return t.fail(daemon.message)
  t.teardown(() => daemon.stop())
  const port = Number(/:(\d+)$/.exec(daemon.ready)?.[1])
  const say = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let answer = ''
      const socket = connect(port, '127.0.0.1', () => socket.write(text))
      socket.on('data', (data) => (answer += data.toString()))
      socket.on('close', () => resolve(answer))
      socket.on('error', () => {})
    })
  t.regex(await say('garbage\r\n\r\n'), /^HTTP\/1\.1 400 .*\{"error":\{"code":"bad_request"/s)
  const bytes = await say(
    'GET /job_start?job_name=a&x=\u00e4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  )
  t.regex(bytes, /^HTTP\/1\.1 400 /)
  const smuggled =
    'POST /job_start HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n'
  t.regex(await say(smuggled), /^HTTP\/1\.1 400 /)
})

test('a reader that takes nothing is cut off', async (t) => {
  const standing = createStanding()
  const written = Promise.withResolvers<number>()
  const app = express()
  app.get('/', async (_req, res) => {
    const stay = standing.enter(res)
    if (!stay) return
    const body = openBody(res, stay, {}, 100)
    let pieces = 0
    while (await body.write('x'.repeat(64 * 1024))) pieces += 1
    written.resolve(pieces)
  })
  const server = await listen(app, { host: '127.0.0.1', port: 0 }, standing, { grace_ms: 100 })
  t.teardown(() => server.stop())
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.pause()
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const pieces = await written.promise
  t.true(pieces < 1000)
  socket.destroy()
})
