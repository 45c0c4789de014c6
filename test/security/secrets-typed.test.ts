/** Secrets on their way in: from files, and out of every message about a request that was wrong. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ask, run } from '../cli/run.ts'
import { accepted } from '../cli/views.ts'
import { withFrontend } from '../frontend/with-frontend.ts'

const START = { 'POST /job_start': { status: 202, json: accepted } }
const OFFLINE = { env: { JOBZ_URL: 'http://127.0.0.1:9' } }

function file(t: ExecutionContext, text: string | Uint8Array, name = 'token'): string {
  const folder = mkdtempSync(join(tmpdir(), 'jobz-secret-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

test('values come from files, and one of them from standard input', async (t) => {
  const path = file(t, 's3cret=x\n\n')
  const argv = ['start', 'login', 'user=me', '--from-file', `token=${path}`, '--from-file=pin=-']
  const { code, asked } = await ask(t, argv, START, { input: '12\r\n' })
  t.is(code, 0)
  t.like(asked[0]?.body, { user: 'me', token: 's3cret=x\n', pin: '12' })
})

test('a file that is not there, or no text, is told of by its name; a name that is wrong before that', async (t) => {
  const bad = file(t, Uint8Array.of(0xff, 0xfe))
  for (const [words, said] of [
    [[`token=${bad}`], /--from-file token: what is read is not UTF-8/],
    [['token=/nowhere'], /--from-file token: \/nowhere cannot be read: ENOENT/],
    [['token'], /"token" has no value/],
    [['a=-', 'b=-'], /only one value can come from standard input/],
    [['wait=-'], /wait is no parameter/],
    [['a=/x', 'a=/y'], /a is given twice/],
  ] as const) {
    const argv = ['start', 'login', ...words.flatMap((word) => ['--from-file', word])]
    const { code, err } = await run(argv, OFFLINE)
    t.is(code, 2, err)
    t.regex(err, said)
  }
  t.notRegex((await run(['start', 'login', '=s3cret'], OFFLINE)).err, /s3cret/)
})

test('plan hides a secret that another job of the files declares, and where it is in another value', async (t) => {
  const yaml = `jobs:
  login: {command: x, params: {token: {secret: true}}}
  load: {command: [load, '%(token)s', '%(url)s'], params: {url: {type: path}}}
`
  const jobs = join(file(t, yaml, 'jobs.yaml'), '..')
  for (const more of [[], ['--json']]) {
    const argv = ['plan', 'load', 'token=s3cret', 'url=/s3cret', '--jobs', jobs, ...more]
    const { code, out, err } = await run(argv, OFFLINE)
    t.is(code, 0, err)
    t.notRegex(out + err, /s3cret/)
  }
  const { err } = await run(['plan', 'load', 'token=s3cret', 'url=s3cret', '--jobs', jobs], OFFLINE)
  t.regex(err, /parameter url: "\*\*\*" is not an absolute path/)
})

const JSON_TYPE = { 'content-type': 'application/json' }
const BAD_BODIES = [
  '{"token": "s3cret"',
  's3cret',
  '{"token": s3cret}',
  '{"token": ["s3cret"]}',
  '{"token": "s3cret\\ud800"}',
  '[{"job": "a", "params": {"token": {"x": "s3cret"}}}]',
  '[{"job": "a", "priority": "s3cret"}]',
]

test('the frontend, which knows no rules, repeats no value of what it refuses', async (t) => {
  const { ask: fetched } = await withFrontend(t, () => ({ result: [] }))
  const long = 's3cret'.repeat(200_000)
  const answers = await Promise.all([
    ...BAD_BODIES.flatMap((body) =>
      ['/job_start?job_name=a', '/api/runs'].map((path) =>
        fetched(path, { method: 'POST', headers: JSON_TYPE, body }),
      ),
    ),
    ...[
      'token=s3cret%ZZ',
      '%ZZ=s3cret',
      'token=s3cret&token=s3cret',
      'token[]=s3cret',
      'to-ken=s3cret',
      '=s3cret',
      'priority=s3cret',
      'delay=s3cret',
      'wait=s3cret',
      'format=s3cret',
    ].map((query) => fetched(`/job_start?job_name=a&${query}`)),
    fetched('/api/runs', { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(long) }),
    fetched('/api/runs?param.to-ken=s3cret'),
    fetched('/api/runs/a/explain?token=s3cret'),
  ])
  for (const { text } of answers) {
    t.regex(text, /^\[?\{"error":/)
    t.notRegex(text, /s3cret/)
  }
})
