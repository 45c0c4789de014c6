/** The audit log: who did what, and who was turned away; and nothing that is secret. */
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { openAudit } from '../../frontend/access/audit.ts'
import { RUN_ID } from '../frontend/fake-broker.ts'
import { quietLog, withFrontend } from '../frontend/with-frontend.ts'
import { closedFrontend, runToken, tell, twoRuns } from './closed.ts'

function fileFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-audit-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return join(folder, 'audit.jsonl')
}

const linesOf = (path: string): any[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))

/** Lines are written when answers have left, which their clients may know first. */
async function linesWhen(t: ExecutionContext, path: string, count: number): Promise<any[]> {
  for (let tries = 0; linesOf(path).length < count && tries < 2_000; tries += 1) await pause(5)
  const lines = linesOf(path)
  t.is(lines.length, count)
  return lines
}

test('each change and each refusal is one line, and questions are none', async (t) => {
  const audit = fileFor(t)
  const { url, tokens } = await closedFrontend(
    t,
    { cron: { role: 'trigger', jobs: ['load'] }, ops: { role: 'admin' } },
    { settings: { audit } },
  )
  const [cron, ops] = [tokens.token('cron'), tokens.token('ops')]
  const asks: readonly (readonly [path: string, method: string, token?: string, body?: unknown])[] =
    [
      ['/job_start?job_name=load&request_id=r1&password=hunter2', 'GET', cron],
      ['/job_start?job_name=other&password=hunter2', 'GET', cron],
      ['/api/jobs', 'GET', cron],
      ['/api/workers', 'GET', cron],
      [`/api/runs/${RUN_ID}/cancel`, 'POST', cron],
      [`/api/runs/${RUN_ID}/cancel`, 'POST', ops],
      ['/api/semaphores/s/k%2Fl/open', 'POST', ops, { reason: 'hunter2' }],
      [`/job_status?run_id=${RUN_ID}&message=hunter2`, 'GET', runToken(RUN_ID)],
      [`/job_status?run_id=${RUN_ID}`, 'GET', runToken(RUN_ID)],
      [
        '/api/runs',
        'POST',
        ops,
        [{ job: 'load', params: { password: 'hunter2' } }, { job: 'other' }],
      ],
      ['/job_start?job_name=load&password=hunter2', 'GET'],
      ['/job_start?job_name=load', 'GET', 'jobz_hunter2'],
      ['/healthz', 'GET'],
    ]
  for (const [path, method, token, body] of asks) await tell(url, path, { method, token, body })
  const lines = await linesWhen(t, audit, 10)
  t.deepEqual(
    lines.map(({ time: _time, from: _from, ...line }) => Object.values(line).join(' ')),
    [
      'cron token start_job load r1 202',
      'cron token start_job other 403',
      'cron token list_workers  403',
      'cron token cancel_run  403',
      `ops token cancel_run ${RUN_ID} 202`,
      'ops token open_gate s k/l 200',
      `run ${RUN_ID} run job_status ${RUN_ID} 200`,
      'ops token start_runs load other 202',
      '  start_job  401',
      '  start_job  401',
    ],
  )
  for (const { time, from } of lines) {
    t.regex(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    t.is(from, '127.0.0.1')
  }
  t.notRegex(readFileSync(audit, 'utf8'), /hunter2|jobz_|\?/)
  t.is(statSync(audit).mode & 0o777, 0o600)
})

test('a trigger that is waited for is written when it is done, not when its run is over', async (t) => {
  const audit = fileFor(t)
  const { ask, broker, tokens, stop } = await closedFrontend(
    t,
    { cron: { role: 'trigger' } },
    { settings: { audit } },
  )
  const headers = { authorization: `Bearer ${tokens.token('cron')}` }
  const waiting = ask('/job_start?job_name=load&wait=1h', { headers })
  await broker.request(({ kind }) => kind === 'query')
  t.like((await linesWhen(t, audit, 1))[0], { action: 'start_job', outcome: 202 })
  await stop()
  await waiting
  await linesWhen(t, audit, 1)
})

test('without a file it is in the log when anybody is asked who they are, else nowhere', async (t) => {
  const closed: string[] = []
  const one = await closedFrontend(t, {}, { log: quietLog(closed) })
  await tell(one.url, '/job_start?job_name=load')
  t.is(closed.filter((line) => line.startsWith('audit ')).length, 1)
  const open: string[] = []
  const other = await withFrontend(t, twoRuns, { log: quietLog(open) })
  await tell(other.url, '/job_start?job_name=load')
  t.deepEqual(open, [])
})

test('an open frontend writes to a file that it is given, too', async (t) => {
  const audit = fileFor(t)
  const { url } = await withFrontend(t, twoRuns, { settings: { audit } })
  await tell(url, '/job_start?job_name=load')
  t.like((await linesWhen(t, audit, 1))[0], { who: null, via: 'open', target: 'load' })
  await tell(url, '/job_start?job_name=load', { headers: { origin: 'http://evil.example' } })
  t.like((await linesWhen(t, audit, 2))[1], { outcome: 403 })
})

test('the file is opened anew after it was moved away', (t) => {
  const path = fileFor(t)
  const audit = openAudit(path, true, quietLog())
  if ('message' in audit) return t.fail(audit.message)
  const res = { req: { socket: { remoteAddress: '::ffff:10.0.0.7' } } } as never
  audit.refused('a', null, res, 401)
  renameSync(path, `${path}.1`)
  audit.refused('b', null, res, 401)
  audit.reopen()
  audit.refused('c', null, res, 401)
  audit.close()
  t.deepEqual(
    linesOf(`${path}.1`).map(({ action }) => action),
    ['a', 'b'],
  )
  t.like(linesOf(path), { length: 1, 0: { action: 'c', from: '10.0.0.7' } })
})

test('a file that others may read, or that is a link, is refused', (t) => {
  const path = fileFor(t)
  writeFileSync(path, '')
  chmodSync(path, 0o644)
  const refused = openAudit(path, true, quietLog())
  t.regex('message' in refused ? refused.message : '', /chmod 600/)
  symlinkSync(path, `${path}.link`)
  t.true('message' in openAudit(`${path}.link`, true, quietLog()))
})

test('what clients say is cut short, and acts on no terminal', async (t) => {
  const audit = fileFor(t)
  const { url, tokens } = await closedFrontend(
    t,
    { cron: { role: 'trigger' } },
    { settings: { audit } },
  )
  const job = `\u009b31m\u001b[2J\n\u202e${'j'.repeat(1_000)}`
  const body = { job_name: job, request_id: 'r'.repeat(100_000) }
  const asking = { method: 'POST', token: tokens.token('cron'), body }
  t.is((await tell(url, '/job_start', asking)).status, 400)
  const [line] = await linesWhen(t, audit, 1)
  t.is(line.target, job.slice(0, 256))
  t.is(line.request, 'r'.repeat(256))
  t.regex(readFileSync(audit, 'utf8'), /^[ -~]+\n$/)
})
