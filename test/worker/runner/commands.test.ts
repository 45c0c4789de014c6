/** What a command finds when it runs, and how its end is told. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { readHeader } from '../../../worker/runner/command-file.ts'
import { COMMAND_PATH } from '../../../worker/runner/environment.ts'
import { jobOf } from '../jobs-of.ts'
import { runOnce, temporaryFolder, withRunner } from './with-runner.ts'

const HOSTILE: readonly string[] = [
  `'; echo broken; '`,
  `"$(echo broken)"`,
  '`echo broken`',
  `'\\''`,
  'two\nlines\n\n',
  'back\\slash \\n \\',
  '$HOME ${PATH} $$ $0 $1 $@ %s %(x)s',
  '\u0001\u001b[31m\t\r\u007f',
  'ünïcödé 漢字 🎉 \u202e',
  ' leading and trailing ',
  '-n',
  'x'.repeat(4096),
  `'`.repeat(2000),
  '*?[a-z]{a,b}~#!',
]

const TEXT = { type: 'text', allow_dash: true }
const code = (exit_code: number): object => ({ kind: 'code', exit_code })

test('a value reaches a command byte for byte, whatever is in it', async (t) => {
  const world = withRunner(t)
  const ways = [
    jobOf({ command: 'printf %s %(x)s', params: { x: TEXT } }),
    jobOf({ command: 'printf %s "$JOBZ_P_x"', template: false, params: { x: TEXT } }),
    jobOf({ command: ['printf', '%s', '%(x)s'], params: { x: TEXT } }),
    jobOf({ command: 'printf %s "%(x)s"; : $$', params: { x: TEXT } }),
    jobOf({
      command: `printf %s '%(x)s'`,
      shell: ['bash', '-euo', 'pipefail', '-c'],
      params: { x: TEXT },
    }),
  ]
  for (const job of ways)
    for (const value of HOSTILE) {
      const key = world.start(job, { x: value })
      const exit = await world.exited(key)
      t.deepEqual(exit.how, code(0), value)
      t.is(world.stdout(key), value)
      t.is(world.stderr(key), '')
    }
})

test('argv is run without a shell, and each argument stays one', async (t) => {
  const { stdout } = await runOnce(
    t,
    { command: ['printf', '<%s>', 'a b', '$HOME', '', ';', '%(x)s'] },
    { x: 'c d' },
  )
  t.is(stdout, '<a b><$HOME><><;><c d>')
})

test('the environment is clean: nothing of the daemon is in it', async (t) => {
  process.env['JOBZ_TEST_LEAK'] = 'leaked'
  t.teardown(() => delete process.env['JOBZ_TEST_LEAK'])
  const { stdout } = await runOnce(
    t,
    { command: ['env', '-0'], env: { MINE: 'a\nb', LANG: 'C' } },
    { date: '1' },
  )
  const lines = stdout.split('\0').filter((line) => line !== '')
  const variables = new Map(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
  const expected = `HOME JOBZ_ATTEMPT JOBZ_ATTEMPT_ID JOBZ_FLOW_ID JOBZ_JOB JOBZ_OUTPUT JOBZ_P_attempt JOBZ_P_date
    JOBZ_P_flow_id JOBZ_P_job_name JOBZ_P_run_id JOBZ_P_worker JOBZ_RUN_ID JOBZ_URL JOBZ_WORKER LANG MINE PATH PWD`
  const names = [...variables.keys()].filter((name) => name !== 'TZ').toSorted()
  t.deepEqual(names, expected.split(/\s+/).toSorted())
  t.is(variables.get('PATH'), COMMAND_PATH)
  t.is(variables.get('LANG'), 'C')
  t.is(variables.get('MINE'), 'a\nb')
  t.is(variables.get('JOBZ_JOB'), 'job')
  t.is(variables.get('JOBZ_ATTEMPT_ID'), `${variables.get('JOBZ_RUN_ID')}.0#1`)
  t.is(variables.get('PWD'), variables.get('HOME'))
})

test('nothing of the keeper shows: no variables, arguments, traps, signals or files', async (t) => {
  const { stdout } = await runOnce(t, {
    command:
      'echo "a=$a c=$c"; trap; umask; cat; readlink /proc/self/fd/0; grep -E "SigIgn|SigBlk" /proc/self/status',
  })
  t.deepEqual(stdout.split('\n'), [
    'a= c=',
    '0022',
    '/dev/null',
    'SigBlk:\t0000000000000000',
    'SigIgn:\t0000000000000000',
    '',
  ])
  // Files that this process was itself started with are its starter's business.
  const usual = execFileSync('ls', ['/proc/self/fd'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const files = await runOnce(t, { command: ['ls', '/proc/self/fd'] })
  t.is(files.stdout, usual.toString())
})

test('a text that looks at its shell sees one of its own', async (t) => {
  const plain = await runOnce(t, {
    command: 'echo "$0 $# <$@>"; [ "$(cut -d" " -f4 /proc/$$/stat)" = "$PPID" ] && echo own',
  })
  t.is(plain.stdout, 'sh 0 <>\nown\n')
})

for (const [text, how] of [
  ['exit 0', code(0)],
  ['exit 75', code(75)],
  ['return 3', code(3)],
  ['kill -TERM $$', code(143)],
  ['sh -c "kill -SEGV \\$\\$"', code(139)],
  ['no-such-program-anywhere', code(127)],
  ['set -e; false; true', code(1)],
  ['if then', code(2)],
  ['exec true', code(0)],
] as const)
  test(`"${text}" ends with its own code`, async (t) => {
    const { exit } = await runOnce(t, { command: text })
    t.deepEqual(exit.how, how)
  })

test('a program that is not there is 127, one that may not be run 126', async (t) => {
  const missing = await runOnce(t, { command: ['no-such-program-anywhere'] })
  t.deepEqual(missing.exit.how, code(127))
  t.regex(missing.exit.error_tail, /not found/)
  const path = join(temporaryFolder(t), 'no-program')
  writeFileSync(path, '', { mode: 0o600 })
  const forbidden = await runOnce(t, { command: [path] })
  t.deepEqual(forbidden.exit.how, code(126))
})

test('a keeper is used again after a command that failed, and replaced when it was killed', async (t) => {
  const world = withRunner(t)
  const keepers: number[] = []
  for (const command of ['exit 7', 'kill -KILL $PPID', 'true']) {
    const key = world.start(jobOf({ command, template: false }))
    const entry = world.spool.entryOf(key) ?? ''
    const header = readHeader(readFileSync(world.spool.pathOf(entry, 'command'), 'utf8'))
    keepers.push(header?.keeper.pid ?? 0)
    await world.exited(key)
  }
  t.is(keepers[0], keepers[1])
  t.not(keepers[1], keepers[2])
})

test('a directory that is not there is said before anything starts', async (t) => {
  const { exit } = await runOnce(t, { command: ['true'], cwd: '/no/such/directory' })
  t.deepEqual(exit.how, {
    kind: 'not_started',
    message: 'cwd of job: there is no directory /no/such/directory',
  })
  t.is(exit.started_at_ms, null)
})

test('a command runs in its directory', async (t) => {
  const folder = join(temporaryFolder(t), `it's "here"`)
  mkdirSync(folder)
  const { stdout } = await runOnce(t, { command: 'pwd', cwd: folder })
  t.is(stdout, `${folder}\n`)
})

test('env_file is literal, and refused when others may read it', async (t) => {
  const path = join(temporaryFolder(t), 'secrets')
  writeFileSync(path, '# a comment\n\nPASSWORD="it\'s $HOME"\nEMPTY=\nOTHER=first\n', {
    mode: 0o600,
  })
  const job = {
    command: 'printf "%s|" "$PASSWORD" "$EMPTY" "$OTHER"',
    env_file: path,
    env: { OTHER: 'second' },
    template: false,
  }
  t.is((await runOnce(t, job)).stdout, `"it's $HOME"||second|`)
  chmodSync(path, 0o640)
  const { how } = (await runOnce(t, job)).exit
  t.deepEqual(how, {
    kind: 'not_started',
    message: `env_file ${path}: others may read it: chmod 600`,
  })
  writeFileSync(path, 'hunter2\n')
  chmodSync(path, 0o600)
  const bad = (await runOnce(t, job)).exit.how
  t.deepEqual(bad, { kind: 'not_started', message: `env_file ${path}: line 1 has no =` })
})

test('output values are read, and bad lines are left out with a word about it', async (t) => {
  const world = withRunner(t)
  const lines = [
    'good=a=b',
    '__proto__=x',
    'good=last',
    'no equals',
    '9x=1',
    `long=${'x'.repeat(5000)}`,
    'ünï=1',
    'empty=',
  ]
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'values'), lines.join('\n'))
  const key = world.start(jobOf({ command: 'cp values "$JOBZ_OUTPUT"', cwd: folder }))
  const exit = await world.exited(key)
  t.deepEqual(exit.output, { good: 'last', empty: '' })
  t.regex(
    world.warnings.join('\n'),
    /line 2 does not begin .*line 4 has no =.*line 6 has a value of more/,
  )
})

test('the tail of the errors begins with a whole character', async (t) => {
  const { exit } = await runOnce(t, {
    command: `awk 'BEGIN { for (i = 0; i < 3000; i++) printf "ü" }' >&2; printf 'xend' >&2; exit 1`,
  })
  t.true(exit.error_tail.endsWith('üxend'))
  t.false(exit.error_tail.includes('\uFFFD'))
  t.is(exit.stderr_bytes, 6004)
})

test('a directory that cannot be looked at is said, and ends nothing but its run', async (t) => {
  const circle = join(temporaryFolder(t), 'circle')
  symlinkSync(circle, circle)
  const { exit } = await runOnce(t, { command: 'true', cwd: circle })
  t.deepEqual(exit.how, {
    kind: 'not_started',
    message: `cwd of job: there is no directory ${circle}`,
  })
})
