/** Limits: that the kernel has them from the command's start, and what is said where they cannot be had. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import test from 'ava'
import { jobOf } from '../jobs-of.ts'
import { fakeSudo, OTHER } from './users.ts'
import { runOnce, temporaryFolder, withRunner } from './with-runner.ts'

const LIMITS = { memory: '64 MiB', tasks: 4000, files: 64 }
/** The lines of all three, as a process sees them of itself. */
const looks = 'grep -e "^Max data size" -e "^Max processes" -e "^Max open files" /proc/self/limits'
const numbers = (text: string): number[] => (text.match(/\d+/g) ?? []).map(Number)
const SET = [67_108_864, 67_108_864, 4000, 4000, 64, 64]

for (const [kind, command] of [
  ['a text', looks],
  ['a text that looks at its shell', `echo "$0" >/dev/null; ${looks}`],
  ['a list', ['sh', '-c', looks]],
] as const)
  test(`${kind} has its limits from the start`, async (t) => {
    const { exit, stdout } = await runOnce(t, { command, limits: LIMITS, template: false })
    t.deepEqual(exit.how, { kind: 'code', exit_code: 0 })
    t.deepEqual(numbers(stdout), SET)
  })

test('a command of another user has them too', async (t) => {
  const { options } = fakeSudo(t)
  const world = withRunner(t, temporaryFolder(t), options)
  const key = world.start(jobOf({ command: looks, limits: LIMITS, user: OTHER.name, cwd: '/' }))
  await world.exited(key)
  t.deepEqual(numbers(world.stdout(key)), SET)
})

test('what is not limited stays as it is, and the next command of the keeper has no limits', async (t) => {
  const world = withRunner(t)
  const first = world.start(jobOf({ command: looks, limits: { files: 64 } }))
  await world.exited(first)
  const second = world.start(jobOf({ command: looks }))
  await world.exited(second)
  const own = execFileSync('sh', ['-c', looks], { encoding: 'utf8' })
  t.is(world.stdout(second), own)
  t.deepEqual(numbers(world.stdout(first)), [...numbers(own).slice(0, -2), 64, 64])
})

test('memory is what a process allocates, and one that wants more gets none', async (t) => {
  const command = ['awk', 'BEGIN { s = "x"; while (length(s) < 50000000) s = s s; print "got it" }']
  const { exit, stdout } = await runOnce(t, { command, limits: { memory: '32 MiB' } })
  t.notDeepEqual(exit.how, { kind: 'code', exit_code: 0 })
  t.is(stdout, '')
  const free = await runOnce(t, { command })
  t.is(free.stdout, 'got it\n')
})

test('without prlimit a job with limits is not started, and one without them is', async (t) => {
  const environment = { PATH: '/nowhere', HOME: '/' }
  const world = withRunner(t, temporaryFolder(t), { environment })
  const limited = world.start(jobOf({ command: ':', limits: { files: 64 } }))
  t.deepEqual((await world.exited(limited)).how, {
    kind: 'not_started',
    message: 'its limits need prlimit, and the worker finds none: install util-linux',
  })
  const free = world.start(jobOf({ command: ':', limits: {} }))
  t.deepEqual((await world.exited(free)).how, { kind: 'code', exit_code: 0 })
})

test('more than the worker has itself is told before anything starts', async (t) => {
  const own = { name: 'jobz', uid: 1 }
  const world = withRunner(t, temporaryFolder(t), { own })
  const hard = (title: string): number =>
    Number(
      new RegExp(`^${title} +\\S+ +(\\S+)`, 'm').exec(
        readFileSync('/proc/self/limits', 'utf8'),
      )?.[1],
    )
  const wanted = [
    { key: 'files', most: 1_048_576, has: hard('Max open files') },
    { key: 'tasks', most: 4_194_304, has: hard('Max processes') },
  ].find(({ most, has }) => has < most)
  if (!wanted) return t.pass('this host bounds neither below the most that a job may say')
  const { key, has } = wanted
  const job = jobOf({ command: ':', limits: { [key]: has + 1 } })
  const { how } = await world.exited(world.start(job))
  t.regex(
    how.kind === 'not_started' ? how.message : '',
    new RegExp(`${key}: ${has + 1} is more than the worker itself may have \\(${has}\\)`),
  )
})
