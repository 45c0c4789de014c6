/** Tokens while a frontend runs: what a wrong one is told, when one is revoked, how often one may ask, and whose runs it sees. */
import { chmodSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import test from 'ava'
import { RUN_ID } from '../frontend/fake-broker.ts'
import { quietLog } from '../frontend/with-frontend.ts'
import { actions, closedFrontend, OTHER_ID, runToken, tell, twoRuns, until } from './closed.ts'

const START = '/job_start?job_name=load'

test('one answer for a token that never was, that is no more, or that is nearly right', async (t) => {
  const { url, tokens } = await closedFrontend(t, { cron: { role: 'trigger' } })
  const good = tokens.token('cron')
  const near = good.slice(0, -1) + (good.endsWith('A') ? 'B' : 'A')
  const answers = await Promise.all(
    [near, tokens.token('never'), 'x', 'jobz_', `${good}x`, runToken('nobody')].map((token) =>
      tell(url, START, { token }),
    ),
  )
  for (const { status, message, headers } of answers) {
    t.is(status, 401)
    t.regex(message, /not known/)
    t.is(headers['www-authenticate'], 'Bearer realm="jobz"')
  }
  for (const authorization of [
    '',
    good,
    `Basic ${good}`,
    `Bearer ${good} x`,
    `Bearer ${good}, Bearer ${good}`,
  ])
    t.is((await tell(url, START, { headers: { authorization } })).status, 401, authorization)
})

test('the scheme may be written in any case', async (t) => {
  const { url, tokens } = await closedFrontend(t, { cron: { role: 'trigger' } })
  for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR '])
    t.is(
      (await tell(url, START, { headers: { authorization: `${scheme} ${tokens.token('cron')}` } }))
        .status,
      202,
    )
})

test('a token in the URL or in the body is not looked at', async (t) => {
  const { url, tokens, broker } = await closedFrontend(t, { cron: { role: 'admin' } })
  const token = tokens.token('cron')
  for (const name of ['token', 'access_token', 'authorization', 'Authorization', 'bearer'])
    t.is((await tell(url, `${START}&${name}=${token}`)).status, 401, name)
  const body = { job_name: 'load', access_token: token }
  t.is((await tell(url, '/job_start', { method: 'POST', body })).status, 401)
  t.deepEqual(broker.seen, [])
})

test('an expired one is told so, and only when it is right', async (t) => {
  const expires = '2020-01-01T00:00:00Z'
  const { url, tokens } = await closedFrontend(t, { old: { role: 'read', expires } })
  const old = tokens.token('old')
  t.regex((await tell(url, '/api/jobs', { token: old })).message, /expired at 2020-01-01/)
  const near = old.slice(0, -1) + (old.endsWith('A') ? 'B' : 'A')
  t.regex((await tell(url, '/api/jobs', { token: near })).message, /not known/)
})

test('who lacks a role is told which', async (t) => {
  const { url, tokens } = await closedFrontend(t, { viewer: { role: 'read' } })
  const told = await tell(url, START, { token: tokens.token('viewer') })
  t.is(told.code, 'forbidden')
  t.regex(told.message, /viewer has the role read, and this needs trigger/)
})

test('the body of who is not let in is not read', async (t) => {
  const { url } = await closedFrontend(t, { cron: { role: 'trigger' } })
  const { hostname, port } = new URL(url)
  const status = await new Promise<number>((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': 1_000_000 }
    const path = '/api/runs'
    const request = httpRequest({ hostname, port, path, method: 'POST', headers, agent: false })
    request.on('response', ({ statusCode = 0 }) => {
      resolve(statusCode)
      request.destroy()
    })
    request.on('error', reject)
    request.flushHeaders()
  })
  t.is(status, 401)
})

test('guessing is slow, and shuts out nobody who has a good token', async (t) => {
  const { url, tokens } = await closedFrontend(t, { cron: { role: 'trigger' } })
  const from = '127.0.2.1'
  const statuses: number[] = []
  for (let n = 0; n < 60; n += 1)
    statuses.push((await tell(url, START, { token: tokens.token(`guess ${n}`), from })).status)
  t.true(statuses.filter((status) => status === 401).length < 50)
  t.is(statuses.at(-1), 429)
  t.is((await tell(url, START, { token: tokens.token('cron'), from })).status, 202)
  t.is((await tell(url, START, { token: 'guess', from: '127.0.2.2' })).status, 401)
})

test('who shows nothing is told to come later, too, and shuts out nobody', async (t) => {
  const { url, tokens } = await closedFrontend(t, { cron: { role: 'trigger' } })
  const from = '127.0.2.6'
  for (let n = 0; n < 40; n += 1) await tell(url, START, { from })
  t.is((await tell(url, START, { from })).status, 429)
  t.is((await tell(url, START, { token: tokens.token('cron'), from })).status, 202)
})

test('guesses at one token are slow for who makes them', async (t) => {
  const { url, tokens } = await closedFrontend(t, { cron: { role: 'trigger' } })
  const good = tokens.token('cron')
  const near = `${good.slice(0, -8)}AAAAAAAA`
  for (let n = 0; n < 40; n += 1) await tell(url, START, { token: near, from: '127.0.2.3' })
  const told = await tell(url, START, { token: near, from: '127.0.2.3' })
  t.is(told.code, 'too_many_failures')
  t.truthy(told.headers['retry-after'])
  t.is((await tell(url, START, { token: good, from: '127.0.2.4' })).status, 202)
})

test('a token asks so many times a second, and another is not touched by that', async (t) => {
  const { url, tokens } = await closedFrontend(t, {
    slow: { role: 'trigger', rate: 0.001 },
    other: { role: 'trigger' },
  })
  t.is((await tell(url, START, { token: tokens.token('slow') })).status, 202)
  const told = await tell(url, START, { token: tokens.token('slow') })
  t.is(told.status, 429)
  t.is(told.code, 'too_many_requests')
  t.true(Number(told.headers['retry-after']) > 900)
  t.is((await tell(url, START, { token: tokens.token('other') })).status, 202)
})

test('what is revoked is out, also in the middle of a stream', async (t) => {
  const rights = { ops: { role: 'admin' }, cron: { role: 'trigger' } } as const
  const { url, ask, tokens } = await closedFrontend(t, rights)
  const headers = { authorization: `Bearer ${tokens.token('ops')}` }
  const begun = Promise.withResolvers<void>()
  const stream = ask('/api/events', { headers, onData: () => begun.resolve() })
  await begun.promise
  tokens.write({ cron: { role: 'trigger' } })
  t.false((await stream).whole)
  t.is((await tell(url, START, { token: tokens.token('ops') })).status, 401)
  t.is((await tell(url, START, { token: tokens.token('cron') })).status, 202)
})

test('a role that is taken away ends what it had begun; a change elsewhere ends nothing', async (t) => {
  const { ask, tokens } = await closedFrontend(t, { a: { role: 'read' }, b: { role: 'admin' } })
  const open = async (name: string) => {
    const begun = Promise.withResolvers<void>()
    let ended = false
    const headers = { authorization: `Bearer ${tokens.token(name)}` }
    const stream = ask('/api/events', { headers, onData: () => begun.resolve() })
    void stream.then(() => (ended = true))
    await begun.promise
    return { stream, isOpen: () => !ended }
  }
  const [a, b] = [await open('a'), await open('b')]
  tokens.write({ a: { role: 'read' }, b: { role: 'read' }, c: { role: 'admin' } })
  await b.stream
  t.true(a.isOpen())
  tokens.write({ a: { role: 'read', expires: new Date(Date.now() - 1).toISOString() } })
  await a.stream
  t.false(a.isOpen())
})

test('a file that cannot be read changes nothing, and the next good one does', async (t) => {
  const lines: string[] = []
  const { url, tokens } = await closedFrontend(
    t,
    { cron: { role: 'trigger' } },
    { log: quietLog(lines) },
  )
  const status = async (name: string): Promise<number> =>
    (await tell(url, START, { token: tokens.token(name) })).status
  const refused = (): number => lines.filter((line) => line.includes('not taken')).length
  writeFileSync(tokens.path, 'tokens: [')
  await until(t, () => refused() === 1)
  t.is(await status('cron'), 202)
  chmodSync(tokens.path, 0o644)
  await until(t, () => refused() === 2)
  t.true(lines.some((line) => line.includes('chmod 600')))
  t.is(await status('cron'), 202)
  tokens.write({ later: { role: 'trigger' } })
  await until(t, async () => (await status('later')) === 202)
  const told = await tell(url, START, { token: tokens.token('cron'), from: '127.0.2.5' })
  t.is(told.status, 401)
  for (const line of lines) t.notRegex(line, /jobz_[0-9a-f]{16}_/)
})

test('a limited token sees its own jobs only', async (t) => {
  const { ask, tokens } = await closedFrontend(t, { one: { role: 'admin', jobs: ['load*'] } })
  const headers = { authorization: `Bearer ${tokens.token('one')}` }
  t.deepEqual((await ask('/api/jobs', { headers })).json.jobs, [{ job: 'load' }, { job: 'loader' }])
})

test("of others' runs a limited token is told nothing, not even whose they are", async (t) => {
  const { url, tokens } = await closedFrontend(t, { one: { role: 'admin', jobs: ['load*'] } })
  for (const path of [`/api/runs/${OTHER_ID}`, `/api/flows/${OTHER_ID}`]) {
    const told = await tell(url, path, { token: tokens.token('one') })
    t.is(told.code, 'not_your_job')
    t.notRegex(told.message, /other\b/)
  }
})

test('a flow that is not shown whole is acted on by no limited token', async (t) => {
  const { url, tokens, broker } = await closedFrontend(t, {
    one: { role: 'operate', jobs: ['load'] },
    all: { role: 'operate' },
  })
  broker.script = async (request) => {
    const told = await twoRuns(request)
    const isFlow = request.kind === 'query' && request.question.what === 'flow'
    return isFlow && typeof told === 'object' && 'result' in told
      ? { result: { ...(told.result as object), omitted: 1 } }
      : told
  }
  const ask = (name: string, action: string, method = 'POST') =>
    tell(url, `/api/flows/${RUN_ID}${action}`, { token: tokens.token(name), method })
  for (const action of ['/cancel', '/retry']) {
    t.is((await ask('one', action)).code, 'not_your_job')
    t.deepEqual(actions(broker.seen), [])
  }
  t.is((await ask('one', '', 'GET')).status, 200)
  t.is((await ask('all', '/cancel')).status, 202)
})

test('of many triggers, each is judged by itself', async (t) => {
  const { ask, tokens, broker } = await closedFrontend(t, {
    one: { role: 'trigger', jobs: ['load'] },
  })
  const answer = await ask('/api/runs', {
    method: 'POST',
    headers: {
      authorization: `Bearer ${tokens.token('one')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify([
      { job: 'other' },
      { job: 'load' },
      { job: 'load', parent_run_id: RUN_ID },
      { job: 'load', parent_run_id: OTHER_ID },
    ]),
  })
  t.is(answer.status, 202)
  t.deepEqual(
    answer.json.map((one: any) => one.error?.code ?? 'started'),
    ['not_your_job', 'started', 'started', 'not_your_job'],
  )
  const [trigger] = broker.seen.filter(({ kind }) => kind === 'trigger')
  t.like(trigger, { triggers: { length: 2 }, from: 'one from 127.0.0.1' })
})

test('a broker that does not answer is no proof of anything', async (t) => {
  const { url, broker } = await closedFrontend(t, {}, { patience_ms: 100 })
  broker.script = () => 'drop'
  t.is((await tell(url, `/job_status?run_id=${RUN_ID}`, { token: runToken(RUN_ID) })).status, 503)
})
