/** What the next daemon of a spool makes of the commands that an earlier one started. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { jobOf } from '../jobs-of.ts'
import { until } from '../until.ts'
import { runId, temporaryFolder, withRunner } from './with-runner.ts'
import type { TestRunner } from './with-runner.ts'

/** The key of the only attempt of a test's spool. */
const keyIn = (folder: string): string => `${runId(folder, 1)}.0#1`

const fileOf = (world: TestRunner, file: 'command' | 'code' | 'stdout'): string =>
  world.spool.pathOf('1', file)
const keeperOf = (world: TestRunner): number =>
  Number(/"pid":(\d+)/.exec(readFileSync(fileOf(world, 'command'), 'utf8'))?.[1])

/** A daemon that starts one command and then is gone, its command under way. */
async function leaveRunning(
  t: ExecutionContext,
  folder: string,
  command: string,
): Promise<TestRunner> {
  const world = withRunner(t, folder)
  world.start(jobOf({ command, template: false }))
  await until(
    'it is up',
    () => world.spool.hasMark('1') && world.stdout(keyIn(folder)).includes('up'),
  )
  world.runner.leave()
  return world
}

test('a command outlives its daemon, and the next one tells its true end', async (t) => {
  const folder = temporaryFolder(t)
  await leaveRunning(
    t,
    folder,
    'echo up; until [ -e go ]; do sleep 0.02; done; echo late; exit 9'.replace(
      'go',
      `${folder}/go`,
    ),
  )
  const next = withRunner(t, folder)
  t.is(next.restored.length, 1)
  t.truthy(next.restored[0]?.running)
  writeFileSync(`${folder}/go`, '')
  const exit = await next.exited(keyIn(folder))
  t.deepEqual(exit.how, { kind: 'code', exit_code: 9 })
  t.is(next.stdout(keyIn(folder)), 'up\nlate\n')
})

test('a command that ended while no daemon was there is told too', async (t) => {
  const folder = temporaryFolder(t)
  const first = await leaveRunning(t, folder, 'echo up; sleep 0.1; exit 4')
  await until('the code is written', () => first.spool.readCode('1'))
  const exit = await withRunner(t, folder).exited(keyIn(folder))
  t.deepEqual(exit.how, { kind: 'code', exit_code: 4 })
  t.true(exit.finished_at_ms <= Date.now())
})

test('a command whose keeper was killed meanwhile was killed', async (t) => {
  const folder = temporaryFolder(t)
  const first = await leaveRunning(t, folder, 'echo up; sleep 600')
  process.kill(-keeperOf(first), 'SIGKILL')
  const { how } = await withRunner(t, folder).exited(keyIn(folder))
  t.deepEqual(how, { kind: 'killed', message: 'its processes were killed, and left no exit code' })
})

test('a reboot killed what ran', async (t) => {
  const folder = temporaryFolder(t)
  const first = await leaveRunning(t, folder, 'echo up; sleep 600')
  process.kill(-keeperOf(first), 'SIGKILL')
  const path = fileOf(first, 'command')
  const text = readFileSync(path, 'utf8').replace(/"boot_id":"[^"]*"/, '"boot_id":"another"')
  writeFileSync(path, text)
  const { how } = await withRunner(t, folder).exited(keyIn(folder))
  t.deepEqual(how, { kind: 'killed', message: 'the host was started anew while it ran' })
})

test('a command that never began never ran, and nothing but its record is left of it', async (t) => {
  const folder = temporaryFolder(t)
  const first = await leaveRunning(t, folder, 'echo up; sleep 600')
  process.kill(-keeperOf(first), 'SIGKILL')
  for (const file of ['stdout', 'stderr'] as const) rmSync(first.spool.pathOf('1', file))
  const next = withRunner(t, folder)
  t.deepEqual((await next.exited(keyIn(folder))).how, { kind: 'never_ran' })
  t.is(next.spool.entryOf(keyIn(folder)), '1')
  const again = withRunner(t, folder)
  t.deepEqual(
    again.restored.map(({ running }) => running),
    [null],
  )
})

test('half a code does not count', async (t) => {
  const folder = temporaryFolder(t)
  const first = await leaveRunning(t, folder, 'echo up; sleep 600')
  for (const text of ['', '1', '12', 'x\n', '999\n', '-1\n']) {
    writeFileSync(fileOf(first, 'code'), text)
    t.is(first.spool.readCode('1'), null, JSON.stringify(text))
  }
  writeFileSync(fileOf(first, 'code'), '12\n')
  t.is(first.spool.readCode('1')?.exit_code, 12)
  process.kill(-keeperOf(first), 'SIGKILL')
})

test('an adopted command can be stopped', async (t) => {
  const folder = temporaryFolder(t)
  await leaveRunning(t, folder, 'echo up; sleep 600')
  const next = withRunner(t, folder)
  next.runner.terminate(keyIn(folder), 'canceled')
  t.deepEqual((await next.exited(keyIn(folder))).how, { kind: 'code', exit_code: 143 })
})

test('a record that is not whole is removed', (t) => {
  const folder = temporaryFolder(t)
  const first = withRunner(t, folder)
  first.spool.keep('broken', {
    task_id: 'x',
    attempt: 1,
    run_id: 'x',
    flow_id: 'x',
    job: 'x',
    params: {},
    context: {},
  })
  writeFileSync(first.spool.pathOf('1', 'task'), '{"task_id": "x"')
  t.deepEqual(withRunner(t, folder).restored, [])
})
