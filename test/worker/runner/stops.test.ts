/** Stopping: TERM, then KILL, to all that a command started, and to nothing else. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { attemptOf, isAlive, readProcess } from '../../../worker/runner/process-table.ts'
import { jobOf } from '../jobs-of.ts'
import { until } from '../until.ts'
import { temporaryFolder, withRunner } from './with-runner.ts'
import type { TestRunner } from './with-runner.ts'

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/worker/${name}`, import.meta.url))

const stopped = (pid: number): boolean => {
  const row = readProcess(pid)
  return row === null || row.zombie
}
const says = (world: TestRunner, key: string, text: string): Promise<boolean> =>
  until(`it says ${text}`, () => {
    const entry = world.spool.entryOf(key) ?? ''
    return world.spool.hasMark(entry) && world.stdout(key).includes(text)
  })

test('TERM ends a command, and its keeper still tells the code', async (t) => {
  const world = withRunner(t)
  const key = world.start(jobOf({ command: 'echo up; sleep 600' }))
  await says(world, key, 'up')
  world.runner.terminate(key, 'canceled')
  const { how } = await world.exited(key)
  t.deepEqual(how, { kind: 'code', exit_code: 143 })
  const stop = world.spool.pathOf(world.spool.entryOf(key) ?? '', 'stop')
  t.is(readFileSync(stop, 'utf8'), 'canceled')
})

test('a command that handles TERM ends as it likes', async (t) => {
  const world = withRunner(t)
  const command = 'trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.02; done'
  const key = world.start(jobOf({ command }))
  await says(world, key, 'up')
  world.runner.terminate(key, 'timeout')
  const { how } = await world.exited(key)
  t.deepEqual(how, { kind: 'code', exit_code: 5 })
  t.is(world.stdout(key), 'up\nbye\n')
})

test('KILL ends what ignores TERM', async (t) => {
  const world = withRunner(t)
  const key = world.start(jobOf({ command: [fixture('ignores-term.sh')] }))
  await says(world, key, 'up')
  world.runner.terminate(key, 'timeout')
  world.runner.kill(key)
  const { how } = await world.exited(key)
  t.is(how.kind, 'killed')
})

test('grandchildren are reached, in the group and in a session of their own', async (t) => {
  const world = withRunner(t)
  const pids = join(temporaryFolder(t), 'pids')
  const key = world.start(jobOf({ command: [fixture('family.sh'), pids] }))
  await says(world, key, 'up')
  const family = await until(
    'the family is there',
    () => existsSync(pids) && readFileSync(pids, 'utf8').trim().split('\n').map(Number),
  )
  t.is(family.length, 2)
  for (const pid of family) t.is(attemptOf(pid), key)
  world.runner.terminate(key, 'canceled')
  // One of them ignores TERM: once the command itself is over, nothing of it may be left.
  const { how } = await world.exited(key)
  t.deepEqual(how, { kind: 'code', exit_code: 143 })
  for (const pid of family) t.true(stopped(pid))
})

test('a stop in the moment of the start ends it too', async (t) => {
  const world = withRunner(t)
  for (let i = 0; i < 10; i += 1) {
    const key = world.start(jobOf({ command: 'sleep 600; echo no' }))
    world.runner.terminate(key, 'canceled')
    const { how } = await world.exited(key)
    t.true(
      how.kind === 'never_ran' || (how.kind === 'code' && how.exit_code === 143),
      JSON.stringify(how),
    )
  }
})

test('what a command left behind lives on, and a later stop in the same group spares it', async (t) => {
  const world = withRunner(t)
  const first = world.start(jobOf({ command: 'sleep 600 & echo $!', template: false }))
  t.deepEqual((await world.exited(first)).how, { kind: 'code', exit_code: 0 })
  const left = Number(world.stdout(first))
  t.teardown(() => process.kill(left, 'SIGKILL'))
  const second = world.start(jobOf({ command: 'echo up; sleep 600' }))
  await says(world, second, 'up')
  t.is(
    readProcess(left)?.group,
    Number(
      /"pid":(\d+)/.exec(
        readFileSync(world.spool.pathOf(world.spool.entryOf(second) ?? '', 'command'), 'utf8'),
      )?.[1],
    ),
  )
  world.runner.terminate(second, 'canceled')
  t.deepEqual((await world.exited(second)).how, { kind: 'code', exit_code: 143 })
  t.false(stopped(left))
})

test('a killed keeper takes its command with it, and the next start has a new one', async (t) => {
  const world = withRunner(t)
  const pids = join(temporaryFolder(t), 'pids')
  const key = world.start(jobOf({ command: [fixture('family.sh'), pids] }))
  await says(world, key, 'up')
  const family = await until(
    'the family is there',
    () => existsSync(pids) && readFileSync(pids, 'utf8').trim().split('\n').map(Number),
  )
  const entry = world.spool.entryOf(key) ?? ''
  const keeper = Number(
    /"pid":(\d+)/.exec(readFileSync(world.spool.pathOf(entry, 'command'), 'utf8'))?.[1],
  )
  process.kill(keeper, 'SIGKILL')
  const { how } = await world.exited(key)
  t.is(how.kind, 'killed')
  for (const pid of family) t.true(stopped(pid))
  const next = world.start(jobOf({ command: ['true'] }))
  t.deepEqual((await world.exited(next)).how, { kind: 'code', exit_code: 0 })
})

test('keepers end by themselves when they are let go', async (t) => {
  const world = withRunner(t)
  const key = world.start(jobOf({ command: ['true'] }))
  const text = readFileSync(world.spool.pathOf(world.spool.entryOf(key) ?? '', 'command'), 'utf8')
  const pid = Number(/"pid":(\d+)/.exec(text)?.[1])
  await world.exited(key)
  t.false(stopped(pid))
  world.runner.leave()
  await until('the keeper is gone', () => stopped(pid))
  t.false(isAlive({ pid, start_ticks: 0, boot_id: '' }))
})
