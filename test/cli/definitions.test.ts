/** `jobz validate` and `jobz plan`: what files say, without running anything. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { Problem } from '../../common/definition/job.ts'
import { ask, run } from './run.ts'
import { ACTS } from './views.ts'

const GOOD = `
jobs:
  dump:
    command: load --date %(date)s > "/tmp/%(date)s" # for %(x)s
    params:
      date: {type: date, format: '%Y_%m_%d', default: today}
      password: {secret: true, default: hunter2}
    on_success: {job: part, each: {source: [shop, stock]}}
    on_failure: tell
  part: {command: [import, "%(source)s", "%(run_id)s"], deliver: one}
  publish: {command: publish}
  tell: {command: "true", deliver: one}
semaphores:
  ready: {wait_for: [{job: part, count: 2}, dump], key: "%(date)s", then: publish}
`.replace(' # for %(x)s', '')

function folder(t: ExecutionContext, files: Record<string, string>): string {
  const place = mkdtempSync(join(tmpdir(), 'jobz-cli-'))
  t.teardown(() => rmSync(place, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text)
  return place
}

test('good files: 0, and how much they define', async (t) => {
  const { code, out, err } = await run(['validate', folder(t, { 'a.yaml': GOOD })])
  t.is(code, 0, out)
  t.regex(err, /^4 jobs and 1 semaphore: good\n$/)
})

test('bad files: 1, with file, line, column and the near name', async (t) => {
  const place = folder(t, { 'a.yaml': 'jobs:\n  dump:\n    comand: "true"\n' })
  const { code, out, err } = await run(['validate', place])
  t.is(code, 1)
  t.regex(out, /a\.yaml:3:5: error: .*comand.*command/)
  t.regex(err, /error/)
  const json = JSON.parse((await run(['validate', place, '--json'])).out)
  t.false(json.good)
  t.true(json.problems.some((one: Problem) => one.line === 3 && one.column === 5))
})

test('warnings are errors with --strict', async (t) => {
  const place = folder(t, { 'a.yaml': 'jobs: {dump: {command: "true", on_success: gone}}' })
  const plain = await run(['validate', place])
  t.is(plain.code, 0)
  t.regex(plain.out, /warning: .*gone/)
  const strict = await run(['validate', place, '--strict'])
  t.is(strict.code, 1)
  t.regex(strict.out, /error: .*gone/)
})

test('a path that is not there: 1', async (t) => {
  t.is((await run(['validate', '/nowhere/at/all'])).code, 1)
})

test('hostile files do not act on a terminal', async (t) => {
  const place = folder(t, { 'a.yaml': 'jobs: {"x\\e[2J\\u009b31m": {"\\e]0;x\\a": 1}}' })
  const { code, out } = await run(['validate', place], { columns: 80 })
  t.is(code, 1)
  t.notRegex(out, ACTS)
})

const workers = ['web17', 'web18']
const JOBS = { 'GET /api/jobs': { json: { jobs: [{ job: 'dump', workers }] } } }

test('plan shows the command, the values, the workers and what follows', async (t) => {
  const place = folder(t, { 'a.yaml': GOOD })
  const argv = ['plan', 'dump', 'date=2026_11_23', 'extra=x', '--jobs', place]
  const { code, out } = await ask(t, argv, JOBS)
  t.is(code, 0, out)
  for (const said of [
    /JOBZ_P_date=2026_11_23 sh -c 'load --date "\$\{JOBZ_P_date\}" > "\/tmp\/\$\{JOBZ_P_date\}"'/,
    /extra=x {2}\(not declared\)/,
    /password=\*\*\*/,
    /each of 2: web17, web18/,
    /├─ on_success: part \(on one worker; 2 runs, one per source\)/,
    /semaphore: ready \(gate 2026_11_23; waits for 2× part, dump\)/,
    /then: publish \(on every worker\)/,
    /├─ on_failure: tell/,
  ])
    t.regex(out, said)
  t.notRegex(out, /hunter2/)
})

test('plan of a command without a shell keeps what only a run knows as its placeholder', async (t) => {
  const place = folder(t, { 'a.yaml': GOOD })
  const { out } = await ask(t, ['plan', 'part', 'source=a b', '--jobs', place], JOBS)
  t.regex(out, /import 'a b' .*%\\?\(run_id\\?\)s/)
  t.regex(out, /none is subscribed/)
})

test('plan says whose command it is, and what bounds it', async (t) => {
  const job = '{command: id, user: deploy, limits: {memory: 512MiB, files: 100}}'
  const place = folder(t, { 'a.yaml': `jobs: {other: ${job}}` })
  const { out } = await ask(t, ['plan', 'other', '--jobs', place], JOBS)
  t.regex(out, /as\n {2}user deploy\n {2}512 MiB of memory\n {2}100 open files\n/)
})

test('plan works without a frontend, and says so', async (t) => {
  const place = folder(t, { 'a.yaml': GOOD })
  const env = { JOBZ_URL: 'http://127.0.0.1:9', JOBZ_JOBS: place }
  const plain = await run(['plan', 'dump'], { env })
  t.is(plain.code, 0)
  t.regex(plain.out, /not known: cannot reach jobz/)
  const json = JSON.parse((await run(['plan', 'dump', '--json'], { env })).out)
  t.like(json, { job: 'dump', workers: null, undeclared: [] })
  t.like(json.next[0], { on: 'on_success', name: 'part' })
})

test('plan refuses what a trigger would be refused: 4; bad files: 1', async (t) => {
  const env = { JOBZ_JOBS: folder(t, { 'a.yaml': GOOD }) }
  const unknown = await run(['plan', 'dmup'], { env })
  t.is(unknown.code, 4)
  t.regex(unknown.err, /defines no job dmup\n.*did you mean dump/)
  const bad = await run(['plan', 'dump', 'date=tomorrow'], { env })
  t.is(bad.code, 4)
  t.regex(bad.err, /date/)
  const broken = { JOBZ_JOBS: folder(t, { 'a.yaml': 'jobs: {dump: {}}' }) }
  t.is((await run(['plan', 'dump'], { env: broken })).code, 1)
})

test('a circle of steps ends', async (t) => {
  const yaml =
    'jobs:\n  a: {command: "true", on_success: b}\n  b: {command: "true", on_success: a}\n'
  const env = { JOBZ_JOBS: folder(t, { 'a.yaml': yaml }) }
  const { code, out } = await run(['plan', 'a'], { env })
  t.is(code, 0)
  t.regex(out, /on_success: b .*\n.*on_success: a \(as above\)/)
})
