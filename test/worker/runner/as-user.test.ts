/** Commands of another user, by a sudo that obeys but changes nobody: what is handed over, and what comes back. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { readProcess } from '../../../worker/runner/process-table.ts'
import { jobOf } from '../jobs-of.ts'
import { until } from '../until.ts'
import { fakeSudo, OTHER, REFUSES } from './users.ts'
import { runId, temporaryFolder, withRunner } from './with-runner.ts'
import type { TestRunner } from './with-runner.ts'

/** As one that waits for a directory; asked again, it has nothing to signal. */
const HANGS_ONCE = (mark: string): string =>
  `\n[ -e '${mark}' ] && echo 0 && exit 0; : >'${mark}'; exec sleep 600`
const family = fileURLToPath(new URL('../../fixtures/worker/family.sh', import.meta.url))
const keyIn = (folder: string): string => `${runId(folder, 1)}.0#1`

const isOver = (pid: number): boolean => {
  const row = readProcess(pid)
  return row === null || row.zombie
}
const isUp = (world: TestRunner, key: string): Promise<boolean> =>
  until('it is up', () => {
    const entry = world.spool.entryOf(key) ?? ''
    return world.spool.hasMark(entry) && world.stdout(key).includes('up')
  })
const keeperOf = (world: TestRunner): number =>
  Number(/"pid":(\d+)/.exec(readFileSync(world.spool.pathOf('1', 'command'), 'utf8'))?.[1])

test('a command of another user has that user’s environment, its values, its code', async (t) => {
  const sudo = fakeSudo(t)
  const world = withRunner(t, temporaryFolder(t), sudo.options)
  const command = 'env | sort; cat; echo "said=$JOBZ_P_word" >>"$JOBZ_OUTPUT"; echo err >&2; exit 7'
  const job = jobOf({
    command,
    template: false,
    user: OTHER.name,
    cwd: '/',
    env: { PLACE: 'here', s: 'kept', a: 'kept' },
    params: { word: { type: 'text' } },
  })
  const key = world.start(job, { word: `it's "$(id)" \\ \`x\`` })
  const { how, output } = await world.exited(key)
  t.deepEqual(how, { kind: 'code', exit_code: 7 })
  t.deepEqual(output, { said: `it's "$(id)" \\ \`x\`` })
  t.is(world.stderr(key), 'err\n')
  const names = world.stdout(key)
  const expected = { HOME: OTHER.home, USER: OTHER.name, LOGNAME: OTHER.name, PLACE: 'here' }
  for (const [name, value] of Object.entries({ ...expected, PWD: '/', s: 'kept', a: 'kept' }))
    t.regex(names, new RegExp(`^${name}=${value}$`, 'm'))
  for (const name of ['JOBZ_RUN_ID', 'JOBZ_ATTEMPT_ID', 'JOBZ_URL', 'PATH', 'LANG'])
    t.regex(names, new RegExp(`^${name}=.`, 'm'))
  t.notRegex(names, /^(SUDO_|MAIL|SHELL|TERM|OLDPWD|SHLVL)/m)
})

test('no value, variable or command is in a list of arguments, nor in the spool once it runs', async (t) => {
  const folder = temporaryFolder(t)
  const sudo = fakeSudo(t)
  const world = withRunner(t, folder, sudo.options)
  const go = join(folder, 'go')
  const job = jobOf({
    command: `echo up; until [ -e '${go}' ]; do sleep 0.02; done`,
    template: false,
    user: OTHER.name,
    env: { PASSWORD: 'swordfish' },
    params: { word: {} },
  })
  const key = world.start(job, { word: 'hushhush' })
  await isUp(world, key)
  for (const file of ['command', 'output'] as const)
    t.notRegex(readFileSync(world.spool.pathOf('1', file), 'utf8'), /swordfish|hushhush/)
  world.runner.terminate(key, 'canceled')
  await world.exited(key)
  t.regex(sudo.told(), new RegExp(`^-n -u ${OTHER.name} -- /bin/sh -c `))
  t.notRegex(sudo.told(), /swordfish|hushhush|echo up/)
  t.false(sudo.told().includes(key))
})

test('lists of arguments, and texts that look at their shell, run as they would for the worker', async (t) => {
  const { options } = fakeSudo(t)
  const world = withRunner(t, temporaryFolder(t), options)
  const argv = world.start(
    jobOf({ command: ['printf', '%s.', `a'b`, '-n', '*'], user: OTHER.name }),
  )
  t.deepEqual((await world.exited(argv)).how, { kind: 'code', exit_code: 0 })
  t.is(world.stdout(argv), `a'b.-n.*.`)
  const looking = jobOf({
    command: 'echo "$0 $#"; kill -TERM $$',
    user: OTHER.name,
    template: false,
  })
  const key = world.start(looking)
  t.deepEqual((await world.exited(key)).how, { kind: 'code', exit_code: 143 })
  t.is(world.stdout(key), 'sh 0\n')
})

test('what sudo refuses never ran, and the rule that it needs is told', async (t) => {
  const { options } = fakeSudo(t, REFUSES)
  const world = withRunner(t, temporaryFolder(t), options)
  const key = world.start(jobOf({ command: 'echo hello', user: OTHER.name }))
  const { how, started_at_ms, output } = await world.exited(key)
  t.deepEqual(how, {
    kind: 'not_started',
    message: `sudo did not run it as ${OTHER.name} (exit code 1: sudo: a password is required): a rule for sudo must allow it: jobz ALL=(${OTHER.name}) NOPASSWD: /bin/sh`,
  })
  t.is(started_at_ms, null)
  t.deepEqual(output, {})
  const next = world.start(jobOf({ command: ['true'] }))
  t.deepEqual((await world.exited(next)).how, { kind: 'code', exit_code: 0 })
})

