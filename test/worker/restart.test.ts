/** Daemons and brokers come and go; commands and reports do not. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { aTask, openBroker } from './fake-broker.ts'
import { JOBS } from './site-jobs.ts'
import { until } from './until.ts'
import { openSite } from './with-daemon.ts'

test('a command outlives a killed daemon, and is reported by the next', async (t) => {
  const broker = await openBroker(t)
  const site = openSite(t, JOBS)
  const first = site.start(broker.address)
  await broker.hear('hello')
  const file = join(site.folder, 'go')
  const task = aTask('wait_for', { params: { file } })
  broker.send(task)
  await broker.hear('output')
  await first.end('SIGKILL')
  site.start(broker.address)
  const hello = await broker.hear('hello', () => true, 1)
  t.deepEqual(hello.held, [{ task_id: task.task_id, attempt: 1, state: 'running' }])
  t.is(hello.instance, (await broker.hear('hello')).instance)
  t.is(hello.credit, 3)
  await broker.hear('started', () => true, 1)
  writeFileSync(file, '')
  const ended = await broker.ended(task.task_id)
  t.like(ended, { exit_code: 6, reason: null, stdout_bytes: 8 })
  const text = [...broker.output(task.task_id, 'stdout').values()].map(String).join('')
  t.true(text.endsWith('done\n'))
})

test('a clean stop leaves commands running, and queued tasks in the spool', async (t) => {
  const broker = await openBroker(t)
  const site = openSite(t, { ...JOBS, later: { command: ['true'], deliver: 'all' } })
  const first = await site.begin(broker.address, { slots: 1 })
  const file = join(site.folder, 'go')
  const task = aTask('wait_for', { params: { file } })
  const queued = aTask('later')
  broker.send(task)
  broker.send(queued)
  await broker.hear('accepted', ({ task_id }) => task_id === queued.task_id)
  await broker.hear('output')
  await first.stop()
  await broker.hear('bye')
  await site.begin(broker.address, { slots: 1 })
  const { held } = await broker.hear('hello', () => true, 1)
  t.deepEqual(
    held.map(({ state }) => state),
    ['running', 'accepted'],
  )
  writeFileSync(file, '')
  t.is((await broker.ended(task.task_id)).exit_code, 6)
  t.is((await broker.ended(queued.task_id)).exit_code, 0)
})

test('a report that nobody acknowledged is made again by the next daemon', async (t) => {
  const broker = await openBroker(t)
  const site = openSite(t, JOBS)
  broker.acknowledge.ended = false
  const first = site.start(broker.address)
  await broker.hear('hello')
  const task = aTask('greet', { params: { who: 'you' } })
  broker.send(task)
  await broker.ended(task.task_id)
  await first.end('SIGKILL')
  broker.acknowledge.ended = true
  site.start(broker.address)
  const again = await broker.hear('ended', () => true, 1)
  t.like(again, { exit_code: 0, output: { said: 'you' } })
  await until(
    'the spool is empty',
    () => readdirSync(join(site.folder, 'spool', 'attempts')).length === 0,
  )
})

test('a broker that starts anew is greeted, and what it missed is said again', async (t) => {
  const broker = await openBroker(t)
  const site = openSite(t, JOBS)
  broker.acknowledge.ended = false
  await site.begin(broker.address)
  const task = aTask('greet', { params: { who: 'you' } })
  broker.send(task)
  await broker.ended(task.task_id)
  await broker.close()
  const next = await openBroker(t, broker.address)
  const { held } = await next.hear('hello')
  t.deepEqual(held, [{ task_id: task.task_id, attempt: 1, state: 'ended' }])
  t.is((await next.ended(task.task_id)).exit_code, 0)
  t.deepEqual(next.faults, [])
})

test('one daemon to a spool; a dead one holds nothing', async (t) => {
  const broker = await openBroker(t)
  const site = openSite(t, JOBS)
  const first = site.start(broker.address)
  await broker.hear('hello')
  const second = site.start(broker.address)
  t.is(await second.exitCode(), 2)
  t.regex(second.log(), /is in use by process \d+/)
  await first.end('SIGKILL')
  t.true(existsSync(join(site.folder, 'spool', 'lock')))
  site.start(broker.address)
  await broker.hear('hello', () => true, 1)
})
