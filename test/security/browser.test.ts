/** Web pages anywhere, and what they may make the browser of somebody who reaches the frontend ask for: nothing that changes anything. */
import { hostname } from 'node:os'
import test from 'ava'
import type { IncomingMessage } from 'node:http'
import { signOfBrowser } from '../../frontend/access/browser.ts'
import { hostCheck } from '../../frontend/access/hosts.ts'
import type { Api } from '../../frontend/routes/route.ts'
import { createRoutes } from '../../frontend/routes/table.ts'
import { RUN_ID } from '../frontend/fake-broker.ts'
import { withFrontend } from '../frontend/with-frontend.ts'
import { actions, closedFrontend, tell, twoRuns } from './closed.ts'

const SIGNS: readonly Readonly<Record<string, string>>[] = [
  { origin: 'http://evil.example' },
  { origin: 'null' },
  { origin: 'http://127.0.0.1:6769' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { 'sec-fetch-site': '' },
  { 'sec-fetch-site': 'none, cross-site' },
  { 'sec-purpose': 'prefetch' },
  { 'sec-purpose': 'prefetch;prerender' },
  { purpose: 'prefetch' },
  { 'x-moz': 'prefetch' },
  { cookie: 'a=b' },
  { referer: 'http://evil.example/' },
]

const ACTING = [
  ...createRoutes({} as Api)
    .filter(({ role }) => role !== 'open' && role !== 'read')
    .map(({ method, path }) => [method, path.replaceAll(/\{\w+\}/g, RUN_ID)] as const),
  ['GET', '/job_start?job_name=load'],
  ['GET', `/job_status?run_id=${RUN_ID}&message=m`],
] as const

for (const closed of [false, true])
  test(`whatever changes something is refused to a page, with a token or not (${closed})`, async (t) => {
    const { url, broker, token } = closed
      ? await closedFrontend(t, { admin: { role: 'admin', rate: 10_000 } }).then((one) => ({
          ...one,
          token: one.tokens.token('admin'),
        }))
      : { ...(await withFrontend(t, twoRuns)), token: undefined }
    t.true(ACTING.length > 12)
    for (const [method, path] of ACTING)
      for (const headers of SIGNS) {
        const told = await tell(url, path, { method, headers, token })
        const what = `${method} ${path} ${JSON.stringify(headers)}`
        t.is(told.status, 403, what)
        t.is(told.code, 'from_a_browser', what)
      }
    t.deepEqual(actions(broker.seen), [])
  })

test('a person who types a link in, and a script, are let through', async (t) => {
  const { url } = await withFrontend(t, twoRuns)
  const path = '/job_start?job_name=load'
  for (const headers of [
    {},
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-purpose': 'other' },
    { 'user-agent': 'Mozilla/5.0' },
  ])
    t.is((await tell(url, path, { headers })).status, 202)
})

test('questions may be asked from anywhere, and their answers are for no page', async (t) => {
  const { url } = await withFrontend(t, twoRuns)
  for (const headers of SIGNS)
    t.is((await tell(url, '/api/jobs', { headers })).status, 200, JSON.stringify(headers))
})

test('no answer is for other origins, and none is shown or run by a browser', async (t) => {
  const { url } = await withFrontend(t, twoRuns)
  const paths = ['/', '/healthz', '/api/jobs', `/api/runs/${RUN_ID}/output`, '/nowhere', '/metrics']
  const asks = [...paths, '/job_start?job_name=load', '/api/events', '/openapi.json']
  for (const path of asks)
    for (const method of ['GET', 'OPTIONS', 'HEAD']) {
      const { headers } = await tell(url, path, {
        method,
        headers: {
          'access-control-request-method': 'POST',
          ...(path.startsWith('/job') ? {} : { origin: 'http://evil.example' }),
        },
      })
      const what = `${method} ${path}`
      for (const name of Object.keys(headers)) t.notRegex(name, /^access-control-/, what)
      t.regex(String(headers['content-security-policy']), /default-src 'none'.*sandbox/, what)
      t.is(headers['x-content-type-options'], 'nosniff', what)
      t.is(headers['cache-control'], 'no-store', what)
      t.is(headers['cross-origin-resource-policy'], 'same-origin', what)
      t.is(headers['x-frame-options'], 'DENY', what)
      t.is(headers['referrer-policy'], 'no-referrer', what)
      t.is(headers['strict-transport-security'], undefined, what)
      t.is(headers['x-powered-by'], undefined, what)
      const type = String(headers['content-type']).split(';')[0] ?? ''
      if (path !== '/' && method === 'GET')
        t.true(['application/json', 'text/plain', 'text/event-stream'].includes(type), what)
    }
})

const hostOf = async (url: string, host: string): Promise<number> =>
  (await tell(url, '/job_start?job_name=load', { headers: { host } })).status

test('a name that is not ours is turned away, on every path', async (t) => {
  const { url, broker } = await withFrontend(t, twoRuns, { settings: { hosts: ['Jobs.example'] } })
  const { port } = new URL(url)
  for (const good of [
    'localhost',
    'LOCALHOST:1',
    `127.0.0.1:${port}`,
    '[::1]:80',
    'jobs.example',
    'JOBS.EXAMPLE:443',
  ])
    t.is(await hostOf(url, good), 202, good)
  const before = broker.seen.length
  for (const bad of [
    'evil.example',
    'localhost.evil.example',
    'evil-localhost',
    'jobs.example.',
    '127.0.0.1.evil.example',
    '127.0.0.2',
    '0.0.0.0',
    '10.0.0.1',
    hostname() === 'localhost' ? 'evil' : hostname(),
    'localhost:6769@evil.example',
    'localhost evil.example',
    'localhost, evil.example',
    '[::1',
  ])
    t.is(await hostOf(url, bad), 421, bad)
  for (const path of ['/', '/healthz', '/nowhere', '/openapi.json'])
    t.is((await tell(url, path, { headers: { host: 'evil.example' } })).code, 'wrong_host', path)
  t.is(broker.seen.length, before)
})

const said = (host: string, localAddress = '10.0.0.5'): IncomingMessage =>
  ({ headers: { host }, socket: { localAddress } }) as unknown as IncomingMessage

test('which names are ours follows from where we listen', (t) => {
  const everywhere = hostCheck('0.0.0.0', [])
  for (const good of ['localhost', '127.0.0.1', hostname(), '10.0.0.5', '10.0.0.5:80'])
    t.true(everywhere(said(good)), good)
  t.false(everywhere(said('10.0.0.6')))
  t.true(everywhere(said('10.0.0.5', '::ffff:10.0.0.5')))
  t.true(hostCheck('::', [])(said('[fd00::1]:80', 'fd00::1')))
  const one = hostCheck('10.0.0.5', [])
  t.true(one(said('10.0.0.5')))
  t.true(one(said(hostname())))
  t.false(one(said('localhost')))
  t.false(hostCheck('127.0.0.1', [])(said('', '127.0.0.1')))
})

test('curl shows no sign of a browser', (t) => {
  const headers = { host: 'localhost', 'user-agent': 'curl/8.5.0', accept: '*/*' }
  t.is(signOfBrowser({ headers } as unknown as IncomingMessage), null)
})