test('a sudo that succeeds without running anything is no success', async (t) => {
  const { options } = fakeSudo(t, '\nexit 0')
  const world = withRunner(t, temporaryFolder(t), options)
  const { how } = await world.exited(world.start(jobOf({ command: 'true', user: OTHER.name })))
  t.is(how.kind, 'not_started')
})

test('without sudo, or without the user, nothing is started', async (t) => {
  const { options } = fakeSudo(t)
  const environment = { ...options.environment, PATH: '/nowhere' }
  const world = withRunner(t, temporaryFolder(t), { ...options, environment })
  const first = await world.exited(world.start(jobOf({ command: 'true', user: OTHER.name })))
  t.deepEqual(first.how, {
    kind: 'not_started',
    message: `to run it as ${OTHER.name} the worker needs sudo, and finds none: install sudo`,
  })
  const second = await world.exited(world.start(jobOf({ command: 'true', user: 'no_such_user' })))
  t.deepEqual(second.how, {
    kind: 'not_started',
    message: "this host has no user no_such_user: make it, or correct the job's user",
  })
})

test('a stop reaches all that it started, and it may end as it likes', async (t) => {
  const { options } = fakeSudo(t)
  const world = withRunner(t, temporaryFolder(t), options)
  const pids = join(temporaryFolder(t), 'pids')
  const key = world.start(jobOf({ command: [family, pids], user: OTHER.name }))
  await isUp(world, key)
  const all = await until(
    'the family is there',
    () => existsSync(pids) && readFileSync(pids, 'utf8').trim().split('\n').map(Number),
  )
  world.runner.terminate(key, 'canceled')
  t.deepEqual((await world.exited(key)).how, { kind: 'code', exit_code: 143 })
  for (const pid of all) t.true(isOver(pid))
  const handles = 'trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.02; done'
  const second = world.start(jobOf({ command: handles, user: OTHER.name }))
  await isUp(world, second)
  world.runner.terminate(second, 'timeout')
  t.deepEqual((await world.exited(second)).how, { kind: 'code', exit_code: 5 })
})

test('a stop in the moment of the start ends it too', async (t) => {
  const { options } = fakeSudo(t)
  const world = withRunner(t, temporaryFolder(t), options)
  for (let i = 0; i < 5; i += 1) {
    const key = world.start(jobOf({ command: 'sleep 600; echo no', user: OTHER.name }))
    world.runner.terminate(key, 'canceled')
    t.deepEqual((await world.exited(key)).how, { kind: 'code', exit_code: 143 })
  }
})

test('it outlives its daemon, and the next one has its code, its values and its stop', async (t) => {
  const folder = temporaryFolder(t)
  const { options } = fakeSudo(t)
  const go = join(folder, 'go')
  const command = `echo up; until [ -e '${go}' ]; do sleep 0.02; done; echo late=1 >>"$JOBZ_OUTPUT"; exit 9`
  const first = withRunner(t, folder, options)
  first.start(jobOf({ command, template: false, user: OTHER.name }))
  await isUp(first, keyIn(folder))
  first.runner.leave()
  const next = withRunner(t, folder, options)
  t.truthy(next.restored[0]?.running)
  writeFileSync(go, '')
  const { how, output } = await next.exited(keyIn(folder))
  t.deepEqual(how, { kind: 'code', exit_code: 9 })
  t.deepEqual(output, { late: '1' })
})

test('one that is adopted can be stopped', async (t) => {
  const folder = temporaryFolder(t)
  const { options, told } = fakeSudo(t)
  const first = withRunner(t, folder, options)
  first.start(jobOf({ command: 'echo up; sleep 600', user: OTHER.name }))
  await isUp(first, keyIn(folder))
  first.runner.leave()
  const next = withRunner(t, folder, options)
  next.runner.terminate(keyIn(folder), 'canceled')
  t.deepEqual((await next.exited(keyIn(folder))).how, { kind: 'code', exit_code: 143 })
  t.true(told().split('\n').length > 2)
})

test('one whose keeper dies before its script is read never ran, and its script is gone', async (t) => {
  const folder = temporaryFolder(t)
  const { options } = fakeSudo(t, HANGS_ONCE(join(folder, 'hung')))
  const world = withRunner(t, folder, options)
  const key = world.start(jobOf({ command: 'echo hello', user: OTHER.name }))
  await until('sudo is there', () => world.spool.hasMark('1'))
  process.kill(-keeperOf(world), 'SIGKILL')
  t.deepEqual((await world.exited(key)).how, { kind: 'never_ran' })
  t.false(existsSync(world.spool.pathOf('1', 'output')))
})

test('one that is killed has told its values, and what it ran is gone', async (t) => {
  const { options } = fakeSudo(t)
  const world = withRunner(t, temporaryFolder(t), options)
  const command = 'echo half=1 >"$JOBZ_OUTPUT"; trap "" TERM; echo up; sleep 600'
  const key = world.start(jobOf({ command, template: false, user: OTHER.name }))
  await isUp(world, key)
  world.runner.kill(key)
  const { how, output } = await world.exited(key)
  t.is(how.kind, 'killed')
  t.deepEqual(output, { half: '1' })
})
