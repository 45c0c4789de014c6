/** Finding the command, its help, where the frontend is, and answers that are none. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { COMMANDS } from '../../cli/commands/table.ts'
import { CLI_SETTINGS } from '../../cli/dispatch.ts'
import { CONFIG_KEYS } from '../../common/daemon/config-file.ts'
import { DEMO_SETTINGS } from '../../cli/commands/demo.ts'
import { UP_SETTINGS } from '../../cli/commands/up.ts'
import { wantsColours } from '../../cli/terminal.ts'
import { BROKER } from '../../broker/main.ts'
import { FRONTEND } from '../../frontend/main.ts'
import { SEMAPHORE } from '../../semaphore/main.ts'
import { WORKER } from '../../worker/main.ts'
import { ask, run } from './run.ts'
import { refusal } from './fake-frontend.ts'
import type { Reply } from './fake-frontend.ts'

const NONE = { 'GET /api/workers': { json: { workers: [] } } }

test('help lists every command; each one has its own', async (t) => {
  for (const argv of [[], ['help'], ['--help'], ['-h']]) {
    const { code, out } = await run(argv)
    t.is(code, 0)
    for (const { name, summary } of COMMANDS) t.true(out.includes(name) && out.includes(summary))
  }
  for (const { name, kind } of COMMANDS) {
    const { code, out } = await run(['help', name])
    t.is(code, 0)
    t.true(out.startsWith(`usage: jobz ${name}`))
    if (kind === 'client') t.is((await run([name, '--help'])).out, out)
  }
})

test('--version tells the version', async (t) => {
  const { code, out } = await run(['--version'])
  t.is(code, 0)
  t.regex(out, /^\d+\.\d+\.\d+\n$/)
})

const USAGE: readonly [string[], RegExp][] = [
  [['strat'], /there is no command "strat"\n.*did you mean: jobz start/],
  [['\u001b[2Jx'], /there is no command "\\u001b\[2Jx"/],
  [['__proto__'], /there is no command/],
  [['show'], /show: too few words/],
  [['show', 'a', 'b'], /show: too many words: b/],
  [['runs', '--limt'], /unknown flag --limt\n.*did you mean --limit/],
  [['runs', '--url', 'nonsense'], /"nonsense" is no URL/],
  [['runs', '--url', 'file:///etc/passwd'], /is no URL/],
  [['runs', '--since', 'soon'], /--since: soon is no time/],
  [['runs', '--param', 'x'], /"x" has no value/],
  [['runs', '--config', '/nowhere.yaml'], /there is no file/],
  [['logs', 'x', '--stream', 'both'], /there is no both/],
  [['workers', 'forget'], /cannot forget/],
  [['workers', 'remember', 'x'], /cannot remember x/],
  [['semaphores', 'open', 'x'], /cannot open x/],
  [['semaphores', 'open', 'x', 'y'], /needs a --reason/],
  [['keys', 'revok', 'x'], /cannot "revok"\n.*did you mean: jobz keys revoke/],
  [['doctor'], /comes later/],
]
for (const [argv, said] of USAGE)
  test(`usage: ${JSON.stringify(argv)}`, async (t) => {
    const { code, out, err } = await run(argv)
    t.is(code, 2)
    t.is(out, '')
    t.regex(err, said)
  })

test('shared flags may stand before the command', async (t) => {
  const { code, out } = await ask(t, ['--json', 'workers'], NONE)
  t.is(code, 0)
  t.is(out, '{"workers":[]}\n')
  t.is((await run(['--url', 'nonsense', 'workers'])).code, 2)
})

test('--url wins over JOBZ_URL, and may have a path', async (t) => {
  const { asked, err } = await ask(t, ['workers'], NONE)
  t.regex(err, /no worker has ever been here/)
  t.is(asked.length, 1)
  const elsewhere = await ask(t, ['workers', '--url', 'http://127.0.0.1:1/prefix'], NONE)
  t.is(elsewhere.code, 3)
  t.is(elsewhere.asked.length, 0)
})

const UNREACHABLE: readonly [string, Reply, RegExp][] = [
  ['a frontend without its broker', refusal(503, 'unreachable', 'no broker'), /no broker/],
  ['a proxy without its frontend', refusal(502, 'bad_gateway', 'nobody'), /nobody/],
  ['another program', (response) => response.end('<html>'), /not as jobz does/],
  [
    'a redirect',
    (response) => response.writeHead(302, { location: 'http://x/' }).end(),
    /points to http:\/\/x\//,
  ],
  ['a cut connection', (response) => void response.destroy(), /cannot reach jobz/],
  [
    'a cut answer',
    (response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('{"workers"', () => response.destroy())
    },
    /cut short|cut/,
  ],
]
for (const [name, reply, said] of UNREACHABLE)
  test(`${name} is unreachable: 3`, async (t) => {
    const { code, out, err } = await ask(t, ['workers'], { 'GET /api/workers': reply })
    t.is(code, 3)
    t.is(out, '')
    t.regex(err, said)
  })

for (const json of [null, 7, [], {}, { workers: null }, { workers: [null] }, { workers: [{}] }])
  test(`an answer of another shape is no crash: ${JSON.stringify(json)}`, async (t) => {
    const { code, err } = await ask(t, ['workers'], { 'GET /api/workers': { json } })
    t.is(code, 3)
    t.regex(err, /cannot make sense of what http.* says/)
  })

test('nobody there is unreachable, and says what to do', async (t) => {
  const { code, err } = await run(['workers'], { env: { JOBZ_URL: 'http://127.0.0.1:9' } })
  t.is(code, 3)
  t.regex(err, /cannot reach jobz at http:\/\/127\.0\.0\.1:9.*\n.*jobz up/)
})

for (const status of [400, 401, 403, 404, 409, 413, 421, 429, 500, 503])
  test(`${status} is refused: 4, with the hint; --json has the error`, async (t) => {
    const reply = refusal(status, 'full', 'it is full \u001b[31m', 'try later')
    const { code, err } = await ask(t, ['workers'], { 'GET /api/workers': reply })
    t.is(code, 4)
    t.is(err, 'jobz: it is full \n  try later\n')
    const json = await ask(t, ['workers', '--json'], { 'GET /api/workers': reply })
    t.is(json.code, 4)
    t.deepEqual(JSON.parse(json.out), reply.json)
  })

test('Ctrl-C ends a question: 130', async (t) => {
  const interrupt = new AbortController()
  const routes = { 'GET /api/workers': () => interrupt.abort() }
  const { code } = await ask(t, ['workers'], routes, { interrupted: interrupt.signal })
  t.is(code, 130)
})

for (const name of ['.', '..', ''])
  test(`the name ${JSON.stringify(name)} never becomes a path`, async (t) => {
    const { code, asked } = await ask(t, ['show', name], {})
    t.is(code, 4)
    t.is(asked.length, 0)
  })

test('names are encoded, whatever is in them', async (t) => {
  const name = '../x?y=1#z/é%2e'
  const { asked } = await ask(t, ['show', name], {})
  t.is(asked[0]?.path, `/api/runs/${name}`)
})

test('colours: FORCE_COLOR over NO_COLOR over the terminal', (t) => {
  t.true(wantsColours(true, {}))
  t.false(wantsColours(false, {}))
  t.false(wantsColours(true, { NO_COLOR: '1' }))
  t.true(wantsColours(true, { NO_COLOR: '' }))
  t.false(wantsColours(true, { TERM: 'dumb' }))
  t.true(wantsColours(false, { FORCE_COLOR: '1', NO_COLOR: '1' }))
  t.false(wantsColours(true, { FORCE_COLOR: '0' }))
})

test('jobz.yaml knows what the daemons know', (t) => {
  const tables = { up: UP_SETTINGS, demo: DEMO_SETTINGS, broker: BROKER, worker: WORKER }
  const all = { ...tables, semaphore: SEMAPHORE, frontend: FRONTEND, cli: CLI_SETTINGS }
  for (const [section, table] of Object.entries(all))
    t.deepEqual(
      CONFIG_KEYS.get(section)?.toSorted(),
      table.map(({ flag }) => flag).toSorted(),
      section,
    )
  t.deepEqual([...CONFIG_KEYS.keys()].toSorted(), Object.keys(all).toSorted())
})

test('the installed command runs, and ends with the exit code', async (t) => {
  const jobz = fileURLToPath(new URL('../../bin/jobz.js', import.meta.url))
  const start = promisify(execFile)
  const { stdout } = await start(process.execPath, [jobz, '--version'])
  t.regex(stdout, /^\d+\.\d+\.\d+\n$/)
  const failed = await t.throwsAsync(start(process.execPath, [jobz, 'strat']))
  t.like(failed, { code: 2 })
})
